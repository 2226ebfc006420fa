"""A market data server that costs next to nothing, in a process of its own.

    python -m tests.bench.blaster binance 5000 1     # messages/s (0: as fast as read), per batch

Prints its port. Speaks just enough of each protocol to be taken for the exchange: it answers the
handshake and pings, and streams trades with the time of now to whoever connects.
"""

import socket
import sys
import threading
import time

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

BINANCE = ('{"stream":"btcusdt@trade","data":{"e":"trade","E":%d,"s":"BTCUSDT","t":6684854489,'
           '"p":"%.8f","q":"0.02799000","T":%d,"m":false,"M":true}}')
OKX = ('{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":'
       '"1051102132","px":"%.1f","sz":"0.00504905","side":"sell","ts":"%d","count":"1","source":'
       '"0","seqId":80559459948}]}')


def frame(exchange: str, number: int) -> bytes:
    now, price = int(time.time() * 1000), 50_000.0 + number % 100
    text = BINANCE % (now, price, now) if exchange == "binance" else OKX % (price, now)
    data = text.encode()
    length = bytes([len(data)]) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2, "big")
    return b"\x81" + length + data


def serve(sock: socket.socket, exchange: str, rate: float, batch: int) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    protocol = ServerProtocol()
    while not (events := protocol.events_received()):
        protocol.receive_data(sock.recv(4096))
    request = events[0]
    assert isinstance(request, Request)
    protocol.send_response(protocol.accept(request))
    sock.sendall(b"".join(protocol.data_to_send()))
    lock = threading.Lock()
    threading.Thread(target=listen, args=(sock, protocol, lock), daemon=True).start()
    number, due = 0, time.monotonic()
    while True:
        part = b"".join(frame(exchange, number + offset) for offset in range(batch))
        number += batch
        with lock:
            sock.sendall(part)
        if rate:
            due += batch / rate
            time.sleep(max(0.0, due - time.monotonic()))


def listen(sock: socket.socket, protocol: ServerProtocol, lock: threading.Lock) -> None:
    while data := _received(sock):
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT and event.data == b"ping":
                protocol.send_text(b"pong")
        with lock:
            sock.sendall(b"".join(protocol.data_to_send()))


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(4096)
    except OSError:
        return b""  # the client has gone


def quietly(sock: socket.socket, exchange: str, rate: float, batch: int) -> None:
    try:
        serve(sock, exchange, rate, batch)
    except OSError:
        pass  # the client has gone


def main() -> None:
    exchange, rate, batch = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=quietly, args=(sock, exchange, rate, batch),
                             daemon=True).start()


if __name__ == "__main__":
    main()

"""Loads on a broker for test_kafka_figures.py, each in a process of its own.

    python -m tests.bench.kafka_load write '{"brokers": "127.0.0.1:9092", "topic": "t"}'

says `ready`, waits for a line on stdin, measures, and prints what it found as a line of JSON.
CPU is user and system time of the whole process; `us` is per record. `client` is ours (TopicWriter
or TopicReader), kafka (kafka-python with the same settings), confluent, or none: what the load
itself costs.
"""

import socket
import sys
import threading
from itertools import count

import msgspec

from tests.bench import blaster
from tests.bench.kafka_order import SYMBOLS, Order, now_ms
from tests.bench.kafka_reading import read, serve, watch
from tests.bench.kafka_writing import put, write


def blast(order: Order) -> None:
    """An exchange like Binance with trades of all SYMBOLS at `rate`, to whoever connects."""
    numbers, texts = count(1), [
        blaster.BINANCE.replace("BTCUSDT", name).replace("btcusdt", name.lower()).replace(
            "6684854489", "%d") for name in SYMBOLS]

    def frame(exchange: str, number: int) -> bytes:
        now = now_ms()
        data = (texts[number % len(texts)] % (now, next(numbers), 50_000.0 + number % 100, now)
                ).encode()
        return b"\x81\x7e" + len(data).to_bytes(2, "big") + data

    setattr(blaster, "frame", frame)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=blaster.quietly, daemon=True,
                             args=(sock, "binance", order.rate, max(1, order.rate // 1000))
                             ).start()


LOADS = {load.__name__: load for load in (write, put, read, watch, serve, blast)}


def main() -> None:
    order = msgspec.json.decode(sys.argv[2] if len(sys.argv) > 2 else "{}", type=Order)
    LOADS[sys.argv[1]](order)


if __name__ == "__main__":
    main()

"""One request, over real sockets, to receivers that do what they like."""

import gzip
import logging
import socket
import ssl
import threading
import time

import pytest

from bot.alerts import posting
from bot.alerts.channel import Request
from bot.alerts.posting import NotSent, masked, post
from bot.worker import Detached
from tests.alerts.receiver import HOOK_PATH, receiver
from tests.servers import connect_proxy, drip, raw_server, say, swallow

SECRET = "SecretHook"


def request(port: int, scheme: str = "http") -> Request:
    return Request("POST", f"{scheme}://127.0.0.1:{port}/hooks/{SECRET}", {"text": "hello"})


def failure(request: Request) -> str:
    with pytest.raises(NotSent) as found:
        post(request, (SECRET,))
    return str(found.value)


def test_a_message_arrives_as_json() -> None:
    with receiver() as server:
        answer = post(Request("POST", server.base + HOOK_PATH, {"text": "ж🔥"}), ())
        assert answer.status == 200
        [told] = server.posts
        assert told.body == {"text": "ж🔥"} and told.path == HOOK_PATH


def test_retry_after_and_body_are_handed_over() -> None:
    with receiver() as server:
        server.refusals.append((429, {"Retry-After": "7"}, b"slow down"))
        answer = post(Request("POST", server.base + HOOK_PATH, {}), ())
    assert (answer.status, answer.retry_after, answer.body) == (429, "7", b"slow down")


def test_a_redirect_is_not_followed() -> None:
    with receiver() as server:
        server.refusals.append((307, {"Location": server.base + "/elsewhere"}, b""))
        assert post(Request("POST", server.base + HOOK_PATH, {}), ()).status == 307
        assert len(server.posts) == 1


def test_nobody_there_is_said_without_the_address() -> None:
    assert failure(request(1)) == "Connection refused"


def test_silence_is_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "READ_S", 0.1)
    with raw_server(swallow) as server:
        assert failure(request(server.port)) == "timed out"


def test_an_answer_in_drops_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "WHOLE_S", 0.3)
    began = time.monotonic()
    with receiver() as server:
        server.drip_s = 0.02
        server.refusals.append((200, {}, b"x" * 10_000))
        post(Request("POST", server.base + HOOK_PATH, {}), ())
        assert time.monotonic() - began < 5.0


def test_an_answer_in_zipped_pieces_is_read_whole() -> None:
    body = gzip.compress(b'{"ok": true}')
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:9], body[9:]))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    with raw_server(say(head + pieces + b"0\r\n\r\n")) as server:
        assert post(request(server.port), ()).body == b'{"ok": true}'


def test_an_endless_answer_is_cut() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"
    with raw_server(say(head + b"x" * 9_000_000)) as server:
        assert len(post(request(server.port), ()).body) < 100_000


@pytest.mark.parametrize("answer", [
    b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nBroken\r\n\r\n", b"",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"])
def test_junk_is_a_fault_in_words_or_an_answer_and_nothing_secret_is_logged(
    answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with raw_server(say(answer)) as server:
        try:
            post(request(server.port), (SECRET,))
        except NotSent as error:
            assert str(error) and SECRET not in str(error)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("url", [
    f"http://127.0.0.1:99999/{SECRET}", f"http://[::1/{SECRET}", f"nonsense://x/{SECRET}",
    f"http://{'a' * 300}.example/{SECRET}", f"http://.example/{SECRET}"])
def test_an_address_that_is_none_is_a_fault_without_what_is_secret(url: str) -> None:
    assert SECRET not in failure(Request("POST", url, {}))


def test_a_name_that_nobody_knows_is_said() -> None:
    assert "look-up" in failure(Request("POST", f"http://nowhere.invalid/{SECRET}", {}))


def test_a_certificate_that_is_not_trusted_is_said(certificate: tuple[object, object]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, certificate))

    def shake_hands(sock: socket.socket, stopping: threading.Event) -> None:
        context.wrap_socket(sock, server_side=True)

    with raw_server(shake_hands) as server:
        words = failure(request(server.port, "https"))
    assert "certificate" in words.lower() and SECRET not in words


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    with raw_server(say(b"")) as target, raw_server(connect_proxy(target.port, seen)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        failure(Request("POST", f"https://hooks.example.com/{SECRET}", {}))
    assert seen and seen[0].startswith(b"CONNECT hooks.example.com:443")


def test_headers_in_drops_cannot_be_interrupted() -> None:
    """Which is why a request is on a thread that nobody waits for."""
    with raw_server(drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 50)) as server:
        call = Detached("stray", lambda: post(request(server.port), ()))
        assert not call.wait(0.3)


def test_whatever_is_secret_is_masked_in_one_line() -> None:
    assert masked("a SecretHook\nb SecretHook", (SECRET,)) == "a **** b ****"

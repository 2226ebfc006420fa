"""TLS, against real servers with certificates of all kinds."""

import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from socket import socket

import pytest

from bot.doctor import certificates
from bot.doctor.certificates import certificate_checks, intercepts, issuer, judged, look
from bot.doctor.finding import Report
from bot.doctor.place import Host
from bot.doctor.rounds import Round
from bot.feeds import dial
from bot.worker import Deadline
from tests.doctor.abyss import black_hole
from tests.doctor.helpers import only
from tests.doctor.test_rounds import all_of
from tests.helpers import PATIENCE_S
from tests.processes import free_port
from tests.servers import Behaviour, connect_proxy, raw_server, say, swallow

SIGNER = "/O=Zscaler Inc./CN=Zscaler Root CA"
DAY = 86_400.0


def made(folder: Path, name: str, subject: str, *more: str) -> tuple[Path, Path]:
    """A certificate that signs itself."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", subject,
         "-keyout", str(key), "-out", str(cert), *more], check=True, capture_output=True)
    return cert, key


def ended(folder: Path) -> tuple[Path, Path]:
    """A certificate of localhost that was valid until yesterday."""
    cert, key, request = folder / "old.pem", folder / "old.key", folder / "old.csr"
    for command in (
        ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(request)],
        ["x509", "-req", "-in", str(request), "-signkey", str(key), "-days", "-1",
         "-copy_extensions", "copy", "-out", str(cert)],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return cert, key


def tls(pair: tuple[Path, Path]) -> Behaviour:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)

    def behave(sock: socket, stopping: threading.Event) -> None:
        with context.wrap_socket(sock, server_side=True) as secure:
            secure.settimeout(5.0)
            secure.recv(1)
    return behave


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
            ) -> Iterator[tuple[Path, Path]]:
    """The certificate of localhost, and this process trusts it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    dial.tls_context.cache_clear()
    yield certificate
    dial.tls_context.cache_clear()


def found(port: int, name: str = "localhost") -> tuple[str, str, str]:
    host = Host(name, port, "okx", "OKX_WS_URL", secure=True)
    finding = only(look(host, Deadline(5.0)))
    return finding.level, finding.words, finding.remedy


def test_a_valid_one_is_told_with_its_days_and_who_signed_it(trusted: tuple[Path, Path]) -> None:
    with raw_server(tls(trusted)) as server:
        level, words, _ = found(server.port)
    # two days are less than a week
    assert level == "warn" and "certificate of localhost, 2 days left; TLSv1.3" in words


def test_it_is_reached_through_the_proxy_as_the_feeds_reach_it(
    trusted: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    with raw_server(tls(trusted)) as server, raw_server(connect_proxy(server.port, seen)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        _, words, _ = found(443, name="stream.example")
    assert "ostname mismatch" in words and b"CONNECT stream.example:443" in seen[0]


def test_one_of_another_name_is_a_failure(trusted: tuple[Path, Path]) -> None:
    with raw_server(tls(trusted)) as server:
        level, words, remedy = found(server.port, name="127.0.0.1")
    assert level == "fail" and "not valid" in words and "OKX_WS_URL" in remedy


def test_one_that_nobody_vouches_for_tells_who_signed_it(tmp_path: Path) -> None:
    pair = made(tmp_path, "own", "/O=Home Router/CN=localhost", "-days", "99")
    with raw_server(tls(pair)) as server:
        level, words, remedy = found(server.port)
    assert level == "fail" and "signed by Home Router, localhost" in words
    assert "ca-certificates" in remedy


def test_one_that_is_not_valid_is_told_although_its_host_then_answers_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = made(tmp_path, "own", "/O=Home Router/CN=localhost", "-days", "99")
    callers: list[socket] = []

    def once(sock: socket, stopping: threading.Event) -> None:
        callers.append(sock)
        (tls(pair) if len(callers) == 1 else swallow)(sock, stopping)

    monkeypatch.setattr(certificates, "TLS_S", 3 * PATIENCE_S)
    with raw_server(once) as server:
        host = Host("localhost", server.port, "okx", "OKX_WS_URL", secure=True)
        (check,) = certificate_checks([host])
        finding = only(Report(tuple(all_of(Round([check._replace(seconds=2.0)])))))
    assert len(callers) == 2
    assert finding.level == "fail" and "certificate not valid: self" in finding.words
    assert "who signed it was asked, and no answer came" in finding.words
    assert "ca-certificates" in finding.remedy


def test_a_known_interceptor_is_named_as_one(tmp_path: Path) -> None:
    pair = made(tmp_path, "mitm", SIGNER, "-days", "99")
    with raw_server(tls(pair)) as server:
        level, words, remedy = found(server.port)
    assert level == "fail" and "Zscaler" in words and "opened on its way" in words
    assert "REQUESTS_CA_BUNDLE" in remedy


def test_one_that_has_ended_asks_for_the_clock_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = ended(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    dial.tls_context.cache_clear()
    with raw_server(tls(pair)) as server:
        level, words, remedy = found(server.port)
    dial.tls_context.cache_clear()
    assert level == "fail" and "expired" in words and "clock" in remedy


def test_a_handshake_that_is_swallowed_is_told_from_a_port_that_does_not_connect(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "TLS_S", 0.3)
    monkeypatch.setattr(certificates, "REACH_S", 0.3)
    with raw_server(swallow) as server:
        level, words, _ = found(server.port)
        assert (level, words) == ("fail", "connected, then the handshake failed: timed out")
    with black_hole() as port:
        assert found(port)[:2] == ("fail", "cannot connect: timed out")
    level, words, remedy = found(free_port())
    assert (level, words) == ("fail", "cannot connect: Connection refused")
    assert "OKX_WS_URL" in remedy


def test_a_port_that_speaks_no_tls_is_told() -> None:
    with raw_server(say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        level, words, remedy = found(server.port)
    assert level == "fail" and "handshake failed" in words and "speak TLS" in remedy


@pytest.mark.parametrize("name, days, level", [
    ("Amazon", 90, "ok"), ("Amazon", 3, "warn"), ("Zscaler Inc.", 90, "warn")])
def test_a_valid_one_is_judged(name: str, days: int, level: str) -> None:
    shown = {"issuer": ((("organizationName", name),), (("commonName", "X"),)),
             "notAfter": "Jan  1 00:00:00 2030 GMT"}
    now_s = ssl.cert_time_to_seconds(str(shown["notAfter"])) - days * DAY
    finding = judged("h:1", shown, "TLSv1.3", now_s)
    assert finding.level == level and f"{name}, X, {days} days left" in finding.words


def test_a_certificate_without_an_issuer_is_nobodys() -> None:
    assert issuer({}) == "nobody"
    assert intercepts("FortiGate CA, Fortinet") and intercepts("ESET SSL Filter CA")
    assert not intercepts("DigiCert Inc") and not intercepts("Preset Trust")

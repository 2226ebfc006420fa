"""The text of one setting -> its value, or what would have been right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot import readers

CERTIFICATE = Path(__file__).with_name("ca.pem")
PEM = "-----BEGIN {0}-----\nMAA=\n-----END {0}-----\n"
CRL = """\
-----BEGIN X509 CRL-----
MIGWMD0wCgYIKoZIzj0EAwIwETEPMA0GA1UEAwwGbm9ib2R5Fw0yNjExMjIyMTE5
NTRaFw0zNjExMTkyMTE5NTRaMAoGCCqGSM49BAMCA0kAMEYCIQDj7AiCEYQBxSvn
wFiKild08AJ6NR88jRRACGaoIebxyAIhAKbbSfqL93KCzbZg1r0u/ZkZzVoMWVy4
yL+43AsXHnB8
-----END X509 CRL-----
"""


@pytest.mark.parametrize("text, value", [
    ("true", True), ("TRUE", True), ("True", True), (" false ", False), ("FALSE", False),
])
def test_switch_knows_two_words_in_any_case(text: str, value: bool) -> None:
    assert readers.switch(text) is value


@pytest.mark.parametrize("text", ["1", "0", "yes", "no", "on", "off", "y", "enabled", "tru", "t"])
def test_switch_refuses_every_other_word(text: str) -> None:
    """D019, D021: never a silent off."""
    with pytest.raises(ValueError, match="must be true or false"):
        readers.switch(text)


def test_one_of_takes_any_case_and_hints_at_the_near_word() -> None:
    read = readers.one_of("primary", "latest", "average")
    assert read(" Latest ") == "latest"
    with pytest.raises(ValueError, match=r"primary, latest, average \(did you mean average\?\)"):
        read("avarage")


@pytest.mark.parametrize("text, fault", [
    ("abc", "must be a whole number of ms"), ("1.5", "whole number"), ("1e3", "whole number"),
    ("", "whole number"), ("0x10", "whole number"), ("9" * 5000, "between"),
    ("0", "between 1 and 100 ms"), ("-1", "between"), ("101", "between"),
])
def test_whole_says_what_and_between_what(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        readers.whole(1, 100, " ms")(text)


def test_whole_takes_its_limits_themselves() -> None:
    assert [readers.whole(1, 100)(text) for text in ("1", "100")] == [1, 100]


@pytest.mark.parametrize("text", ["line\nbreak", "x" * 65, "tab\t", "\x1b[31m"])
def test_word_refuses_what_would_not_stand_in_a_line(text: str) -> None:
    with pytest.raises(ValueError, match="64 printable"):
        readers.word(text)


def test_several_are_separated_by_commas_with_any_space_around() -> None:
    assert readers.several(readers.word)(" a, b ,,c ") == ("a", "b", "c")


@pytest.mark.parametrize("read, text", [
    (readers.several(readers.word), "a,b,a"), (readers.symbols, "BTCUSDT,btc-usdt"),
])
def test_same_one_twice_is_refused(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        read(text)


@pytest.mark.parametrize("read", [
    readers.symbols, readers.several(readers.word), readers.urls("ws"), readers.brokers,
])
def test_list_of_nothing_is_refused(read: Callable[[str], Any]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        read(" , ,")


@pytest.mark.parametrize("text, found", [
    ("wss://a.example:9443", ("wss://a.example:9443",)),
    ("ws://127.0.0.1:1/x, wss://[::1]:2", ("ws://127.0.0.1:1/x", "wss://[::1]:2")),
])
def test_urls_are_tried_in_the_order_given(text: str, found: tuple[str, ...]) -> None:
    assert readers.urls("ws", "wss")(text) == found


@pytest.mark.parametrize("text", [
    "a.example", "https://a.example", "wss://", "wss://:9443", "wss://a:99999", "wss://a:x",
    "wss://[::1", "wss://good.example,bad",
])
def test_what_is_no_websocket_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        readers.urls("ws", "wss")(text)


@pytest.mark.parametrize("text", [
    "a:1", "b.example:65535", "a.example.:1", "10.0.0.1:9092", "[::1]:9092", "[::a]:1",
    "kafka_1:9092", "b\u00fccher.example:1", "1.kafka.example:1",
])
def test_brokers_are_host_and_port(text: str) -> None:
    assert readers.brokers(f" {text}, z:1") == (text, "z:1")


@pytest.mark.parametrize("text", [
    "a", "a:", ":1", "a:x", "a:0", "a:65536", "a:1,b", "a:\u00b2", "a:\u0661", "a:-1", "a: 1",
    "kafka://a:1", "http://a:1", "//a:1", "me:word@a:1", "me@a:1", "a b:1", "a\u00a0b:1", "a/b:1",
    "::1:9092", "[::1:9092", "::1]:9092", "[a]:1", "[10.0.0.1]:1", "[]:1", "300.1.1.1:1", "1:1",
    "1.2.3:1", ".a:1", "a..b:1", "-a:1", "a-:1", "x" * 64 + ":1", "x." * 130 + "x:1", "*:1",
    "a\x00:1", "a:1:2",
])
def test_what_is_no_broker_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="must be host:port, comma-separated, such as"):
        readers.brokers(text)


@pytest.mark.parametrize("text", ["x", "two words", "pa\u00dfwort", "\U0001f511", "x" * 1024, "$#"])
def test_a_password_is_whatever_can_be_typed(text: str) -> None:
    assert readers.password(text) == text


@pytest.mark.parametrize("text", ["x" * 1025, "a\nb", "a\tb", "a\x00", "a\u200bb", "\ud800"])
def test_a_password_that_cannot_be_typed_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="^must be at most 1024 printable characters$"):
        readers.password(text)


@pytest.mark.parametrize("text", ["a", "A.b_c-9", "...", ".a", "x" * 242])
def test_a_topic_is_named_as_kafka_allows(text: str) -> None:
    assert readers.topic(text) == text


@pytest.mark.parametrize("text", [
    "", ".", "..", "a b", "a/b", "a,b", "a:b", "preis\u00fc", "a\n", "\u0663", "x" * 243])
def test_what_is_no_topic_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most 242 letters"):
        readers.topic(text)


def test_a_file_with_a_certificate_is_taken() -> None:
    assert readers.certificates(str(CERTIFICATE)) == CERTIFICATE


@pytest.mark.parametrize("name, fault", [
    ("nothing.pem", "No such file"), (".", "Is a directory"), ("x" * 300, "name too long")])
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        readers.certificates(str(tmp_path / name))


@pytest.mark.parametrize("content", [
    b"", b"hello", b"\xff" * 1000, b"\x30\x82\x01\x0a", PEM.format("PRIVATE KEY").encode(),
    CERTIFICATE.read_bytes() + PEM.format("CERTIFICATE").encode(),
    CRL.encode(),  # which OpenSSL reads without complaint
], ids=["empty", "text", "bytes", "DER", "key", "broken", "revoked"])
def test_a_file_without_certificates_says_what_it_must_hold(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="holds no certificate that can be read; .*BEGIN CERT"):
        readers.certificates(str(file))


@pytest.mark.parametrize("host, loopback", [
    ("127.0.0.1", True), ("127.8.8.8", True), ("localhost", True), ("::1", True), ("[::1]", True),
    ("0.0.0.0", False), ("::", False), ("192.168.1.1", False), ("example.org", False), ("", False),
    ("127.0.0.1.example.org", False), ("localhost.example.org", False),
])
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:
    assert readers.is_loopback(host) is loopback


@pytest.mark.parametrize("text", [
    "https://hooks.slack.com/services/T0/B0/x", "http://127.0.0.1:8080/a,b?c=d"])
def test_url_is_one_that_may_hold_commas(text: str) -> None:
    assert readers.url("http", "https")(text) == text


@pytest.mark.parametrize("text", [
    "ftp://there", "there", "https://", "https://a b", "https://there:port", "http://a\nb"])
def test_url_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        readers.url("http", "https")(text)


@pytest.mark.parametrize("read, text", [
    (readers.telegram_token, "123456:AAE-x_yzABCdef"), (readers.chat, "-1001234567890"),
    (readers.chat, "42"), (readers.chat, "@prices_down")])
def test_what_telegram_gives_is_taken(read: Callable[[str], str], text: str) -> None:
    assert read(text) == text


@pytest.mark.parametrize("read, text, fault", [
    (readers.telegram_token, "123456", "BotFather"), (readers.telegram_token, "1:a/b", "BotFather"),
    (readers.chat, "prices_down", "@name"), (readers.chat, "1.5", "number of a chat")])
def test_what_telegram_would_refuse_is_refused(
    read: Callable[[str], str], text: str, fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        read(text)

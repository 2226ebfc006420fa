"""The text of one setting -> its value; a ValueError says what would have been right."""

import difflib
import ipaddress
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bot.symbols import Symbol, parse_symbol

NUMBER = re.compile(r"[+-]?[0-9]+")
MOST_DIGITS = 18  # int() refuses very long ones in words of its own
LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")  # of a host name; Docker allows _
TOPIC = re.compile(r"[A-Za-z0-9._-]{1,242}")
TELEGRAM_TOKEN = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{10,100}")
CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,31}")
MOST_SYMBOLS = 500  # with two streams each; Binance allows 1024 streams on a connection


def one_of(*words: str, refused: Mapping[str, str] | None = None) -> Callable[[str], str]:
    def read(text: str) -> str:
        word = text.strip().lower()
        if word in (refused or {}):
            raise ValueError((refused or {})[word])
        if word not in words:
            near = difflib.get_close_matches(word, words, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ValueError(f"must be one of {', '.join(words)}{hint}")
        return word
    return read


def upper(read: Callable[[str], str]) -> Callable[[str], str]:
    """For words that are written in capitals."""
    return lambda text: read(text).upper()


def switch(text: str) -> bool:
    """`true` or `false` and nothing else, so that a `yes` is never a silent off."""
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise ValueError("must be true or false")
    return word == "true"


def whole(low: int, high: int, unit: str = "") -> Callable[[str], int]:
    def read(text: str) -> int:
        if not NUMBER.fullmatch(text):  # int() also reads 1_000 and other scripts' digits
            raise ValueError(f"must be a whole number{' of' if unit else ''}{unit}")
        if len(text) > MOST_DIGITS or not low <= int(text) <= high:
            raise ValueError(f"must be between {low} and {high}{unit}")
        return int(text)
    return read


milliseconds = whole(1, 86_400_000, " ms")


def word(text: str) -> str:
    if not text.isprintable() or len(text) > 64:
        raise ValueError("must be at most 64 printable characters")
    return text


def secret_word(text: str) -> str:
    """What may stand in an HTTP header as it is."""
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > 256:
        raise ValueError("must be at most 256 letters, digits and signs of ASCII, without spaces")
    return text


def password(text: str) -> str:
    """For a log-in that takes any."""
    if not text.isprintable() or len(text) > 1024:
        raise ValueError("must be at most 1024 printable characters")
    return text


def parts_of(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("must name at least one")
    return parts


def several(read: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    def read_all(text: str) -> tuple[str, ...]:
        parts = parts_of(text)
        names = tuple(_one(read, part, len(parts)) for part in parts)
        if len(set(names)) < len(names):
            raise ValueError("names the same one twice")
        return names
    return read_all


def _one(read: Callable[[str], str], part: str, count: int) -> str:
    """Raises: ValueError that says which of `count` is meant."""
    try:
        return read(part)
    except ValueError as fault:
        if count == 1 or "@" in part:  # which may be user:password@host
            raise
        raise ValueError(f"{fault}; {part[:64]!r} is none of them") from None


def symbols(text: str) -> tuple[Symbol, ...]:
    found = tuple(parse_symbol(part) for part in parts_of(text))
    if len({symbol.name for symbol in found}) < len(found):
        raise ValueError("names the same symbol twice")
    if len(found) > MOST_SYMBOLS:
        raise ValueError(f"names {len(found)} symbols, at most {MOST_SYMBOLS} fit a connection")
    return found


def urls(*schemes: str) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        for part in (found := parts_of(text)):
            pieces = urlsplit(part)
            if pieces.scheme not in schemes or not pieces.hostname:
                wanted = " or ".join(f"{scheme}://" for scheme in schemes)
                raise ValueError(f"must be URLs that begin with {wanted}, comma-separated")
            pieces.port  # raises ValueError when it is not one
            try:
                pieces.hostname.encode("idna")
            except UnicodeError:
                raise ValueError(f"has a host name that cannot be one: {pieces.hostname}") from None
        return tuple(found)
    return read


def url(*schemes: str) -> Callable[[str], str]:
    """One, in which commas may stand."""
    read_all = urls(*schemes)

    def read(text: str) -> str:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        if any(letter.isspace() or not letter.isprintable() for letter in text):
            raise ValueError(f"must be one URL that begins with {wanted}, without spaces")
        read_all(text.replace(",", "%2C"))
        return text
    return read


def telegram_token(text: str) -> str:
    if not TELEGRAM_TOKEN.fullmatch(text):
        raise ValueError("must be a bot's token as @BotFather gives it, such as 123456:ABC-def")
    return text


def chat(text: str) -> str:
    if not CHAT.fullmatch(text):
        raise ValueError("must be the number of a chat, such as -1001234567890, or the @name of a "
                         "channel")
    return text


def brokers(text: str) -> tuple[str, ...]:
    for part in (found := parts_of(text)):
        host, _, port = part.rpartition(":")
        if not (_is_host(host) and re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) < 65536):
            raise ValueError("must be host:port, comma-separated, such as kafka-1.example:9092 or "
                             "[::1]:9092, without kafka:// or user and password")
    return tuple(found)


def _is_host(text: str) -> bool:
    """A name, an IPv4 address, or an [IPv6] one."""
    try:
        if text.startswith("["):
            return bool(text.endswith("]") and ipaddress.IPv6Address(text[1:-1]))
        name = text.encode("idna").decode().removesuffix(".")
        labels = name.split(".")
        if labels[-1].isdigit():  # no name ends so (RFC 1123, 2.1)
            return bool(ipaddress.IPv4Address(name))
    except ValueError:  # UnicodeError is one
        return False
    return len(name) < 254 and all(LABEL.fullmatch(label) for label in labels)


def topic(text: str) -> str:
    """Of Kafka (Topic.validate): 249 characters, of which `.served` takes seven."""
    if not TOPIC.fullmatch(text) or text in (".", ".."):
        raise ValueError("must be a topic's name: at most 242 letters, digits, dots, _ and -")
    return text


def path(text: str) -> Path:
    return Path(text)


def certificates(text: str) -> Path:
    """A file with at least one, which TLS can be told to trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        with open(text, "rb"):
            context.load_verify_locations(text)
        found = context.cert_store_stats()["x509"]
    except ssl.SSLError:  # OpenSSL's words for it are none for people
        found = 0
    except OSError as error:
        raise ValueError(f"must be a file that can be read ({error.strerror})") from None
    if not found:
        raise ValueError("holds no certificate that can be read; it must be a PEM file of a CA, "
                         "with -----BEGIN CERTIFICATE----- in it, and no key")
    return Path(text)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

"""What a channel is: a way to write a case down for one receiver, and to read its answers. Pure."""

import re
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import msgspec

from bot.alerts.case import Told
from bot.errors import short

LONGEST_WAIT_S = 3600.0
MESSAGE = r"^[0-9]{1,20}\Z"  # how channels name a message; it becomes part of an address
Json = dict[str, object]


class Request(msgspec.Struct, frozen=True):
    """What is sent, as JSON. url: it holds what is secret."""

    method: str
    url: str
    body: Json

    def __repr__(self) -> str:
        return f"Request({self.method})"


class Answer(msgspec.Struct, frozen=True):
    """retry_after: the header, empty without one."""

    status: int
    retry_after: str
    body: bytes


class Outcome(msgspec.Struct, frozen=True):
    """What an answer means. ok: it was taken, as the message `message` where the channel gives it a
    name. wait_s: it wants to be left alone for so long. is_gone: the message to be edited is not
    there any more. is_final: it will not get better by itself; `why` then ends with the remedy.
    """

    ok: bool = False
    message: str | None = None
    wait_s: float | None = None
    is_gone: bool = False
    is_final: bool = False
    why: str = ""


class Channel(Protocol):
    """One receiver.

    name: telegram | slack | discord | webhook. to: whom it reaches, with nothing secret in it.
    secrets: what must not be seen of it. has_updates: it is told what changes without growing
    worse, since it can show that without ringing.
    """

    @property
    def name(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def secrets(self) -> tuple[str, ...]: ...
    @property
    def has_updates(self) -> bool: ...

    def request(
        self, told: Told, edit: str | None = None, reply_to: str | None = None, more: int = 0
    ) -> Request:
        """edit, reply_to: a message that was sent before. more: see letter.text."""

    def outcome(self, answer: Answer) -> Outcome: ...


class Addressed:
    """What a channel knows that is set up with nothing but an address."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.to = host_of(urlsplit(url))
        self.secrets = secrets_of(url)


def read(answer: Answer, remedy: str, setting: str, said: str = "") -> Outcome:
    """What every receiver means by its status. remedy: for what will not get better. setting: the
    one that says where it is. said: its words, where they are not its whole body."""
    said = short(said or answer.body.decode("utf-8", "replace"))
    said = f"answered {answer.status}{f' ({said})' if said else ''}"
    if answer.status == 429:
        return Outcome(wait_s=seconds(answer.retry_after), why="asks for fewer messages")
    if 300 <= answer.status < 400:
        return Outcome(is_final=True, why=f"answered {answer.status}, which leads to another "
                                          f"address; put that one into {setting}")
    if 400 <= answer.status < 500 and answer.status not in (408, 425):
        return Outcome(is_final=True, why=f"{said}; {remedy}")
    return Outcome(why=said)


def seconds(text: object) -> float:
    """Retry-After, or what stands for it in JSON; 30 s where it says nothing."""
    try:
        return min(LONGEST_WAIT_S, max(1.0, float(str(text))))
    except ValueError:
        return 30.0


def fields(body: bytes) -> Json:
    """A JSON object, or nothing."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def message(name: object) -> str | None:
    """What an answer names a message, if that is a name."""
    text = str(name) if type(name) in (int, str) else ""
    return text if re.match(MESSAGE, text) else None


def size(text: str) -> int:
    """In UTF-16 units, as Telegram counts and Discord never counts more."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def secrets_of(url: str) -> tuple[str, ...]:
    """Parts of an address that nobody else may see: where it leads to on its host, and a log-in."""
    parts = urlsplit(url)
    common = ("services", "webhooks", "webhook", "incoming", "messages")
    found = [url, parts.path.strip("/"), parts.query, parts.username, parts.password,
             *parts.path.split("/"), *parts.query.replace("=", "&").split("&")]
    hidden = {one for one in found if one and len(one) > 5 and one not in common}
    return tuple(sorted(hidden, key=len, reverse=True))


def host_of(parts: SplitResult) -> str:
    """Without a log-in."""
    return parts.netloc.rpartition("@")[2]

"""What a channel has still to be told: of each case the newest state, in the order in which it
matters, and never faster than a person can take it. Pure: told what time it is.
"""

from collections.abc import Sequence

import msgspec

from bot.alerts.case import Event, Told

BURST = 5
EVERY_S = 30.0
MOST_UNTOLD = 50


class Bucket:
    """BURST tokens, and a new one every EVERY_S."""

    def __init__(self, now: float, burst: int = BURST, every_s: float = EVERY_S) -> None:
        self._burst, self._every_s = burst, every_s
        self._tokens, self._at = float(burst), now

    def has(self, tokens: int, now: float) -> bool:
        self._fill(now)
        return self._tokens >= tokens - 1e-9

    def take(self, now: float) -> None:
        self._fill(now)
        self._tokens -= 1.0

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) / self._every_s)
        self._at = now


class Step(msgspec.Struct, frozen=True):
    """One message. edit: the message that it changes; reply_to: the one that it answers; else it is
    a new one. more: incidents that give way to it and are told as a number.
    """

    told: Told
    edit: str | None
    reply_to: str | None
    more: int


class Letter:
    """A case as the channel knows it."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.waits = True
        self.rung = -1  # bells of what was told; -1 before the first message
        self.messages: list[str] = []  # the newest last
        self.old: list[str] = []  # of a case that is over: still to be changed

    @property
    def is_known(self) -> bool:
        return self.rung >= 0

    @property
    def rings(self) -> bool:
        """Whether it is to be a new message: the first, or of what grew worse or came back."""
        told = self.told
        return not self.is_known or (
            told.bells > self.rung and told.closed_at is None and not told.is_quiet)

    @property
    def event(self) -> Event:
        over = self.told.closed_at is not None
        return "closed" if over else "updated" if self.is_known else "opened"


class Outbox:
    """has_updates: of the channel. dropped: cases that it was never told of. changes: grows with
    all that may change what is known."""

    def __init__(self, has_updates: bool, bucket: Bucket) -> None:
        self.dropped = self.changes = 0
        self._has_updates = has_updates
        self._bucket = bucket
        self._letters: dict[str, Letter] = {}
        self._more = 0  # of `dropped`: not told as a number yet

    @property
    def waiting(self) -> int:
        return sum(letter.waits or bool(letter.old) for letter in self._letters.values())

    @property
    def known(self) -> list[tuple[Told, tuple[str, ...]]]:
        """Cases that the channel was told of, and not all of their end; with their messages."""
        return [(letter.told, tuple(dict.fromkeys([*letter.old, *letter.messages])))
                for letter in self._letters.values() if letter.is_known]

    def adopt(self, told: Told, messages: Sequence[str]) -> None:
        """The end of a case that the channel was told of in an earlier life."""
        letter = self._letters[told.id] = Letter(told)
        letter.rung, letter.messages = told.bells, [*messages]
        self.changes += 1

    def put(self, told: Told) -> None:
        self.changes += 1
        letter = self._letters.get(told.id)
        if letter is None:
            self._letters[told.id] = Letter(told)
            self._make_room()
            return
        letter.told = told
        letter.waits = self._wants(letter)

    def next(self, now: float) -> Step | None:
        """What to send now; `done` or nothing follows."""
        found = min((letter for letter in self._letters.values() if letter.waits or letter.old),
                    key=_urgency, default=None)
        # the last token is for news: what only changes a message can wait for the next one
        if found is None or not self._bucket.has(1 if found.rings else 2, now):
            return None
        told = msgspec.structs.replace(found.told, event=found.event)
        if not found.waits:
            return Step(told, found.old[0], None, 0)
        last = found.messages[-1] if found.messages else None
        return Step(told, None if found.rings else last, last if found.rings else None,
                    self._more if found.rings else 0)

    def sent(self, now: float) -> None:
        """A message leaves, whatever becomes of it."""
        self._bucket.take(now)

    def done(self, step: Step, message: str | None) -> None:
        """It was taken. message: its name, where it has one."""
        self.changes += 1
        self._more -= step.more
        letter = self._letters.get(step.told.id)
        if letter is None:  # it gave way to others meanwhile
            return
        if step.edit is not None and step.edit in letter.old:
            letter.old.remove(step.edit)
        else:
            letter.rung = step.told.bells
            letter.waits = not _same(letter.told, step.told) and self._wants(letter)
            if step.edit is None and message is not None:
                letter.messages.append(message)
            if letter.told.closed_at is not None and not letter.waits:
                letter.old = letter.messages[:-1]
        self._tidy(letter)

    def gone(self, step: Step) -> None:
        """The message that was to be changed is not there any more."""
        self.changes += 1
        letter = self._letters.get(step.told.id)
        if letter is None:
            return
        letter.messages = [name for name in letter.messages if name != step.edit]
        letter.old = [name for name in letter.old if name != step.edit]
        self._tidy(letter)

    def give_up(self, step: Step) -> None:
        """It cannot be told."""
        self.changes += 1
        if self._letters.pop(step.told.id, None) is not None:
            self.dropped += 1

    def _wants(self, letter: Letter) -> bool:
        """Whether the channel is to be told of what is new in it."""
        return self._has_updates or letter.rings or letter.told.closed_at is not None

    def _tidy(self, letter: Letter) -> None:
        """Forget a case of which there is no more to tell."""
        if letter.told.closed_at is not None and not letter.waits and not letter.old:
            self._letters.pop(letter.told.id, None)

    def _make_room(self) -> None:
        """Beyond MOST_UNTOLD give up what is over, then what is least, then what is oldest."""
        untold = [letter for letter in self._letters.values() if not letter.is_known]
        if len(untold) > MOST_UNTOLD:
            least = min(untold, key=lambda letter: (
                letter.told.closed_at is None, letter.told.severity, letter.told.opened_at))
            del self._letters[least.told.id]
            self.dropped += 1
            self._more += 1


def _urgency(letter: Letter) -> tuple[bool, bool, int, float]:
    """News of what is wrong now first, and the worst of it; then the oldest."""
    told = letter.told
    return not letter.rings, told.closed_at is not None, -told.severity, told.opened_at


def _same(newest: Told, sent: Told) -> bool:
    """Whether nothing new came while it was under way."""
    return msgspec.structs.replace(newest, event=sent.event) == sent

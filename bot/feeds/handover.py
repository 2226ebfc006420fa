"""Two connections with the same subscriptions: what each has told, and when one of them suffices.

Pure: the time is always told, and there is no socket. It rests on one thing: what a connection
brings of a stream is in order and without holes. So once both have told the same event, what came
before it was told by the old connection, and what comes after it will be told by the new one.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from bot.feeds.line import Last
from bot.model import MarketDataUpdate, UpdateType

Key = tuple[str, UpdateType]  # symbol and type: a stream
Identity = int | tuple[object, ...]
OLD, NEW = 0, 1

QUIET_S = 3.0  # a stream on which both are silent for so long keeps nobody waiting
PATIENCE_S = 10.0  # after it, what can only be hoped for is hoped for no longer
BEHIND_S = 1.0  # a new connection this far behind the old one would make prices older
MEMORY_S = 60.0  # within this the one that stays comes past what the other one told
MOST_PENDING = 10_000  # identities, of each connection and stream
SLACK_MS = 1000  # by which the stamps of one event may differ between connections


class Track:
    """One stream on both connections.

    last: what was told of it before there were two. begun: whether the new one has brought any.
    proven: whether both have told the same event.
    """

    __slots__ = ("_last", "_pending", "_passed", "_serial", "_first", "_heard", "begun", "proven")

    def __init__(self, last: Last = (None, None, ())) -> None:
        self._last = last
        # of each connection, what only it has told: identity -> serial, monotonic s
        self._pending: tuple[dict[Identity, tuple[int, float]], ...] = {}, {}
        self._passed = [0, 0]  # of each, up to which serial the other one has told everything too
        self._serial = 0
        self._first: Identity | None = None
        self._heard = [-math.inf, -math.inf]
        self.begun = self.proven = False

    def is_news(self, update: MarketDataUpdate, side: int, now: float, alone: bool) -> bool:
        """Take note of what a connection tells. Returns: False for what was told already.

        alone: whether there is no other one any more that could tell it again.
        """
        other, number = 1 - side, update.event_id
        identity: Identity = number if number is not None else (update.timestamp, *_told(update))
        self._heard[side] = now
        if side == NEW and not self.begun:
            self.begun, self._first = True, identity
        known = self._pending[other].pop(identity, None)
        if known is not None:
            self._passed[other] = max(self._passed[other], known[0])
            self._passed[side] = self._serial
            # the first may be the last known state, after which there may be a hole
            self.proven = self.proven or identity != self._first
            return False
        if side == NEW and self._is_old(update):
            return False
        if alone:
            return True
        self._serial += 1
        mine = self._pending[side]
        mine[identity] = self._serial, now
        if len(mine) > MOST_PENDING:
            del mine[next(iter(mine))]
        return True

    def missing(self, trades: bool, ready: float | None, now: float) -> str | None:
        """What the old connection is still needed for; None: nothing.

        trades: whether every event counts, and not only the newest. ready: monotonic s from which
        on the new one must bring what the old one does; None: not known yet.
        """
        if self.proven:
            behind = now - self._waiting_since(OLD, now)
            return f"{behind:.1f} s behind" if behind > BEHIND_S else None
        if ready is None:
            return "not subscribed yet"
        late = any(at > ready for _, at in self._pending[OLD].values())
        ahead = trades and bool(self._pending[NEW])
        if not late and not ahead and now - max(ready, *self._heard) >= QUIET_S:
            return None
        if now - ready >= PATIENCE_S and self._heard[NEW] > ready and (
                not trades or now - self._heard[OLD] >= PATIENCE_S):
            return None  # each tells its own selection of states, or the old one has fallen silent
        return "nothing in common yet"

    def is_past(self, gone: int, settled: bool) -> bool:
        """Whether the connection that stays can tell nothing more that the other one had told."""
        return (settled or self.proven) and self._waiting_since(gone, math.inf) == math.inf

    def _waiting_since(self, side: int, none: float) -> float:
        """Monotonic s of the oldest event of `side` that the other one has yet to tell."""
        passed = self._passed[side]
        return next((at for serial, at in self._pending[side].values() if serial > passed), none)

    def _is_old(self, update: MarketDataUpdate) -> bool:
        """Whether it was told before there were two."""
        stamp, number, told = self._last
        if update.event_id is not None and number is not None:
            return update.event_id <= number and (  # else the exchange has begun to count anew
                update.timestamp is None or stamp is None or update.timestamp <= stamp + SLACK_MS)
        if update.timestamp is None or stamp is None:
            return _told(update) == told
        return update.timestamp < stamp or (update.timestamp == stamp and _told(update) == told)


class Overlap:
    """Two connections at once, and after that the one that stays, until it is past the other.

    last: of every stream, what was told before. firsts: streams of which the next news is the
    first that the new connection brings, and may be old; the owner clears it. began: monotonic s.
    """

    def __init__(self, last: Mapping[Key, Last], now: float) -> None:
        self.began = now
        self.firsts: set[Key] = set()
        self._tracks = {key: Track(told) for key, told in last.items()}
        self._ready: float | None = None
        self._delivered = self._settled = False
        self._gone: int | None = None
        self._gone_at = 0.0

    def news(
        self, updates: Sequence[MarketDataUpdate], side: int, now: float
    ) -> list[MarketDataUpdate]:
        """Those of the updates of a connection that were not told before."""
        found, alone = [], self._gone is not None
        for update in updates:
            key = update.symbol, update.type
            track = self._track(key)
            first = side == NEW and not track.begun
            if track.is_news(update, side, now, alone):
                found.append(update)
                if first:
                    self.firsts.add(key)
        self._delivered = self._delivered or side == NEW
        return found

    def ready(self, now: float) -> None:
        """From now on the new connection must bring what the old one does."""
        self._ready = now if self._ready is None else self._ready

    def missing(self, keys: Iterable[Key], now: float) -> str | None:
        """Why the old connection cannot be closed yet; None: it can. keys: what is subscribed."""
        if not self._delivered:
            return "no data"
        ready = self._ready
        if ready is None and now - self.began >= PATIENCE_S:
            ready = self.began + PATIENCE_S
        for key in keys:
            why = self._track(key).missing(key[1] == "trade", ready, now)
            if why is not None:
                return f"{key[0]} {key[1]}: {why}"
        self._settled = True
        return None

    def leave(self, side: int, now: float) -> None:
        """One of the connections is gone; the other one still tells what it had told."""
        self._gone, self._gone_at = side, now
        self._settled = self._settled or side == NEW  # the old one never goes back

    def over(self, now: float) -> bool:
        """Whether the one that stays needs no watching any more."""
        gone = self._gone
        return gone is not None and (now - self._gone_at >= MEMORY_S or all(
            track.is_past(gone, self._settled) for track in self._tracks.values()))

    def _track(self, key: Key) -> Track:
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track()
        return track


def _told(update: MarketDataUpdate) -> tuple[object, ...]:
    return update.price, update.volume, update.bid, update.ask

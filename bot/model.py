"""The plain values that travel between the parts: frozen, without behaviour."""

from typing import Literal, get_args

import msgspec

UpdateType = Literal["trade", "ticker", "orderbook"]


class MarketDataUpdate(msgspec.Struct, frozen=True, gc=False):
    """One normalised message of an exchange.

    price: last trade price (trade, ticker) or the middle of the best bid and ask (orderbook).
    volume: size of the trade (trade), base volume of the last 24 h (ticker), None (orderbook).
    timestamp: the exchange's own stamp, epoch ms, None where the message carries none.
    received_at: epoch ms of this machine. received_mono: time.monotonic() at receipt, in s; the
    only one of the three that ages are measured with. event_id: what tells this event of the
    stream from its other ones, and is the same on every connection: a trade's id, a book's update
    id; None where the exchange gives none, and the timestamp must do.
    """

    exchange: str
    symbol: str
    type: UpdateType
    price: float
    volume: float | None
    bid: float | None
    ask: float | None
    timestamp: int | None
    received_at: int
    received_mono: float
    event_id: int | None = None


Status = Literal["trusted", "degraded", "disputed", "stale", "synthetic"]
STATUSES: tuple[Status, ...] = get_args(Status)
GOOD_STATUSES: tuple[Status, ...] = ("trusted", "degraded")  # of a price one may act on


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A price as served, with what is needed to judge it.

    source: the tier, `websocket` | `kafka` | `okx` | `mock`. exchange: None for an average, whose
    legs are then in `exchanges`. volume: base volume of the last 24 h. age_s: since the price was
    current, on the monotonic clock, at the moment of the request.

    status: trusted (sources agree on it), degraded (good, but nobody else can confirm it), disputed
    (sources disagree, or it moved in a way that nobody confirms), stale (its source is not fit),
    synthetic (made up). trusted: for whom must be sure: status is trusted or degraded.
    confidence: half-width in price units within which the true price is held to be; None if made
    up. sources_used: whom the price and its confidence rest on.
    """

    symbol: str
    price: float
    bid: float | None = None
    ask: float | None = None
    volume: float | None = None
    source: str
    exchange: str | None = None
    exchanges: tuple[str, ...] = ()
    timestamp: int | None = None
    received_at: int
    age_s: float
    synthetic: bool = False
    trusted: bool
    reason: str
    status: Status
    confidence: float | None = None
    sources_used: tuple[str, ...] = ()


class SourceStatus(msgspec.Struct, frozen=True):
    """A source as the API shows it. latency: ping round trip, ms; last_update: epoch ms."""

    exchange: str
    connected: bool
    latency: int | None
    last_update: int | None
    messages_received: int
    errors: int


class LinkStatus(msgspec.Struct, frozen=True):
    """One use of Kafka at one moment.

    direction: read | write. up: None while that is not known yet. reason: why it is not up. for_s:
    how long it has been so. waiting: records not read yet, or not acknowledged yet. counts: by
    what became of records since the start.
    """

    topic: str
    direction: str
    up: bool | None
    reason: str
    for_s: float
    waiting: int
    counts: dict[str, int]


class ArchiveStatus(msgspec.Struct, frozen=True):
    """last_day: newest day that left the DuckDB file, as in 2026-11-21; None if none did. state:
    what cannot be done, and why; empty if nothing.
    """

    last_day: str | None
    state: str


class RecordStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The recorder at one moment.

    active: what comes is stored. state: why not, or how it is. waiting: rows accepted and not
    committed yet, of `capacity`; written, dropped, rejected: rows since the start, by whether they
    were stored, refused because too many waited, or refused for a value in them. losses: how often
    since the start what had been stored was found to be missing. last_commit_at: epoch ms.
    commit_*_ms: the last, and of the last five minutes. *_bytes: of the file, of its log, and free
    on its disk, a few seconds old. lost_window_ms: a kill now loses at most what came in the last
    so many ms. What is not known is None.
    """

    active: bool
    state: str
    waiting: int
    capacity: int
    written: int
    dropped: int
    rejected: int
    losses: int = 0
    last_commit_at: int | None
    commit_last_ms: float | None
    commit_p99_ms: float | None
    commit_max_ms: float | None
    file_bytes: int | None
    wal_bytes: int | None
    free_bytes: int | None
    is_low: bool
    lost_window_ms: int
    archive: ArchiveStatus | None = None


class ChannelStatus(msgspec.Struct, frozen=True):
    """One way to tell people of what goes wrong, at one moment.

    to: whom it reaches, without anything secret. up: None while nothing was sent yet. reason: why
    it is not up. sent, failed: messages that were taken, and attempts that were not. dropped:
    incidents that gave way to others while it was not up. waiting: those to be told next.
    last_sent_at: epoch ms.
    """

    channel: str
    to: str
    up: bool | None
    reason: str
    sent: int
    failed: int
    dropped: int
    waiting: int
    last_sent_at: int | None


class OpenAlert(msgspec.Struct, frozen=True):
    """What was told and is not over. since: epoch s."""

    id: str
    severity: str
    title: str
    since: float


class AlertStatus(msgspec.Struct, frozen=True):
    """What people are told of. channels: none where none is set. brief: incidents that were over
    before they were worth telling. dropped: happenings that there was no room for.
    """

    min_severity: str
    channels: tuple[ChannelStatus, ...] = ()
    open: tuple[OpenAlert, ...] = ()
    brief: int = 0
    dropped: int = 0


class ProcessStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon as a process. started_at: epoch s. dashboards: connected to /ws now; dropped: had
    to go, as they did not read; lost_events: not sent to one that was slow. log_dropped: lines.
    """

    mode: str
    started_at: float
    uptime_s: float
    dashboards: int
    dashboards_dropped: int
    lost_events: int
    log_dropped: int


class FeedHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One feed at one moment, as the judgement needs it.

    connected_since: monotonic s, None while not connected. latency_s: ping round trip, or the
    waiting time of a ping not answered yet when that is longer; a source that brings data but never
    answered a ping has none. event_lag_s: receipt minus the exchange's stamp, corrected by the
    estimated clock offset. clock_offset_s: that estimate: how far our clock is ahead of the
    exchange's stamps, the usual way included; None until known. detail: why it is not connected.
    """

    source: str
    connected_since: float | None
    latency_s: float | None
    event_lag_s: float | None
    clock_offset_s: float | None = None
    messages_received: int
    errors: int
    last_update: int | None
    detail: str


class Opinion(msgspec.Struct, frozen=True):
    """What an exchange's REST API says of a symbol, beside what its stream says.

    timestamp: the exchange's stamp, epoch ms. asked_mono: monotonic s of the question: the answer
    is not older than that.
    """

    exchange: str
    symbol: str
    price: float
    bid: float | None
    ask: float | None
    timestamp: int | None
    asked_mono: float

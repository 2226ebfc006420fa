"""What became of a source's connections and messages, counted by fixed words."""

from bot.causes import ERROR_REASONS, LOSS_CAUSES, ErrorReason, LossCause
from bot.errors import BotError, ConnectError, ExchangeError, ImplausibleStamp, ParseError

REASONS: dict[type[BotError], ErrorReason] = {
    ParseError: "parse", ImplausibleStamp: "stamp", ExchangeError: "exchange"}


class Tally:
    """Counts since the start. One thread writes, the feed's; any may read.

    errors: by what was wrong. losses: connections that ended and were not replaced before, by why.
    handovers: connections that were replaced without a gap.
    """

    def __init__(self) -> None:
        self.errors: dict[ErrorReason, int] = dict.fromkeys(ERROR_REASONS, 0)
        self.losses: dict[LossCause, int] = dict.fromkeys(LOSS_CAUSES, 0)
        self.handovers = 0

    def fault(self, error: BotError) -> None:
        """error: of those that a feed tells of."""
        reason = error.cause if isinstance(error, ConnectError) else REASONS[type(error)]
        self.errors[reason] += 1

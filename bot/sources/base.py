"""What a tier of the chain is."""

from typing import Protocol

from bot.errors import NoQuote
from bot.model import Quote


SWITCHED_OFF = "switched off"  # how the reason of a tier begins that the settings leave out


class Source(Protocol):
    """A tier. It is asked from any thread, and answers at once from what it already has."""

    @property
    def tier(self) -> str:
        """Its name in the chain, and in a quote's `source`."""

    @property
    def synthetic(self) -> bool:
        """Whether its prices are made up."""

    def quote(self, symbol: str) -> Quote:
        """The newest price of a canonical symbol. Raises: SourceError with the reason for none."""


class NoSource:
    """The place of a tier that is switched off or not there: it only says so."""

    synthetic = False

    def __init__(self, tier: str, why: str) -> None:
        self.tier = tier
        self.why = why

    def quote(self, symbol: str) -> Quote:
        """Raises: NoQuote, always."""
        raise NoQuote(self.why)

"""Symbols: one canonical spelling, with the quote currency explicit."""

import re

import msgspec

# Longest first, so that BTCFDUSD is quoted in FDUSD and not in USD. An exchange's own symbol list
# would be the only complete table; a name that none of these end is refused, never guessed.
QUOTES = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDP", "EURC", "USD", "EUR", "GBP", "TRY",
          "BRL", "JPY", "AUD", "DAI", "BTC", "ETH", "BNB")
SPELLING = re.compile(r"[A-Z0-9]{1,20}(?:[-/_][A-Z0-9]{2,10})?")


class Symbol(msgspec.Struct, frozen=True):
    """A spot market. `name` is the canonical spelling used everywhere inside: BTCUSDT."""

    base: str
    quote: str

    @property
    def name(self) -> str:
        return self.base + self.quote


def parse_symbol(text: str) -> Symbol:
    """`BTC-USDT`, `BTC/USDT` or `btcusdt` -> Symbol("BTC", "USDT").

    Raises: ValueError, saying what to write instead.
    """
    spelled = text.strip().upper()
    if not SPELLING.fullmatch(spelled):
        raise ValueError(f"{text!r} is not a symbol; write it as BTC-USDT or BTCUSDT")
    for separator in "-/_":
        base, found, quote = spelled.partition(separator)
        if found:
            return Symbol(base, quote)
    for quote in QUOTES:
        if spelled.endswith(quote) and len(spelled) > len(quote):
            return Symbol(spelled.removesuffix(quote), quote)
    raise ValueError(f"{text!r} does not show its quote currency; write it as BTC-USDT")

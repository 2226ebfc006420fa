"""One canonical spelling, whatever a user or an exchange writes (K1, K28, D046)."""

import pytest

from bot.symbols import QUOTES, Symbol, parse_symbol


@pytest.mark.parametrize("text", [
    "BTCUSDT", "btcusdt", "BTC-USDT", "BTC/USDT", "BTC_USDT", "btc-Usdt", "  BTC-USDT\n",
])
def test_every_spelling_means_the_same_market(text: str) -> None:
    assert parse_symbol(text) == Symbol("BTC", "USDT")
    assert parse_symbol(text).name == "BTCUSDT"


@pytest.mark.parametrize("text, base, quote", [
    ("BTCUSD", "BTC", "USD"),
    ("BTCUSDC", "BTC", "USDC"),
    ("BTCUSDT", "BTC", "USDT"),
    ("BTCFDUSD", "BTC", "FDUSD"),  # not BTCFD in USD
    ("BTCTUSD", "BTC", "TUSD"),
    ("ETHBTC", "ETH", "BTC"),
    ("BTCEUR", "BTC", "EUR"),
    ("1000SATSUSDT", "1000SATS", "USDT"),
    ("USDCUSDT", "USDC", "USDT"),
    ("ABC-XYZ", "ABC", "XYZ"),  # a separator shows any quote currency, also one not in the list
])
def test_keeps_the_quote_currency_apart_from_its_look_alikes(
    text: str, base: str, quote: str
) -> None:
    assert parse_symbol(text) == Symbol(base, quote)


def test_usd_usdt_and_usdc_are_never_equated() -> None:
    assert len({parse_symbol(f"BTC-{quote}").name for quote in ("USD", "USDT", "USDC")}) == 3


@pytest.mark.parametrize("quote", QUOTES)
def test_every_known_quote_is_found_without_a_separator(quote: str) -> None:
    assert parse_symbol(f"XRP{quote}") == parse_symbol(f"XRP-{quote}")


@pytest.mark.parametrize("text", [
    "", " ", "-", "BTC-", "-USDT", "USDT", "BTC", "BTCXYZ", "BTC-USDT-SWAP", "BTC USDT", "BTC,USDT",
    "BTC:USDT", "BTC-U", "B" * 40, "BTC-USDT\x00", "₿USDT", "ＢＴＣUSDT",
])
def test_what_cannot_be_split_is_refused_and_never_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="write it as BTC-USDT"):
        parse_symbol(text)

"""What every exchange owes the rest of the program; a new one is tested by its fixture alone."""

import ast
import json
import random
from contextlib import suppress
from pathlib import Path

import pytest

import bot.exchanges
from bot.errors import ClosingSoon, ExchangeError, ParseError
from bot.exchanges import ALL
from bot.exchanges.base import Exchange
from bot.model import UpdateType
from bot.symbols import Symbol, parse_symbol
from tests.exchanges.cases import (
    FRAMES, SYMBOLS, Case, cases, compact, is_refused, natives, parse, row, survives,
)
from tests.exchanges.mutations import (
    DROP, IMPOSSIBLE, WILD, as_number, dicts, leaves, mutated, replaced,
)

EACH = pytest.mark.parametrize("exchange", ALL.values(), ids=ALL)
EVERY_CASE = pytest.mark.parametrize("case", cases(), ids=lambda case: str(case.id))
KINDS: tuple[UpdateType, ...] = ("ticker", "trade", "orderbook")
MODULES = sorted(Path(bot.exchanges.__file__).parent.glob("*.py"))
LARGEST_REQUEST = 64 * 1024  # the smallest limit of a message that any of them publishes
MUTATIONS = 10_000


@EVERY_CASE
def test_documented_frame_gives_exactly_its_updates(case: Case) -> None:
    found = survives(case.exchange, case.raw)
    assert (None if found is None else [row(update) for update in found]) == case.rows


@EVERY_CASE
def test_announcement_of_a_close_is_told_as_such_and_as_nothing_else(case: Case) -> None:
    if case.closing:
        with pytest.raises(ClosingSoon):
            parse(case.exchange, case.raw)
    else:
        with suppress(ParseError, ExchangeError):
            parse(case.exchange, case.raw)


@EACH
def test_fixture_shows_every_kind_and_what_gives_nothing(exchange: Exchange) -> None:
    """Acknowledgement, pong and unknown symbol are no data and no error (K9: they never count)."""
    found = cases(exchange.NAME)
    kinds = {update[1] for case in found for update in case.rows or []}
    assert kinds == set(KINDS)
    assert any(case.rows == [] for case in found) and any(case.rows is None for case in found)
    assert {path.stem for path in FRAMES.iterdir()} == set(ALL)


@EVERY_CASE
def test_frame_of_symbols_nobody_wants_gives_nothing(case: Case) -> None:
    if case.rows:
        assert case.exchange.parse(case.raw, {}, 1, 1.0) == []


@EVERY_CASE
def test_parsing_leaves_nothing_behind(case: Case) -> None:
    first = survives(case.exchange, case.raw)
    for other in cases(case.exchange.NAME):
        survives(case.exchange, other.raw)
    assert survives(case.exchange, case.raw) == first


@EACH
@pytest.mark.parametrize("junk", [
    b"", b" ", b"\x00", b"\xff\xfe\x00", b"null", b"true", b"1", b"-", b'"text"', b"[]", b"[1,2]",
    b"[{}]", b"{", b"}", b'{"', b"<html>502</html>", b"ping", b"PONG", b"NaN", b"{}{}",
    b"\xef\xbb\xbf{}",
], ids=repr)
def test_junk_is_a_parse_error_and_nothing_else(exchange: Exchange, junk: bytes) -> None:
    with pytest.raises(ParseError):
        parse(exchange, junk)


@EACH
@pytest.mark.parametrize("opening", [
    b"[", b'{"data":', b'{"data":[', b'{"x":', b'{"b":[', b'{"arg":{"x":', b'{"error":{"x":',
])
def test_deep_nesting_is_a_fault_of_the_frame_and_not_of_the_program(
    exchange: Exchange, opening: bytes
) -> None:
    """A RecursionError would end the feed's thread, and with it the daemon."""
    assert survives(exchange, opening * 100_000) is None


@EACH
def test_error_message_is_one_short_line_whatever_the_exchange_wrote(exchange: Exchange) -> None:
    """It goes to the log, and what an exchange writes there must not look like lines of ours."""
    for case in cases(exchange.NAME):
        if case.rows is not None or not case.raw.startswith(b"{"):
            continue
        for path, _ in leaves(message := json.loads(case.raw)):
            survives(exchange, compact(replaced(message, path, "evil\n" * 10_000)))


@EVERY_CASE
def test_truncated_frame_is_refused(case: Case) -> None:
    for end in range(1, len(case.raw)):
        is_refused(case.exchange, case.raw[:end])


@EVERY_CASE
def test_impossible_price_is_refused(case: Case) -> None:
    """K15: no NaN, zero, negative, infinite or odd price comes through, in whatever type."""
    if not case.rows:
        return
    prices = {price for _, kind, price, *_ in case.rows if kind != "orderbook"}
    message, replacements = json.loads(case.raw), 0
    for path, value in leaves(message):
        if as_number(value) in prices:
            for bad in IMPOSSIBLE:
                replacements += 1
                is_refused(case.exchange, compact(replaced(message, path, bad)))
    assert bool(replacements) is bool(prices)


@EVERY_CASE
def test_impossible_value_in_any_field_harms_nothing(case: Case) -> None:
    if not case.raw.startswith(b"{"):
        return
    message = json.loads(case.raw)
    for path, _ in leaves(message):
        for bad in [*IMPOSSIBLE, *WILD]:
            survives(case.exchange, compact(replaced(message, path, bad)))


@EVERY_CASE
def test_missing_field_harms_nothing(case: Case) -> None:
    if not case.raw.startswith(b"{"):
        return
    message = json.loads(case.raw)
    for path, _ in leaves(message):
        survives(case.exchange, compact(replaced(message, path, DROP)))


@EVERY_CASE
def test_unknown_fields_are_ignored(case: Case) -> None:
    """Exchanges add some several times a year."""
    if not case.rows:
        return
    message = json.loads(case.raw)
    for part in dicts(message):
        part["newField"] = {"a": [1, None, {"b": "c"}]}
    assert [row(update) for update in parse(case.exchange, compact(message))] == case.rows


@EACH
def test_random_mutations_raise_nothing_but_the_two_errors(exchange: Exchange) -> None:
    chance = random.Random(20)
    frames = [case.raw for case in cases(exchange.NAME)]
    through = 0
    for _ in range(MUTATIONS):
        through += bool(survives(exchange, mutated(chance.choice(frames), frames, chance)))
    assert 100 < through < MUTATIONS, "the mutations are neither too mild nor too wild"


@EACH
def test_subscribes_every_symbol_to_every_kind_exactly_once(exchange: Exchange) -> None:
    """K20, K24, K28: nothing lost, no id used twice, no quote currency preferred."""
    symbols = [Symbol(f"C{number}", quote) for number in range(500) for quote in ("USDT", "EUR")]
    names = [exchange.native(symbol) for symbol in symbols]
    requests = [json.loads(text) for text in exchange.subscribe(names, KINDS)]
    streams = [json.dumps(entry) for request in requests
               for value in request.values() if isinstance(value, list) for entry in value]
    assert len(streams) == len(set(streams)) == len(symbols) * len(KINDS)
    ids = [request["id"] for request in requests if "id" in request]
    assert len(set(ids)) == len(ids)


@EACH
@pytest.mark.parametrize("count", [1, 2, 199, 200, 201, 1000])
def test_requests_stay_below_the_size_limit(exchange: Exchange, count: int) -> None:
    names = [exchange.native(Symbol(f"LONGNAME{number:08}", "USDT")) for number in range(count)]
    for text in exchange.subscribe(names, KINDS):
        assert json.loads(text) and len(text.encode()) < LARGEST_REQUEST


@EACH
def test_constants_are_those_of_a_source(exchange: Exchange) -> None:
    assert ALL[exchange.NAME] is exchange and exchange.NAME == exchange.NAME.lower()
    assert exchange.WS_URL.startswith("wss://") and exchange.REST_URL.startswith("https://")
    assert exchange.stream_url(exchange.WS_URL).startswith(exchange.WS_URL)
    assert exchange.SENDS_PER_S >= 1
    assert (exchange.PING is None) == (exchange.PONG is None)


@EACH
@pytest.mark.parametrize("text", ["BTC-USDT", "ETH-BTC", "SOL-FDUSD", "1000SATS-USDC", "BTC-USD"])
def test_native_name_leads_back_to_the_symbol(exchange: Exchange, text: str) -> None:
    """K1."""
    assert parse_symbol(exchange.native(parse_symbol(text))) == parse_symbol(text)


@EACH
def test_native_names_are_distinct(exchange: Exchange) -> None:
    quotes = ("USD", "USDT", "USDC", "FDUSD", "EUR", "BTC")
    assert len({exchange.native(Symbol("XRP", quote)) for quote in quotes}) == len(quotes)
    assert len(natives(exchange)) == len(SYMBOLS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.name))
def test_exchange_has_no_socket_clock_log_or_state(path: Path) -> None:
    tree = ast.parse(path.read_text())
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import)
             for alias in node.names}
    named |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name.split(".")[0] for name in named} & {
        "socket", "ssl", "time", "datetime", "logging", "threading", "queue", "os", "random",
        "requests", "urllib3", "websocket", "websockets"}
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Global, ast.Nonlocal))]

"""Tier 3 against a real HTTP server on loopback (K35: it does ask; D050, D140)."""

from collections.abc import Callable, Iterator
from email.utils import formatdate

import pytest

from bot.errors import NoQuote, SourceError, StaleQuote
from bot.exchanges import binance
from bot.limits import LONGEST_PAUSE_S
from bot.sandbox.server import Sandbox
from bot.sandbox.venue import now_ms
from bot.sources import poller as rest
from bot.sources.poller import WANTED_FOR_S, Poller
from bot.sources.rest import MAX_AGE_S, RestSource
from bot.symbols import Symbol
from tests.helpers import Clock, Pause, eventually
from tests.servers import Behaviour, drip, raw_server, swallow
from tests.sources.okx_rest import TS, Reply, okx, refusal, status, ticker

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")


class Driven(RestSource):
    """Stepped by the test on a clock of its own, on which pauses take no time."""

    def __init__(self, *urls: str, symbols: tuple[Symbol, ...] = (BTC,)) -> None:
        self.clock = Clock()
        self.reports: list[tuple[str, int]] = []
        super().__init__(urls, symbols, lambda reason, count: self.reports.append((reason, count)),
                         mono=self.clock, wall=Clock(TS / 1000))
        self.stopping = Pause(self.clock)

    def want_all(self) -> None:
        """Ask for every symbol, whatever the answer."""
        for symbol in self._natives:
            try:
                self.quote(symbol)
            except SourceError:
                pass

    def turn(self, times: int = 1) -> None:
        """Step, with somebody asking all the while."""
        for _ in range(times):
            self.want_all()
            self.step()

    def why_not(self) -> str:
        with pytest.raises(SourceError) as caught:
            self.quote("BTCUSDT")
        return str(caught.value)


@pytest.fixture
def drive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Driven]]:
    """Makes sources; closes them and stops those that were started."""
    monkeypatch.setenv("NO_PROXY", "*")
    made: list[Driven] = []

    def make(*urls: str, symbols: tuple[Symbol, ...] = (BTC,)) -> Driven:
        made.append(Driven(*urls, symbols=symbols))
        return made[-1]

    yield make
    for source in made:
        source.stop()
        assert source.join(5)
        source.close()


Drive = Callable[..., Driven]


def test_answer_becomes_a_quote(drive: Drive) -> None:
    with okx() as server:
        source = drive(server.url + "/")
        source.turn()
        quote = source.quote("BTCUSDT")
    assert server.asked == ["BTC-USDT"] and server.paths == {"/api/v5/market/ticker"}
    assert (quote.price, quote.bid, quote.ask, quote.volume) == (61234.5, 61234.4, 61234.6, 4321.5)
    assert (quote.source, quote.exchange, quote.timestamp, quote.received_at) == (
        "okx", "okx", TS, TS)
    assert quote.trusted and not quote.synthetic


def test_thread_and_tier_have_a_name_each() -> None:
    source = RestSource(["http://127.0.0.1:9"], [BTC])
    assert (source.tier, source.name) == ("okx", "rest-okx")


def test_first_question_is_answered_at_once_with_no_quote_yet(drive: Drive) -> None:
    assert drive("http://127.0.0.1:9").why_not() == "first answer is on its way"


def test_symbol_that_is_not_configured_is_never_asked_for(drive: Drive) -> None:
    source = drive("http://127.0.0.1:9")
    with pytest.raises(NoQuote, match="DOGEUSDT is not configured"):
        source.quote("DOGEUSDT")


def test_no_request_leaves_while_nobody_asks(drive: Drive) -> None:
    """D140."""
    with okx() as server:
        source = drive(server.url, symbols=(BTC, ETH))
        source.start()
        source.stop()
        assert source.join(5)
        assert server.asked == [] and source.requests == 0


def test_one_request_a_second_and_symbol_however_often_it_is_asked(drive: Drive) -> None:
    with okx() as server:
        source = drive(server.url, symbols=(BTC, ETH))
        begun = source.clock.now
        for _ in range(5):
            for _ in range(100):
                source.want_all()
            source.turn()
        assert source.clock.now == begun + 5.0
    assert sorted(server.asked) == ["BTC-USDT"] * 5 + ["ETH-USDT"] * 5


def test_polling_ends_when_nobody_asks_any_more_and_begins_again(drive: Drive) -> None:
    with okx() as server:
        source = drive(server.url)
        begun = source.clock.now
        source.want_all()
        source.start()
        eventually(lambda: source.clock.now == begun + WANTED_FOR_S)
        assert len(server.asked) == WANTED_FOR_S
        assert source.quote("BTCUSDT").price == 61234.5
        eventually(lambda: source.clock.now == begun + 2 * WANTED_FOR_S)
        assert len(server.asked) == 2 * WANTED_FOR_S


@pytest.mark.parametrize("number", [418, 429, 503])
@pytest.mark.parametrize("headers, pause_s", [
    ({"Retry_After": "30"}, 30), ({}, 2), ({"Retry_After": "0"}, 0),
    ({"Retry_After": formatdate(TS // 1000 + 40, usegmt=True)}, 40),
    ({"Retry_After": formatdate(TS // 1000 - 40, usegmt=True)}, 0), ({"Retry_After": "soon"}, 2),
    ({"Retry_After": "9999"}, 9999), ({"Retry_After": "999999"}, LONGEST_PAUSE_S),
])
def test_limit_is_honoured_for_as_long_as_the_server_asks(
    drive: Drive, number: int, headers: dict[str, str], pause_s: int
) -> None:
    with okx(status(number, **headers), ticker()) as server:
        source = drive(server.url)
        source.turn()
        limited_at = source.clock.now - rest.POLL_EVERY_S
        assert source.why_not() == f"HTTP status {number}"
        while len(server.asked) < 2:
            source.turn()
        answered_at = source.clock.now - rest.POLL_EVERY_S
        assert answered_at - limited_at == pytest.approx(max(pause_s, rest.POLL_EVERY_S))


def test_limit_ends_the_turn_for_the_other_symbols_too(drive: Drive) -> None:
    """The limit is the address's: to go on with the next symbol is what leads to a ban."""
    with okx(status(429, Retry_After="30")) as server:
        source = drive(server.url, symbols=(BTC, ETH))
        source.turn(20)
        assert server.asked == ["BTC-USDT"]


@pytest.mark.parametrize("odd", ["²", "-5", "1e400", "9" * 400, "soon", "0x10", "1.5"])
def test_odd_retry_after_harms_nothing(drive: Drive, odd: str) -> None:
    with okx(status(429, Retry_After=odd), ticker()) as server:
        source = drive(server.url)
        source.turn()
        source.clock.now += LONGEST_PAUSE_S
        source.turn()
        assert source.quote("BTCUSDT").price == 61234.5


@pytest.mark.parametrize("reply, why", [
    (refusal("51001", "Instrument ID does not exist"), "51001, Instrument ID does not exist"),
    (refusal("50011", "Too Many Requests"), "50011"),
    ((200, {}, b'{"code":"0","msg":"","data":[]}'), "okx: "),
    ((200, {}, b"<html>maintenance</html>"), "okx: "),
    ((200, {}, b""), "okx: "),
    ((200, {}, b" " * (rest.BODY_LIMIT + 1)), "answer of more than"),
    (ticker(last="0"), "impossible price"),
    (ticker(last="NaN"), "impossible price"),
    (ticker(native="ETH-USDT"), "okx: "),
    (status(404), "HTTP status 404"),
    (status(500), "HTTP status 500"),
])
def test_answer_without_a_price_is_a_reason_and_the_next_one_is_asked_for(
    drive: Drive, reply: Reply, why: str
) -> None:
    """K15. HTTP 200 may carry an error."""
    with okx(reply, ticker()) as server:
        source = drive(server.url)
        source.turn()
        assert why in source.why_not()
        source.turn()
        assert source.quote("BTCUSDT").price == 61234.5


def test_answer_about_another_symbol_is_no_price_of_this_one(drive: Drive) -> None:
    with okx(ticker("61234.5", native="BTC-USDT")) as server:
        source = drive(server.url, symbols=(ETH, BTC))
        source.turn()
        assert source.quote("BTCUSDT").price == 61234.5
        with pytest.raises(NoQuote):
            source.quote("ETHUSDT")


def test_failure_goes_to_the_next_url_and_success_stays(drive: Drive) -> None:
    with okx(status(500)) as bad, okx() as good:
        source = drive(bad.url, good.url)
        source.turn(5)
        assert len(bad.asked) == 1 and len(good.asked) == 4


def test_nobody_listening_is_a_reason(drive: Drive) -> None:
    with okx() as server:
        url = server.url
    source = drive(url)
    source.turn()
    assert "refused" in source.why_not()


def test_later_answer_with_older_news_never_steps_back(drive: Drive) -> None:
    """Several caches answer under one name."""
    with okx(ticker("100", TS), ticker("90", TS - 1), ticker("80", TS - 5000),
             ticker("110", TS + 1)) as server:
        source, prices = drive(server.url), list[float]()
        for _ in range(4):
            source.turn()
            prices.append(source.quote("BTCUSDT").price)
    assert prices == [100, 100, 100, 110]


def test_cache_that_only_has_older_news_does_not_keep_the_price_young(drive: Drive) -> None:
    with okx(ticker("100", TS), ticker("90", TS - 1)) as server:
        source = drive(server.url)
        source.turn(9)
        assert source.quote("BTCUSDT").age_s == pytest.approx(9.0)
        source.turn(2)
        assert "old" in source.why_not()


def test_a_ticker_that_stands_still_grows_old(drive: Drive) -> None:
    """A suspended market, or a cache that is stuck, is no fresh price however often it is told."""
    with okx(*[ticker("100", TS)] * 20) as server:
        source = drive(server.url)
        source.turn(9)
        assert source.quote("BTCUSDT").age_s == pytest.approx(8.0, abs=1.1)
        source.turn(4)
        assert "old" in source.why_not()


def test_one_stamp_from_the_future_is_got_over(drive: Drive) -> None:
    later = [ticker("101", TS + 1000 * number) for number in range(40)]
    with okx(ticker("100", TS + 3_600_000), *later) as server:
        source = drive(server.url)
        source.turn(1)
        source.turn(20)
        quote = source.quote("BTCUSDT")
        assert (quote.price, quote.age_s < 2.0) == (101.0, True)


@pytest.mark.parametrize("age_s, served", [(9.9, True), (MAX_AGE_S, False), (10.1, False)])
def test_price_is_kept_up_to_its_own_age_limit_when_the_server_fails(
    drive: Drive, age_s: float, served: bool
) -> None:
    with okx(ticker(), status(500)) as server:
        source = drive(server.url)
        source.turn(2)
        received = source.clock.now - 2 * rest.POLL_EVERY_S
        source.clock.now = received + age_s
        if served:
            assert source.quote("BTCUSDT").age_s == pytest.approx(age_s)
        else:
            with pytest.raises(StaleQuote, match="HTTP status 500"):
                source.quote("BTCUSDT")


def test_same_fault_is_reported_once_and_then_with_its_number(drive: Drive) -> None:
    with okx(status(500)) as server:
        source = drive(server.url)
        source.turn(61)
    assert source.reports == [("HTTP status 500", 1), ("HTTP status 500", 59)]


def test_number_of_faults_is_told_though_nobody_asks_any_more(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with okx(status(500)) as server:
        source = drive(server.url)
        source.turn(3)
        assert source.reports == [("HTTP status 500", 1)]
        source.clock.now += 50.0
        waits: list[float | None] = []
        monkeypatch.setattr(source._asked, "wait", waits.append)
        source.step()
        assert waits == [pytest.approx(7.0)], "it wakes by itself when the minute is over"
        source.clock.now += 7.0
        source.step()
        assert source.reports == [("HTTP status 500", 1), ("HTTP status 500 (58 s ago)", 2)]
        assert waits[1:] == [None] and len(server.asked) == 3


@pytest.mark.parametrize("behave", [
    swallow, drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"),
], ids=["hangs", "drips"])
def test_server_that_never_finishes_costs_a_bounded_number_of_requests(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, behave: Behaviour
) -> None:
    monkeypatch.setattr(rest, "REQUEST_S", 0.25)
    with raw_server(behave) as server:
        source = drive(f"http://127.0.0.1:{server.port}")
        source.turn()
        assert source.why_not() == "no answer within 0.25 s"
        source.turn(rest.STRAYS + 5)
        assert source.requests == rest.STRAYS
        assert source.why_not() == f"{rest.STRAYS} requests hang"

    def asks_again() -> bool:
        source.turn()
        return source.requests > rest.STRAYS

    eventually(asks_again, what="the hanging requests ended with their server")


def test_stop_does_not_wait_for_a_server_that_hangs(drive: Drive) -> None:
    with raw_server(swallow) as server:
        source = RestSource([f"http://127.0.0.1:{server.port}"], [BTC])
        with pytest.raises(NoQuote):
            source.quote("BTCUSDT")
        source.start()
        eventually(lambda: server.accepted == 1)
        source.stop()
        assert source.join(1.0) and source.failure is None


def test_stop_is_not_lost_when_it_comes_while_the_thread_goes_to_sleep() -> None:
    """The thread looks at the clock first, finds nothing wanted, and only then goes to sleep."""
    def clock() -> float:
        source.stop()
        return 0.0

    source = RestSource(["http://127.0.0.1:9"], [BTC], mono=clock)
    source.start()
    try:
        assert source.join(2.0), "it sleeps for ever"
    finally:
        source.stop()
        source.join(2.0)


def test_question_is_not_lost_when_it_comes_while_the_thread_goes_to_sleep(drive: Drive) -> None:
    with okx() as server:
        source = drive(server.url)
        source.start()
        for _ in range(20):
            source.clock.now += 2 * WANTED_FOR_S
            before = len(server.asked)
            try:
                source.quote("BTCUSDT")
            except SourceError:
                pass
            eventually(lambda: len(server.asked) > before)


@pytest.mark.parametrize("reply, result", [
    (ticker(), "ok"), (status(429, Retry_After="1"), "limited"), (status(503), "limited"),
    (status(404), "status"), (refusal("50011", "Too many requests"), "refused"),
    ((200, {}, b"<html>"), "unreadable"), (ticker(native="ETH-USDT"), "unreadable"),
])
def test_every_request_is_counted_by_what_came_of_it(
    drive: Callable[..., Driven], reply: Reply, result: str
) -> None:
    with okx(reply) as server:
        source = drive(server.url, symbols=(BTC, ETH) if b"ETH-USDT" in reply[2] else (BTC,))
        source.ask("BTCUSDT")
        source.step()
        counted = {word: count for word, count in source.results.items() if count}
        assert counted == {result: 1}
        assert source.budget.used == pytest.approx(1 / 20)


@pytest.mark.parametrize("behave, result", [(swallow, "timeout"), (None, "network")])
def test_a_request_without_an_answer_is_counted_by_why(
    drive: Callable[..., Driven], monkeypatch: pytest.MonkeyPatch, behave: Behaviour | None,
    result: str
) -> None:
    monkeypatch.setattr(rest, "READ_S", 0.1)
    with raw_server(behave or swallow) as server:
        source = drive("http://127.0.0.1:1" if behave is None else
                       f"http://127.0.0.1:{server.port}")
        source.ask("BTCUSDT")
        source.step()
        assert {word: count for word, count in source.results.items() if count} == {result: 1}


def test_what_binance_says_of_the_budget_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with Sandbox(rate=0) as sandbox:
        for _ in range(600):
            sandbox._venues["binance"].rest._weight(now_ms())
        poller = Poller(binance, [sandbox.rest_url("binance")], [BTC])
        poller.ask("BTCUSDT")
        poller.step()
        poller.close()
        # one request of ours and 600 of somebody behind the same address, unless a minute ended
        assert poller.results["ok"] == 1 and poller.budget.used * 6_000 in (2, 1_202)

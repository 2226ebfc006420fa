"""The REST API of each exchange: does it answer, how fast, what time is it there, are our symbols
traded.
"""

import email.utils
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import requests
import urllib3

from bot import __version__
from bot.config import Config
from bot.doctor.finding import ClockReading, Finding, Report, fail, listed, ok, warn
from bot.doctor.place import Place, rest_places
from bot.doctor.rounds import Check
from bot.doctor.trouble import HANGS, network_remedy, refused
from bot.errors import ExchangeError, ParseError
from bot.limits import retry_after_s
from bot.symbols import Symbol
from bot.wording import worded
from bot.worker import Deadline

NAME = "rest"
SECONDS = 10.0
CONNECT_S, READ_S = 4.0, 4.0
BODY_LIMIT = 1 << 20
SLOW_S = 1.0
SHORTEST_S = 1.0  # with less left of the time no further question is begun
MOST_ASKED = 5  # symbols; the lines of the streams tell of all
DATE_STEP_S = 1.0  # of the header Date


def rest_checks(config: Config) -> Iterator[Check]:
    for place in rest_places(config):
        yield Check(NAME, place.subject, Api(place, config.symbols).look, SECONDS, HANGS,
                    spare=not place.first)


class Answer(NamedTuple):
    """asked_at: epoch s. took_s: by the monotonic clock, up to its last byte."""

    status: int
    retry_after: str
    date: str
    body: bytes
    asked_at: float
    took_s: float

    def reading(self, whose: str, said_s: float, within_s: float = 0.0) -> ClockReading:
        """said_s: their epoch s. Somewhere on its way the answer was made; half of the way is as
        far from that as it can be."""
        half_s = self.took_s / 2
        return ClockReading(whose, self.asked_at + half_s - said_s, half_s + within_s)


class Api:
    """One address, asked within its time. Thread: that of the check."""

    def __init__(self, place: Place, symbols: Sequence[Symbol]) -> None:
        self._place = place
        self._symbols = symbols
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"autonomous-bot/{__version__}"
        self._clock: ClockReading | None = None

    def look(self, deadline: Deadline) -> Report:
        try:
            findings = tuple(self._findings(deadline))
        finally:
            self._session.close()
        return Report(findings, clocks=(self._clock,) if self._clock else ())

    def _findings(self, deadline: Deadline) -> Iterator[Finding]:
        place = self._place
        url = place.exchange.time_url(place.url)
        try:
            first = self._get(url)
            fault = self._judged(first)
            if fault is not None:
                self._clock = by_date(place.exchange.NAME, first)
                yield fault
                return
            # the second one need not connect, where the exchange lets the connection stand
            answer = self._get(url)
            said_ms = place.exchange.parse_time(answer.body)
            self._clock = answer.reading(
                place.exchange.NAME, said_ms / 1000)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            words = worded(error)
            yield self._bad(words, network_remedy(words, place.setting))
            return
        except (ParseError, ExchangeError) as error:
            yield self._bad(str(error), f"check the address in {place.setting}: what answers there "
                            f"is not {place.exchange.NAME}")
            return
        yield from self._listing(answer, deadline)

    def _listing(self, clocked: Answer, deadline: Deadline) -> Iterator[Finding]:
        wanted, traded, late = self._symbols[:MOST_ASKED], [], list[str]()
        for symbol in wanted:
            if deadline.left_s < SHORTEST_S:
                late.append(symbol.name)
                continue
            finding = self._symbol(symbol)
            if finding is None:
                traded.append(symbol.name)
            else:
                yield finding
        words = f"answers in {clocked.took_s * 1000:.0f} ms"
        words += f"; {listed(traded)} traded" if traded else ""
        if len(self._symbols) > len(wanted):
            words += f" ({len(self._symbols) - len(wanted)} more not asked for)"
        if late:
            yield warn(NAME, self._place.subject, f"{words}; whether {listed(late)} "
                       f"{'is' if len(late) == 1 else 'are'} traded is not known, for the time was "
                       f"over before", "it answers slowly; look again with --only rest")
        elif clocked.took_s > SLOW_S:
            yield warn(NAME, self._place.subject, f"{words}: slow",
                       "the way there, or a nearer machine; streams matter more than this")
        else:
            yield ok(NAME, self._place.subject, words)

    def _symbol(self, symbol: Symbol) -> Finding | None:
        """What is wrong with it here."""
        exchange = self._place.exchange
        native = exchange.native(symbol)
        try:
            answer = self._get(exchange.instrument_url(self._place.url, native))
            if answer.status not in (200, 400):
                return self._judged(answer)
            state = exchange.parse_instrument(answer.body, native)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ParseError,
                ExchangeError) as error:
            words = worded(error)
            return self._bad(f"asked for {native}: {words}",
                             network_remedy(words, self._place.setting))
        subject = f"{exchange.NAME} {native}"
        if state is None:
            return fail(NAME, subject, f"{self._place.host} lists no such symbol",
                        "correct TRADING_SYMBOL (base and quote currency, as in BTC-USDT), or take "
                        f"{exchange.NAME} out of EXCHANGES")
        if state != exchange.TRADING:
            return fail(NAME, subject, f"is not traded there: its state is {state}",
                        f"wait until {exchange.NAME} trades it again (its status page), or take it "
                        "out of TRADING_SYMBOL")
        return None

    def _judged(self, answer: Answer) -> Finding | None:
        """None for success."""
        if answer.status == 200:
            return None
        return self._bad(*refused(answer.status, retry_after_s(answer.retry_after, time.time()),
                                  self._place.exchange, self._place.setting))

    def _bad(self, words: str, remedy: str) -> Finding:
        return fail(NAME, self._place.subject, words, remedy)

    def _get(self, url: str) -> Answer:
        """Raises: requests.RequestException, urllib3.exceptions.HTTPError."""
        asked_at, begun = time.time(), time.monotonic()
        with self._session.get(url, timeout=(CONNECT_S, READ_S), stream=True) as response:
            body = response.raw.read(BODY_LIMIT, decode_content=True)
            return Answer(response.status_code, response.headers.get("Retry-After", ""),
                          response.headers.get("Date", ""), body, asked_at,
                          time.monotonic() - begun)


def by_date(whose: str, answer: Answer) -> ClockReading | None:
    """Whoever refuses an answer still says what time it is, to the second."""
    try:
        said_s = email.utils.parsedate_to_datetime(answer.date).timestamp()
    except ValueError:
        return None
    return answer.reading(whose, said_s + DATE_STEP_S / 2, DATE_STEP_S / 2)

"""What other instances say, judged: whose word counts, and what is no evidence."""

from typing import Any

import pytest

from bot.broker.wire import headers, served_record, update_record
from bot.errors import NoQuote, StaleQuote
from bot.model import MarketDataUpdate
from tests.broker.records import APPENDED, CREATED, EPOCH, ME, Ear, Got, Writer, bare, got, ms


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def eins(ear: Ear) -> Writer:
    return Writer("eins", ear)


def test_a_fresh_price_is_served_with_who_told_it(ear: Ear, eins: Writer) -> None:
    ear.hears(eins.tells(100.0, ear.now - 0.3))
    quote = ear.quote()
    assert (quote.price, quote.source, quote.exchange) == (100.0, "kafka", "binance")
    assert quote.age_s == pytest.approx(0.3, abs=0.002)
    assert quote.reason.endswith("; told by eins")
    ear.passes(2.0)
    assert ear.quote().age_s == pytest.approx(2.3, abs=0.002)


def test_silence_makes_it_stale(ear: Ear, eins: Writer) -> None:
    eins.talks(10)
    ear.passes(9.9)
    ear.hears()
    assert ear.quote().age_s == pytest.approx(9.9, abs=0.002) and not ear.quote().trusted
    ear.passes(0.2)
    with pytest.raises(StaleQuote):
        ear.quote()


def test_nothing_heard_is_no_price(ear: Ear, eins: Writer) -> None:
    assert ear.why_none() == "nothing of BTCUSDT was read yet"
    ear.hears(eins.tells(100.0))
    assert ear.why_none("ETHUSDT") == "nothing of ETHUSDT was read yet"


@pytest.mark.parametrize("old_s", [11.0, 60.0, 3600.0, 7 * 86_400.0])
def test_a_backlog_read_at_the_start_is_not_fresh(ear: Ear, eins: Writer, old_s: float) -> None:
    begin = ear.now - old_s
    for number in range(100):
        ear.passes(0.05)  # read far faster than it was written
        ear.hears(eins.tells(100.0, min(begin + number, ear.now - 10.5)))
        why = ear.why_none()
    assert "late by this machine's clock: a backlog, or one of the clocks is wrong" in why
    assert "nothing of" not in why
    ear.passes(5.1)
    assert "a backlog" not in ear.why_none()  # nothing has come since
    ear.hears(eins.tells(101.0))
    assert ear.shown == pytest.approx((101.0, 0.0), abs=0.002)


def test_a_backlog_of_a_price_that_is_fresh_at_its_end_ends_fresh(
    ear: Ear, eins: Writer
) -> None:
    """Read in one go: only what it ends with counts."""
    ear.hears(*(eins.tells(100.0 + second / 100, ear.now - 60.0 + second)
                for second in range(59)))
    assert ear.quote().price == 100.58
    assert ear.quote().age_s == pytest.approx(2.0, abs=0.002)


@pytest.mark.parametrize("kind, record_old_s, old_s", [
    (CREATED, 9.0, 2.0),  # a copy of the event's, which is in the value too
    (APPENDED, 0.0, 2.0), (APPENDED, 4.0, 4.0),
])
def test_the_oldest_stamp_counts_the_brokers_too(
    ear: Ear, kind: int, record_old_s: float, old_s: float
) -> None:
    value = bare(ear.now - 2.0, instance="eins", receivedAt=ms(ear.now - 1.0)).value
    ear.hears(Got(value, [], ms(ear.now - record_old_s), kind))
    assert ear.quote().age_s == pytest.approx(old_s, abs=0.002)


def test_the_receipt_of_an_instance_counts_when_it_is_the_oldest(ear: Ear) -> None:
    ear.hears(bare(ear.now, instance="eins", receivedAt=ms(ear.now - 4.0)))
    assert ear.quote().age_s == pytest.approx(4.0, abs=0.002)


@pytest.mark.parametrize("kind", [CREATED, APPENDED])
def test_a_value_without_stamps_is_as_old_as_its_record(ear: Ear, kind: int) -> None:
    ear.hears(Got(bare().value, [], ms(ear.now - 3.0), kind))
    assert ear.quote().age_s == pytest.approx(3.0, abs=0.002)


@pytest.mark.parametrize("stamp", [-1, 0])
def test_a_record_without_any_stamp_is_no_evidence(ear: Ear, stamp: int) -> None:
    ear.hears(Got(bare().value, [], stamp, CREATED))
    assert "no time stamp at all" in ear.why_none()
    assert ear.hearsay.counts.implausible == 1 and ear.hearsay.counts.taken == 0


@pytest.mark.parametrize("own", ["header", "value", "both"])
def test_its_own_records_are_never_evidence_and_the_reason_names_the_setting(
    ear: Ear, own: str
) -> None:
    value = bare(ear.now, instance=ME if own != "header" else "eins").value
    for _ in range(50):
        ear.hears(Got(value, headers(b"market-data/1", ME) if own != "value" else []))
    why = ear.why_none()
    assert "only records of this very instance" in why and "INSTANCE_ID" in why and "'me'" in why
    assert ear.hearsay.counts.own == 50 and ear.hearsay.healths() == []


def test_its_own_records_explain_nothing_once_others_were_heard(ear: Ear, eins: Writer) -> None:
    """A daemon that reads the topic it publishes to sees both."""
    for _ in range(10):
        ear.hears(bare(ear.now, instance=ME), eins.tells(100.0))
    ear.passes(60.0)
    ear.hears(bare(ear.now, instance=ME))
    assert "INSTANCE_ID" not in ear.why_none()


def test_prices_served_by_others_are_never_evidence(ear: Ear) -> None:
    told = {"symbol": "BTCUSDT", "price": 100.0, "exchange": "binance", "source": "mock",
            "timestamp": ms(ear.now), "receivedAt": ms(ear.now), "synthetic": True}
    served = got(served_record("BTCUSDT", told, "eins", 1, ms(ear.now)))
    ear.hears(served, Got(served.value, [], ms(ear.now)))
    assert "record skipped" in ear.why_none()
    assert (ear.hearsay.counts.poison, ear.hearsay.counts.taken) == (2, 0)


POISON: list[Any] = [
    Got(None), Got(b""), Got(b"\xff\xfe"), Got(b"{" * 100_000), Got(b"[" * 100_000),
    Got(b"x" * 10_000_000), Got(None, [("instance", None)]), Got(b"{}", [("schema", None)]),
    bare(EPOCH, v=2), bare(EPOCH, price="nan"), bare(EPOCH, price=-1.0),
    bare(EPOCH, price=0), bare(EPOCH, bid=2.0, ask=1.0), bare(EPOCH, exchange="a\nb"),
]


def test_poison_is_counted_and_skipped_and_the_good_ones_beside_it_count(
    ear: Ear, eins: Writer
) -> None:
    ear.hears(*POISON, eins.tells(100.0), *POISON)
    assert ear.quote().price == 100.0
    assert ear.hearsay.counts.poison == 2 * len(POISON)
    assert len(ear.reports) == 1 and ear.reports[0][0].startswith("record skipped: ")
    ear.passes(61.0)
    ear.hears(POISON[0])
    assert [count for _, count in ear.reports] == [1, 2 * len(POISON)]


def test_a_poisoned_topic_says_why_there_is_no_price(ear: Ear) -> None:
    ear.hears(*POISON)
    assert "nothing of BTCUSDT was read yet; record skipped: " in ear.why_none()
    assert len(ear.why_none()) < 400
    ear.passes(5.1)
    assert ear.why_none() == "nothing of BTCUSDT was read yet"


def test_each_record_is_counted_exactly_once(ear: Ear, eins: Writer) -> None:
    records = [*POISON, *(eins.tells(100.0, ear.now - n / 10) for n in range(5)),
               bare(instance=ME), bare(symbol="XRPUSDT"), bare(),
               eins.tells(1.0, stamp_ahead_s=3600)]
    ear.hears(*records)
    counts = ear.hearsay.counts
    assert (counts.taken, counts.conflated, counts.others, counts.own, counts.implausible) == (
        1, 4, 1, 1, 2)
    assert counts.poison == len(POISON) and len(records) == len(POISON) + 9


def test_exchanges_that_are_not_configured_have_no_vote_however_many() -> None:
    ear = Ear(exchanges=("binance", "okx"))
    for number in range(10_000):
        ear.hearsay.take([bare(ear.now, price=7.0, exchange=f"x{number}", instance=f"i{number}",
                               symbol=f"S{number}USDT" if number % 3 else "BTCUSDT")])
    assert not ear.hearsay.desk.intakes and not ear.hearsay.healths()
    assert ear.hearsay.counts.others == 10_000
    assert not ear.hearsay._stamps._clocks and not ear.hearsay._told_by
    ear.hears(bare(ear.now, price=5.0), bare(ear.now, price=5.0, exchange="okx"))
    assert (ear.quote().exchange, ear.quote().price) == ("binance", 5.0)


def test_a_name_without_end_is_not_kept_and_not_told(ear: Ear) -> None:
    ear.hears(Got(bare(ear.now).value, headers(b"market-data/1", "x" * 1_000_000)))
    assert len(ear.quote().reason) < 400
    ear.hears(Got(bare(ear.now + 3600).value, headers(b"market-data/1", "y" * 1_000_000)))
    assert max(len(words) for words, _ in ear.reports) < 1000


def test_the_order_of_preference_is_the_configured_one() -> None:
    ear = Ear(exchanges=("binance", "okx"))
    for _ in range(10):
        ear.passes(0.2)
        ear.hears(*(bare(ear.now, exchange=name) for name in ("kraken", "OKX", "binance")))
    assert [health.source for health in ear.hearsay.healths()] == ["binance", "okx"]
    assert (ear.quote().exchange, ear.quote().status) == ("binance", "trusted")


def test_an_average_names_all_who_told_its_legs() -> None:
    ear = Ear("average", ("binance", "okx"))
    eins, zwei = Writer("eins", ear), Writer("zwei", ear)
    for _ in range(10):
        ear.passes(0.2)
        ear.hears(eins.tells(100.0), zwei.tells(100.02, exchange="okx"))
    quote = ear.quote()
    assert quote.price == pytest.approx(100.01) and quote.exchanges == ("binance", "okx")
    assert quote.reason.endswith("told by eins, zwei")


def test_books_alone_are_no_price(ear: Ear) -> None:
    update = MarketDataUpdate("binance", "BTCUSDT", "orderbook", 1.0, None, 0.9, 1.1,
                              ms(ear.now), ms(ear.now), 0.0, 1)
    ear.hears(got(update_record(update, "eins", 1)))
    with pytest.raises(NoQuote):
        ear.quote()


def test_only_what_brought_news_is_judged_at_once_and_all_so_many_times_a_second(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 500 symbols most are quiet when a record comes; to judge them all cost a whole core."""
    ear = Ear(symbols=[f"S{number}USDT" for number in range(500)])
    eins, judged = Writer("eins", ear), list[str]()
    honest = ear.hearsay.desk.judge

    def judge(symbol: str, *seen: Any) -> object:
        judged.append(symbol)
        return honest(symbol, *seen)

    monkeypatch.setattr(ear.hearsay.desk, "judge", judge)
    ear.hears()
    assert len(judged) == 500
    for _ in range(10):
        ear.passes(0.01)
        ear.hears(eins.tells(100.0, symbol="S7USDT"))
    assert judged[500:] == ["S7USDT"] * 10
    ear.passes(0.2)
    ear.hears()
    assert len(judged) == 500 + 10 + 500


def test_what_a_price_rests_on_can_be_asked(ear: Ear, eins: Writer) -> None:
    eins.talks(10)
    told = ear.hearsay.explain("BTCUSDT")
    assert told.active == "binance"
    assert [(leg.source, leg.accepted) for leg in told.legs] == [("binance", True)]

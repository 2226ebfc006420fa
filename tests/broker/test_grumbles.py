"""What kafka-python says only to its log: the last words of each client, and storms."""

import logging
import threading
from collections.abc import Iterator

import pytest

from bot.broker import grumbles
from bot.broker.grumbles import FRESH_S, LOGGER, STORM, Grumbles
from tests.helpers import Clock

READER, WRITER = "kafka-reader", "kafka-updates"
SECRET = "correct-horse-battery"


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record.getMessage())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(grumbles, "monotonic", clock)
    return clock


@pytest.fixture
def heard(clock: Clock) -> Iterator[Grumbles]:
    """Ears for two clients; the loggers are as they were at the end."""
    logger = logging.getLogger(LOGGER)
    before = logger.handlers[:], logger.propagate, logger.level
    logger.handlers.clear()
    ears = Grumbles()
    ears.attach(READER, None)
    ears.attach(WRITER, SECRET)
    yield ears
    logger.handlers[:], logger.propagate = before[:2]
    logger.setLevel(before[2])


def says(words: str, *arguments: object, thread: str = READER, times: int = 1,
         level: int = logging.ERROR) -> None:
    """kafka-python logs `words`, on a thread of that name."""
    me = threading.current_thread()
    name, me.name = me.name, thread
    try:
        for _ in range(times):
            logging.getLogger("kafka.client.deep").log(level, words, *arguments)
    finally:
        me.name = name


def test_the_last_words_are_kept_for_each_client(heard: Grumbles) -> None:
    assert heard.last_words(READER) is None
    says("first")
    says("no %s", "broker")
    says("topic missing", thread=f"{WRITER}-primary-network-thread")
    assert heard.last_words(READER) == "no broker"
    assert heard.last_words(WRITER) == "topic missing"


@pytest.mark.parametrize("thread", [
    READER, f"{READER}-primary", f"kafka-python-{READER}-{WRITER}-io", f"{READER}-{WRITER}"])
def test_words_belong_to_the_client_first_named_by_the_thread(
    heard: Grumbles, thread: str
) -> None:
    """The client id ends with the instance, which anybody may call like another client."""
    says("mine", thread=thread)
    assert (heard.last_words(READER), heard.last_words(WRITER)) == ("mine", None)
    says("theirs", thread=f"{WRITER}-{READER}")
    assert (heard.last_words(READER), heard.last_words(WRITER)) == ("mine", "theirs")


def test_threads_of_nobody_are_heard_for_nobody(heard: Grumbles) -> None:
    says("whose?", thread="MainThread", times=STORM + 1)
    assert (heard.last_words(READER), heard.storms(READER)) == (None, False)
    assert (heard.last_words(WRITER), heard.storms(WRITER)) == (None, False)


def test_nothing_comes_through_to_our_own_log(heard: Grumbles) -> None:
    ours = Kept()
    logging.getLogger().addHandler(ours)
    try:
        says("outage", level=logging.CRITICAL)
        logging.getLogger("bot").critical("ours")
    finally:
        logging.getLogger().removeHandler(ours)
    assert ours.kept == ["ours"] and heard.last_words(READER) == "outage"


def test_chatter_is_not_a_complaint(heard: Grumbles) -> None:
    says("connecting", level=logging.INFO, times=STORM + 1)
    assert heard.last_words(READER) is None and not heard.storms(READER)


def test_to_attach_twice_hears_once(heard: Grumbles) -> None:
    heard.attach(READER, None)
    assert logging.getLogger(LOGGER).handlers.count(heard) == 1
    says("x", times=STORM - 1)
    assert not heard.storms(READER)


def test_old_words_explain_nothing(heard: Grumbles, clock: Clock) -> None:
    says("outage")
    clock.now += FRESH_S
    assert heard.last_words(READER) == "outage"
    clock.now += 0.1
    assert heard.last_words(READER) is None


@pytest.mark.parametrize("words", [
    f"login of bot with {SECRET} failed", f"{SECRET}{SECRET}", "x" * 985 + SECRET,
    " " * 985 + SECRET, f"{{'sasl_plain_password': '{SECRET}'}}",
])
def test_a_secret_is_never_repeated(heard: Grumbles, words: str) -> None:
    says(words)
    last = heard.last_words(READER)
    assert last is not None and "correct" not in last


@pytest.mark.parametrize("secret", ["back\\slash", "it's", 'a"b\'c'])
def test_a_secret_is_not_repeated_in_the_spelling_of_a_repr_either(
    heard: Grumbles, secret: str
) -> None:
    heard.attach(WRITER, secret)
    says("options %r, %s", {"password": secret}, secret, thread=WRITER)
    last = heard.last_words(WRITER)
    assert last is not None and last.count("****") == 2
    assert secret not in last and repr(secret)[1:-1] not in last


def test_words_are_one_short_line(heard: Grumbles) -> None:
    says("a\nb\r\n" + "x" * 100_000)
    last = heard.last_words(READER)
    assert last is not None and last.startswith("a b x") and len(last) <= 120


def test_a_line_that_cannot_be_made_ends_no_thread_of_the_library(heard: Grumbles) -> None:
    record = logging.LogRecord("kafka", logging.ERROR, "", 0, "%d of %s", ("three",), None)
    record.threadName = READER
    heard.handle(record)
    assert heard.last_words(READER) == "%d of %s"


def test_a_client_that_spins_is_noticed_and_its_neighbour_is_not_blamed(
    heard: Grumbles, clock: Clock
) -> None:
    says("x", times=STORM - 1)
    assert not heard.storms(READER)
    says("x")
    assert heard.storms(READER) and not heard.storms(WRITER)
    clock.now += 2.0
    assert not heard.storms(READER)


def test_many_complaints_over_a_long_time_are_no_storm(heard: Grumbles, clock: Clock) -> None:
    for _ in range(10 * STORM):
        clock.now += 0.0025
        says("x")
        assert not heard.storms(READER)


def test_a_storm_that_lasts_goes_on_being_one(heard: Grumbles, clock: Clock) -> None:
    stormy = 0
    for _ in range(30):
        clock.now += 0.1
        says("x", times=300)
        stormy += heard.storms(READER)
    assert stormy > 15


def test_in_a_storm_words_are_not_even_made(heard: Grumbles) -> None:
    made: list[int] = []

    class Costly:
        def __str__(self) -> str:
            made.append(1)
            return "costly"

    for _ in range(10 * STORM):
        record = logging.LogRecord("kafka", logging.ERROR, "", 0, "%s", (Costly(),), None)
        record.threadName = READER
        heard.handle(record)
    assert len(made) == STORM and heard.last_words(READER) == "costly"


def test_the_words_before_a_storm_are_told_during_it(heard: Grumbles) -> None:
    says("leader unknown", times=100 * STORM)
    assert heard.storms(READER) and heard.last_words(READER) == "leader unknown"


def test_a_new_client_does_not_answer_for_the_old_one(heard: Grumbles) -> None:
    says("x", times=STORM)
    says("y", thread=WRITER, times=STORM)
    heard.forget(READER)
    assert not heard.storms(READER) and heard.last_words(READER) is None
    assert heard.storms(WRITER) and heard.last_words(WRITER) == "y"
    heard.forget("never heard of")


def test_a_client_that_was_thrown_away_still_tells_why_but_spins_no_more(
    heard: Grumbles,
) -> None:
    says("x", times=STORM)
    heard.calm(READER)
    assert not heard.storms(READER) and heard.last_words(READER) == "x"


def test_threads_without_end_leave_nothing_behind(heard: Grumbles) -> None:
    for number in range(10_000):
        says("x", thread=f"thread-{number}")
        says("x", thread=f"{READER}-{number}")
    assert set(heard._last) == {"", READER} and set(heard._rush) == {"", READER}

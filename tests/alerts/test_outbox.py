"""What waits for a channel: the newest state of each case, in order, at a pace."""

from bot.alerts.facts import Severity
from bot.alerts.outbox import BURST, EVERY_S, MOST_UNTOLD, Bucket, Outbox, Step
from tests.alerts.making import WALL, told

INFO, WARNING, CRITICAL = Severity


class Desk:
    """An outbox on a clock that a test turns, and a channel that takes everything.

    names: it says what the message is called.
    """

    def __init__(self, has_updates: bool = True, names: bool = True) -> None:
        self.now = 0.0
        self.outbox = Outbox(has_updates, Bucket(0.0))
        self.names = names
        self.steps: list[Step] = []

    def next(self) -> Step | None:
        return self.outbox.next(self.now)

    def send(self) -> Step | None:
        step = self.outbox.next(self.now)
        if step is not None:
            self.steps.append(step)
            self.outbox.sent(self.now)
            self.outbox.done(step, f"m{len(self.steps)}" if self.names else None)
        return step

    def send_all(self, seconds: float = 0.0) -> list[Step]:
        before, until = len(self.steps), self.now + seconds
        while True:
            while self.send():
                pass
            if self.now >= until:
                return self.steps[before:]
            self.now += 1.0


def events(steps: list[Step]) -> list[str]:
    return [step.told.event for step in steps]


def test_one_case_is_one_message_that_is_edited_until_it_is_over() -> None:
    desk = Desk()
    for event in ("opened", "updated", "closed"):
        desk.outbox.put(told(event=event))
        desk.send()
    assert [(step.told.event, step.edit) for step in desk.steps] == [
        ("opened", None), ("updated", "m1"), ("closed", "m1")]
    assert desk.outbox.waiting == 0 and desk.next() is None


def test_what_grows_worse_is_a_new_message_in_reply_and_both_are_closed() -> None:
    desk = Desk()
    desk.outbox.put(told())
    desk.send()
    desk.outbox.put(told(event="updated", severity=CRITICAL, bells=1))
    desk.send()
    desk.outbox.put(told(event="updated", severity=CRITICAL, bells=1, lasted_s=9.0))
    desk.send()
    desk.outbox.put(told(event="closed", severity=CRITICAL, bells=1))
    desk.send_all(90.0)
    assert [(step.told.event, step.edit, step.reply_to) for step in desk.steps] == [
        ("opened", None, None), ("updated", None, "m1"), ("updated", "m2", None),
        ("closed", "m2", None), ("closed", "m1", None)]
    assert desk.outbox.waiting == 0


def test_without_edits_only_opening_rise_and_end_are_told() -> None:
    desk = Desk(has_updates=False, names=False)
    for one in (told(), told(event="updated", lasted_s=60.0),
                told(event="updated", severity=CRITICAL, bells=1),
                told(event="updated", severity=CRITICAL, bells=1, lasted_s=99.0),
                told(event="closed", severity=CRITICAL, bells=1)):
        desk.outbox.put(one)
        desk.send()
    assert events(desk.steps) == ["opened", "updated", "closed"]
    assert desk.outbox.waiting == 0


def test_what_comes_back_after_the_quiet_is_a_new_message_everywhere() -> None:
    for desk in (Desk(), Desk(has_updates=False, names=False)):
        for one in (told(), told(event="updated", is_quiet=True),
                    told(event="updated", bells=1, lasted_s=99.0)):
            desk.outbox.put(one)
            desk.send()
        assert desk.steps[-1].told.bells == 1 and desk.steps[-1].edit is None


def test_what_is_quiet_again_before_it_could_be_told_rings_no_bell() -> None:
    desk = Desk()
    desk.outbox.put(told())
    desk.send()
    desk.outbox.put(told(event="updated", bells=1))
    desk.outbox.put(told(event="updated", bells=1, is_quiet=True))
    step = desk.send()
    assert step is not None and step.edit == "m1"
    desk.outbox.put(told(event="updated", bells=2))
    step = desk.send()
    assert step is not None and step.edit is None


def test_what_waits_is_the_newest_state_under_the_name_of_what_was_not_told_before() -> None:
    desk = Desk(has_updates=False)
    desk.outbox.put(told())
    desk.outbox.put(told(event="updated", lasted_s=60.0))
    step = desk.send()
    assert step is not None and step.told.event == "opened" and step.told.lasted_s == 60.0
    desk.outbox.put(told("c2"))
    desk.outbox.put(told("c2", "closed"))
    assert events(desk.send_all()) == ["closed"] and desk.outbox.waiting == 0


def test_what_comes_while_a_message_is_under_way_is_told_after_it() -> None:
    desk = Desk()
    desk.outbox.put(told())
    step = desk.next()
    assert step is not None
    desk.outbox.sent(0.0)
    desk.outbox.put(told(event="closed"))
    desk.outbox.done(step, "m1")
    closing = desk.next()
    assert closing is not None and (closing.told.event, closing.edit) == ("closed", "m1")


def test_an_update_that_comes_under_way_is_none_for_who_has_none() -> None:
    desk = Desk(has_updates=False)
    desk.outbox.put(told())
    step = desk.next()
    assert step is not None
    desk.outbox.put(told(event="updated", lasted_s=60.0))
    desk.outbox.done(step, None)
    assert desk.next() is None and desk.outbox.waiting == 0


def test_the_pace_is_a_burst_and_then_one_every_half_minute() -> None:
    desk = Desk()
    for number in range(20):
        desk.outbox.put(told(f"c{number}", opened_at=WALL + number))
    assert len(desk.send_all()) == BURST
    assert len(desk.send_all(EVERY_S * 4)) == 4


def test_the_last_token_is_kept_for_news() -> None:
    desk = Desk()
    for number in range(BURST - 1):
        desk.outbox.put(told(f"c{number}"))
    assert len(desk.send_all()) == BURST - 1
    desk.outbox.put(told("c0", "closed"))
    assert desk.next() is None
    desk.outbox.put(told("new"))
    step = desk.send()
    assert step is not None and step.told.id == "new"


def test_news_and_the_worst_come_first() -> None:
    desk = Desk()
    desk.outbox.put(told("known"))
    desk.send()
    desk.outbox.put(told("known", "closed"))
    desk.outbox.put(told("over", "closed", CRITICAL))
    desk.outbox.put(told("small", severity=INFO))
    desk.outbox.put(told("bad", severity=CRITICAL, opened_at=WALL + 9))
    assert [step.told.id for step in desk.send_all(90.0)] == ["bad", "small", "over", "known"]


def test_beyond_the_bound_cases_give_way_and_are_told_as_a_number() -> None:
    desk = Desk()
    for number in range(MOST_UNTOLD):
        desk.outbox.put(told(f"over{number}", "closed", CRITICAL, opened_at=WALL + number))
    for number in range(12):
        desk.outbox.put(told(f"open{number}", opened_at=WALL + number))
    assert desk.outbox.waiting == MOST_UNTOLD and desk.outbox.dropped == 12
    first, second = desk.send(), desk.send()
    assert first is not None and first.told.id == "open0" and first.more == 12
    assert second is not None and second.more == 0


def test_a_number_that_was_not_taken_is_told_with_the_next() -> None:
    desk = Desk()
    for number in range(MOST_UNTOLD + 3):
        desk.outbox.put(told(f"c{number}", "closed", opened_at=WALL + number))
    refused = desk.next()
    desk.outbox.sent(0.0)
    assert refused is not None and refused.more == 3
    again = desk.send()
    assert again is not None and again.more == 3


def test_a_message_that_somebody_deleted_is_written_anew() -> None:
    desk = Desk()
    desk.outbox.put(told())
    desk.send()
    desk.outbox.put(told(event="closed"))
    step = desk.next()
    assert step is not None and step.edit == "m1"
    desk.outbox.gone(step)
    anew = desk.send()
    assert anew is not None and anew.edit is None and anew.told.event == "closed"
    assert desk.outbox.waiting == 0


def test_an_old_message_that_somebody_deleted_needs_no_end() -> None:
    desk = Desk()
    desk.outbox.put(told())
    desk.send()
    desk.outbox.put(told(event="closed", bells=1))
    desk.outbox.put(told(event="updated", bells=1))
    desk.send()
    desk.outbox.put(told(event="closed", bells=1))
    desk.send()
    step = desk.next()
    assert step is not None and step.edit == "m1"
    desk.outbox.gone(step)
    assert desk.next() is None and desk.outbox.waiting == 0


def test_who_gives_way_while_under_way_is_no_fault() -> None:
    desk = Desk()
    desk.outbox.put(told("first", "closed", INFO))
    step = desk.next()
    assert step is not None
    for number in range(MOST_UNTOLD):
        desk.outbox.put(told(f"c{number}"))
    desk.outbox.done(step, "m1")
    desk.outbox.gone(step)
    assert desk.outbox.dropped == 1


def test_what_the_channel_knows_is_what_it_took_and_was_not_told_the_end_of() -> None:
    desk = Desk()
    desk.outbox.put(told("a"))
    desk.outbox.put(told("b"))
    assert desk.outbox.known == []
    desk.send()
    assert [(one.id, messages) for one, messages in desk.outbox.known] == [("a", ("m1",))]
    desk.send()
    desk.outbox.put(told("a", event="updated", bells=1))
    desk.send()
    desk.outbox.put(told("a", "closed", bells=1))
    desk.send()
    assert [messages for _, messages in desk.outbox.known] == [("m1", "m3"), ("m2",)]
    before = desk.outbox.changes
    desk.send_all(90.0)
    assert [one.id for one, _ in desk.outbox.known] == ["b"] and desk.outbox.changes > before


def test_the_end_of_what_an_earlier_life_told_changes_all_its_messages() -> None:
    desk = Desk()
    desk.outbox.adopt(told("old", "closed"), ("7", "8"))
    steps = desk.send_all(90.0)
    assert [(step.told.event, step.edit) for step in steps] == [("closed", "8"), ("closed", "7")]
    assert desk.outbox.known == [] and desk.outbox.waiting == 0


def test_without_edits_the_end_of_what_an_earlier_life_told_is_one_message() -> None:
    desk = Desk(has_updates=False, names=False)
    desk.outbox.adopt(told("old", "closed"), ())
    assert [(step.told.event, step.edit) for step in desk.send_all(90.0)] == [("closed", None)]

"""A case in words: a title, what is wrong, what the bot did, what to do."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from bot.alerts.case import Told
from bot.alerts.facts import Severity
from bot.alerts.thing import Item
from bot.incidents.incident import DOWN, PAUSED
from bot.incidents.story import DRILL, GUIDE, advice, lasted, named, sentence

MARKS = {Severity.INFO: "🔵", Severity.WARNING: "🟠", Severity.CRITICAL: "🔴"}
QUIET_MARK, OVER_MARK = "⚪", "✅"
KINDS = {kind: place for place, kind in enumerate(
    ("price", "tier", "source", "kafka", "record", "unrecorded", "lost", DOWN,
     PAUSED))}
MOST_LINES = 12
MOST_WAYS = 4
LONGEST_CAUSE = 240
DAY_S = 86_400
STILL_TO_DO = ("disagreement", "unrecorded", "lost", DOWN, PAUSED)  # rules that leave work behind
TEST = ("This is a test: nothing is wrong. What goes wrong will be told here, one message for "
        "each incident.")
RESTARTED = "The bot was restarted meanwhile; what is wrong now is told anew"

Group = list[Item]


def title(told: Told) -> str:
    """In one line: how bad, who says so, what."""
    if told.event == "test":
        return f"{MARKS[told.severity]} [{told.instance}] TEST ({told.severity.word})"
    if told.before:
        return f"{QUIET_MARK} [{told.instance}] {RESTARTED}"
    lead = groups(told)[0]
    drill = "DRILL: " if lead[0].fact.is_drill else ""
    mark, how, before = MARKS[max(told.severity, lead[0].severity)], "", ""
    if told.event == "closed":
        is_notice = lead[0].fact.is_notice
        mark, how = OVER_MARK, "" if is_notice else f"Over after {lasted(told.lasted_s * 1000)}: "
    elif told.is_quiet:
        mark, how = QUIET_MARK, "Quiet for now: "
    else:
        before = _before(told, lead)
    return f"{mark} [{told.instance}] {drill}{how}{_what(lead)}{before}"


def _before(told: Told, lead: Group) -> str:
    """What was worse than what is wrong now, for the mark is that of the worst."""
    worst = max(groups(told), key=lambda group: group[0].severity)
    is_of_mark = lead[0].severity < worst[0].severity <= told.severity
    return f"; before: {_what(worst)}" if is_of_mark else ""


def text(told: Told, fits: Callable[[str], bool] = lambda text: True, more: int = 0) -> str:
    """The whole message. fits: what the channel can carry; lines are left out until it does. more:
    incidents that were never told there.
    """
    lines = [] if told.event == "test" else [
        _line(group, told.opened_at) for group in groups(told)]
    for count in range(min(len(lines), MOST_LINES), -1, -1):
        left = [f"• … and {len(lines) - count} more"] if count < len(lines) else []
        written = "\n".join([title(told), *lines[:count], *left, *_end(told, more)])
        if fits(written):
            return written
    return title(told)


def groups(told: Told) -> list[Group]:
    """Items that differ in nothing but their symbols are one; what is wrong now comes first, and
    where nothing is, what was worst; a drill after what is in earnest.
    """
    found: dict[object, Group] = {}
    for item in told.items:
        fact = item.fact
        found.setdefault((fact.kind, fact.source, fact.to, fact.rule, item.is_open, fact.is_drill,
                          "" if fact.symbol else fact.subject), []).append(item)
    past = told.event == "closed" or told.is_quiet
    return sorted(found.values(), key=lambda group: (
        not past and not group[0].is_open, -group[0].severity, group[0].fact.is_drill,
        not group[0].is_open, KINDS.get(group[0].fact.kind, 9)))


def guidance(told: Told) -> tuple[str, str]:
    """What a person can do, and where the runbook says more."""
    found = groups(told)
    items = [group[0] for group in found]
    if told.event == "closed":
        items = [item for item in items if item.fact.rule in STILL_TO_DO] or items
    is_served = told.dark.isdisjoint(item.fact.symbol or "" for item in found[0])
    todo, section = advice(items[0].fact.rule, is_served or told.event == "closed")
    if told.event == "closed" and items[0].fact.rule not in STILL_TO_DO:
        todo = "Nothing, it is over."
    return todo, f"{GUIDE}#{section}"


def _end(told: Told, more: int) -> Iterator[str]:
    if told.event == "test":
        yield TEST
        return
    if told.before:
        yield f"Told before: {told.before}"
        yield f"Since {_clock(told.opened_at)}."
        return
    yield from _done(told)
    todo, where = guidance(told)
    yield f"What to do: {todo} ({where})"
    if told.event != "closed":
        yield f"Since {_clock(told.opened_at)}."
    if more:
        yield (f"And {more} more {'incidents' if more > 1 else 'incident'} that could not be told "
               f"here: /api/v1/incidents lists them.")


def _what(group: Group) -> str:
    """In one sentence, without duration and cause."""
    fact, over = group[0].fact, not group[0].is_open
    symbols = sorted(item.fact.symbol for item in group if item.fact.symbol)
    be = "was" if over and len(symbols) < 2 else "were" if over else (
        "is" if len(symbols) < 2 else "are")
    match fact.kind:
        case "tier":
            made_up = " (made up)" if fact.to == "mock" else ""
            lower = "" if not over else "a lower tier, at worst "
            return f"{named(symbols)} {be} served from {lower}{fact.to}{made_up}"
        case "kafka":
            return f"Kafka {'was' if over else 'is'} not {fact.subject[1]}"
        case "record":
            if fact.rule == "disk":
                return f"The disk of the record {'ran' if over else 'runs'} low"
            return "Nothing was recorded" if over else "Nothing is recorded"
    return sentence(fact.source, symbols, fact.rule, over)


def _line(group: Group, opened_at: float) -> str:
    lead = group[0]
    times = f", {lead.times} times" if lead.times > 1 else ""
    if 0 < lead.drills < lead.times:
        times += ", once in a drill" if lead.drills == 1 else f", {lead.drills} in a drill"
    words, drill = lead.fact.cause, ""
    if lead.fact.is_drill:
        words, drill = words.removeprefix(DRILL).lstrip(), "DRILL: "
    cause = f": {_cut(words)}" if words else ""
    if lead.is_open:
        same_day = lead.at // DAY_S == opened_at // DAY_S
        since = _clock(lead.at).split(maxsplit=1)[1] if same_day else _clock(lead.at)
        return f"• {drill}{_what(group)}{cause} (since {since}{times})"
    length = max(item.lasted_s for item in group) * 1000
    return f"• {drill}{_what(group)} for {lasted(length)}{times}{cause}"


def _done(told: Told) -> Iterator[str]:
    """What the bot did about it, and what its readers had meanwhile."""
    ways: dict[tuple[str, tuple[str, ...], int], list[str]] = {}
    for path in told.paths:
        ways.setdefault((path.kind, path.stops, path.moves), []).append(path.symbol)
    if ways:
        told_ways = [f"{kind} of {named(sorted(symbols))}: {_way(stops, moves)}"
                     for (kind, stops, moves), symbols in list(ways.items())[:MOST_WAYS]]
        yield f"What the bot did: {'; '.join(told_ways)}."
    if not (told.event == "closed" or told.is_quiet):
        return
    blackouts = [(item.lasted_s, item.fact.symbol or "") for item in told.items
                 if item.fact.kind == "price"]
    if blackouts:
        longest_first = sorted(blackouts, key=lambda one: -round(one[0]))
        yield f"Without a trusted price: {_several(longest_first)}."
    elif any(item.fact.kind == "source" for item in told.items):
        longest_ms = max(item.blackout_ms for item in told.items)
        yield ("There was a trusted price all the time." if longest_ms < 0.5 else
               f"Without a trusted price until another source took over: {lasted(longest_ms)}.")


def _way(stops: tuple[str, ...], moves: int) -> str:
    if moves < len(stops):
        return " -> ".join(stops)
    return f"{stops[0]} -> {stops[1]} ... {' -> '.join(stops[-2:])} ({moves} changes)"


def _several(blackouts: Iterable[tuple[float, str]], most: int = 3) -> str:
    found = [f"{symbol} {lasted(length * 1000)}" for length, symbol in blackouts]
    left = [f"{len(found) - most} more"] if len(found) > most else []
    return ", ".join([*found[:most], *left])


def _cut(cause: str) -> str:
    return cause if len(cause) <= LONGEST_CAUSE else f"{cause[:LONGEST_CAUSE - 1]}…"


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"

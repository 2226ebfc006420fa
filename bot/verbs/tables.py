"""What a running bot tells, as rows for people."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bot.causes import TIERS
from bot.incidents.incident import Incident
from bot.incidents.story import advice, story
from bot.verbs.printing import aligned, printable
from bot.verbs.terminal import DIM, GREEN, RED, YELLOW

Json = dict[str, Any]
STATUS_COLOURS = {"trusted": GREEN, "degraded": YELLOW}
UP_RULES = ("agrees", "alone")


class Table(NamedTuple):
    """rows: the first is the heading. colours: for each row. spare: columns that may be left out
    where there is no room, in the order in which they go.
    """

    rows: list[list[str]]
    colours: list[str] = []
    spare: Sequence[str] = ()

    def lines(self, width: int | None = None) -> list[str]:
        """width: leave out what is spare until the columns but the last leave a third of it."""
        rows = [[printable(cell) for cell in row] for row in self.rows]
        for name in self.spare:
            if width is None or sum(_widths(rows)[:-1]) + 2 * len(rows[0]) <= width * 2 // 3:
                break
            at = rows[0].index(name)
            rows = [row[:at] + row[at + 1:] for row in rows]
        return aligned(rows)


class Story(NamedTuple):
    """An incident in words. advice: what one can do, while it lasts."""

    head: str
    text: str
    advice: str


def price_table(prices: list[Json]) -> Table:
    rows = [["SYMBOL", "PRICE", "+-", "TIER", "EXCHANGE", "AGE ms", "STATUS", "REASON"]]
    colours = [DIM]
    for price in prices:
        if price["price"] is None:
            rows.append([price["symbol"], "-", "-", "-", "-", "-", "none", price["reason"]])
            colours.append(RED)
            continue
        exchange = price["exchange"] or "+".join(price.get("exchanges", [])) or "-"
        rows.append([price["symbol"], f"{price['price']:.10g}", number(price["confidence"], 3),
                     price["source"], exchange, str(price["ageMs"]), price["status"],
                     price["reason"]])
        colours.append(STATUS_COLOURS.get(price["status"], RED))
    return Table(rows, colours, ("+-", "TIER", "EXCHANGE", "AGE ms"))


def leg_table(told: Json) -> list[str]:
    """Every leg: what it says, how old and how late, and the rule that took or refused it."""
    rows = [["LEG", "PRICE", "AGE ms", "LAG ms", "CLOCK ms", "LOW", "HIGH", "BASIS bps", "TAKEN",
             "RULE", "WHY"]]
    for leg in told["legs"]:
        name = leg["source"] + (" rest" if leg["kind"] == "rest" else "")
        held = f"; doubts {leg['held']:.10g}" if leg["held"] is not None else ""
        rows.append([
            name, number(leg["price"], 10), number(leg["ageMs"], 6), number(leg["lagMs"], 6),
            number(leg["offsetMs"], 6), number(leg["low"], 8), number(leg["high"], 8),
            number(leg["basisBps"], 3), "yes" if leg["accepted"] else "no", leg["rule"],
            leg["words"] + held])
    return [f"active: {told['activeSource'] or 'none'} ({told['activeBecause']})",
            f"agreeing: {', '.join(told['agreeing']) or 'none'}; outvoted: "
            f"{', '.join(told['outside']) or 'none'}", *aligned(rows)]


def source_table(health: Json, explained: Mapping[str, Json]) -> Table:
    """explained: by symbol, why its price is what it is; of those that were asked about."""
    rows = [["SOURCE", "STATE", "PING ms", "UPDATES", "ERRORS", "WHY"]]
    colours = [DIM]
    for source in health["sources"]:
        name = source["exchange"]
        state, why = source_state(source, explained)
        if name == health["activeSource"]:
            state += ", active"
        rows.append([name, state, "-" if source["latency"] is None else str(source["latency"]),
                     str(source["messagesReceived"]), str(source["errors"]), why])
        colours.append(GREEN if state.startswith("up") else RED if state == "down" else YELLOW)
    return Table(rows, colours, ("ERRORS", "UPDATES", "PING ms"))


def source_state(source: Json, explained: Mapping[str, Json]) -> tuple[str, str]:
    """In a word, and why: a source may be connected and still not be used."""
    against = {}
    for symbol, told in explained.items():
        for leg in told["legs"]:
            mine = leg["source"] == source["exchange"] and leg["kind"] == "stream"
            if mine and leg["rule"] not in UP_RULES:
                against[symbol] = leg
    why = "; ".join(f"{symbol}: {leg['words']}" if len(explained) > 1 else leg["words"]
                    for symbol, leg in against.items())
    if not source["connected"]:
        return "down", why
    if not against:
        return "up", ""
    put_away = all("put away" in leg["words"] for leg in against.values())
    word = "put away" if put_away else "not used"
    return (word if len(against) == len(explained) else f"partly {word}"), why


def health_line(health: Json) -> str:
    if "sources" not in health:
        return f"feeds: {health.get('error', 'not known')}"
    state = "healthy" if health["healthy"] else "NOT healthy"
    return f"{health['instance']}: {state}, {health['updateCount']} updates"


def tier_table(
    prices: list[Json], health: Json, links: list[Json], tiers: Sequence[Json] = ()
) -> Table:
    """Which tier serves what, in the order in which they are asked. tiers: how each stands with the
    first symbol.
    """
    served = {tier: [price["symbol"] for price in prices if price.get("source") == tier
                     and price["price"] is not None] for tier in TIERS}
    reading = next((link for link in links if link["direction"] == "read"), None)
    up = sum(source["connected"] for source in health.get("sources", []))
    states = {
        "websocket": f"{up} of {len(health['sources'])} sources connected"
        if "sources" in health else "off",
        "kafka": "off" if reading is None else link_state(reading),
        "okx": "REST, asked while those above have no price",
        "mock": "made up, in simulation only"}
    of = f"{prices[0]['symbol']}: " if len(prices) > 1 else ""
    states |= {tier["tier"]: _standing(tier, states[tier["tier"]], of) for tier in tiers}
    rows = [["TIER", "SERVES", "STATE"], *([tier, _some(served[tier]), states[tier]]
                                           for tier in TIERS)]
    colours = ["", YELLOW, YELLOW, RED]
    return Table(rows, [DIM, *(colour if served[tier] else ""
                               for tier, colour in zip(TIERS, colours, strict=True))])


def _standing(tier: Json, state: str, of: str) -> str:
    """state: what is known of the tier without a symbol. of: which one, if there are several."""
    if tier["state"] == "passed over":
        first = "" if tier["tier"] in ("okx", "mock") else f"{state}; "
        return f"{first}{of}passed over, {tier['why']}"
    return str(tier["why"]) if tier["state"] == "off" else state


def record_table(told: Json) -> Table | None:
    """None where nothing is recorded."""
    if not told.get("enabled"):
        return None
    archive = told["archive"] or {}
    states = [] if told["state"] == "recording" else [told["state"]]
    states += [f"archive: {archive['state']}"] if archive.get("state") else []
    rows = [["RECORD", "WAITING", "WRITTEN", "REFUSED", "COMMIT ms", "FILE MB", "FREE MB",
             "ARCHIVED TO", "STATE"],
            ["up" if told["active"] else "NOT recording", f"{told['waiting']}/{told['capacity']}",
             str(told["written"]), str(told["dropped"] + told["rejected"]),
             number(told["commitLastMs"], 3),
             _megabytes(told["fileBytes"], told["walBytes"]), _megabytes(told["freeBytes"]),
             archive.get("lastDay") or "-", "; ".join(states) or "-"]]
    return Table(rows, [DIM, "" if told["active"] and not states else YELLOW],
                 ("ARCHIVED TO", "FILE MB", "COMMIT ms", "FREE MB", "WRITTEN"))


def link_table(links: list[Json]) -> Table | None:
    """None where Kafka is not used."""
    rows = [["KAFKA", "TOPIC", "WAITING", "FOR s", "RECORDS", "STATE"]]
    for link in links:
        counts = ", ".join(f"{count} {name}" for name, count in link["counts"].items() if count)
        rows.append([link["direction"], link["topic"], str(link["waiting"]),
                     f"{link['forMs'] / 1000:.0f}", counts or "-", link_state(link)])
    return Table(rows, [DIM, *("" if link["up"] else YELLOW for link in links)],
                 ("RECORDS", "WAITING", "FOR s")) if links else None


def link_state(link: Json) -> str:
    state = {True: "up", False: "down", None: "connecting"}[link["up"]]
    return state + (f": {link['reason']}" if link["reason"] else "")


def told_story(body: Json) -> Story:
    """Of an incident in the API's JSON, which knows what is served now."""
    incident = incident_of(body)
    at = datetime.fromtimestamp(incident.opened_at, UTC)
    return Story(f"{at:%m-%d %H:%M:%S}  ", printable(story(incident)),
                 "" if incident.closed_at is not None else
                 printable(body.get("advice") or advice(incident.rule)[0]))


def incident_of(body: Json) -> Incident:
    """From the API's JSON."""
    seconds: Callable[[str], float | None] = lambda name: (
        None if body[name] is None else body[name] / 1000)
    return Incident(
        id=body["id"], source=body["source"], symbol=body["symbol"], cause=body["cause"],
        rule=body["rule"], opened_at=body["openedAt"] / 1000, closed_at=seconds("closedAt"),
        duration_ms=body["durationMs"], detected_after_ms=body["detectedAfterMs"],
        switched_after_ms=body["switchedAfterMs"], blackout_ms=body["blackoutMs"],
        price_step_bps=body["priceStepBps"], instance=body["instance"])


def number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}g}"


def _megabytes(*sizes: int | None) -> str:
    return "-" if None in sizes else f"{sum(size or 0 for size in sizes) / 1e6:.1f}"


def _some(names: list[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) + more) or "-"


def _widths(rows: list[list[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]

"""An incident told in words: what it was, what the bot did about it, and what a person can do."""

from collections.abc import Sequence

from bot.incidents.incident import DOWN, LOST, PAUSED, UNRECORDED, Incident
from bot.model import Quote

DRILL = "drill:"
GUIDE = "docs/runbook.md"
# By rule: what to look at, and the section of GUIDE that says more.
ADVICE = {
    "connection": ("Nothing, while another source serves: it connects again by itself. Look at the "
                   "network if all sources are gone.", "source-down"),
    "data": ("Look whether the exchange trades this symbol; it is connected and brings nothing.",
             "source-silent"),
    "silence": ("Nothing, while another source serves. If it stays silent: the status page of the "
                "exchange.", "source-silent"),
    "frozen": ("It repeats what it said before: the status page of the exchange.", "source-silent"),
    "late": ("Its messages come late: the network between here and there, or its status page.",
             "source-late"),
    "latency": ("Its pings are answered late: the network between here and there.", "source-late"),
    "clock": ("Its stamps are off by more than its delay: its status page; if every source says "
              "so, NTP on this machine.", "clock"),
    "disagreement": ("Compare with another venue by hand before you act on its price; it is put "
                     "away and comes back once it agrees again.", "source-put-away"),
    "disputed": ("Act on no price of this symbol until it is trusted again; compare with another "
                 "venue by hand.", "no-trusted-price"),
    "stale": ("All sources are silent or gone: the network of this machine first, then their "
              "status pages.", "no-trusted-price"),
    "synthetic": ("Prices are made up: no source can be reached. The network of this machine "
                  "first.", "no-trusted-price"),
    "none": ("There is no price at all: the network of this machine first, then the status pages "
             "of the exchanges.", "no-trusted-price"),
    DOWN: ("If nobody restarted it: journalctl -u autonomous-bot shows what ended it.", "bot-down"),
    PAUSED: ("Nobody got an answer meanwhile. If nobody stopped it: was the machine suspended, "
             "overloaded or out of memory? journalctl -k, vmstat 1.", "bot-paused"),
    UNRECORDED: ("Prices are not touched. Make room, or mend the disk.", "record"),
    LOST: ("Prices are not touched. Find out who removed or replaced files of the record.",
           "record"),
}
# The same of what is no incident, and told of all the same.
ADVICE_BESIDE = {
    "tier": ("Nothing, while the price is trusted: it returns by itself. If it lasts: what is "
             "wrong with the sources above it.", "tiers"),
    "kafka": ("Prices of the exchanges' own streams are not touched. Look at the brokers, the "
              "topic and the log-in.", "kafka"),
    "record": ("Prices are not touched. Make room, or mend the disk; it catches up by itself.",
               "record"),
    "disk": ("Prices are not touched. Make room before nothing can be recorded.", "record"),
}
# Instead, while there is no trusted price of the symbol from anywhere.
ADVICE_ALONE = {
    "connection": ("No other source serves: the network of this machine first, then the status "
                   "pages of the exchanges. It connects again by itself.", "no-trusted-price"),
    "silence": ("No other source serves: the network of this machine first, then the status pages "
                "of the exchanges.", "no-trusted-price"),
    "tier": ("Act on no price of this symbol until it is trusted again: the network of this "
             "machine first, then what is wrong with the sources above this tier.",
             "no-trusted-price"),
}


def advice(rule: str, is_served: bool = True) -> tuple[str, str]:
    """What a person can do, and the section of GUIDE that says more.

    rule: of an Incident, or a word of ADVICE_BESIDE. is_served: whether the symbol that it is about
    has a trusted price now.
    """
    told = None if is_served else ADVICE_ALONE.get(rule)
    told = told or ADVICE.get(rule) or ADVICE_BESIDE.get(rule)
    return told or ("The log says more: journalctl -u autonomous-bot.", "log")


def duty(going_on: Sequence[Incident], quote: Quote | None) -> tuple[str, str, str]:
    """What a person should do now. going_on: open incidents. quote: what is served.

    Returns: none | info | warning | critical; a sentence; the place in GUIDE, empty if there is
    nothing to do. Of several incidents the worst counts: without a trusted price first, then the
    bot itself, then its sources; what is only a drill after all of them.
    """
    worst = min(going_on, key=_rank, default=None)
    if worst is None:
        if not is_trusted(quote):
            return "warning", "Wait some seconds: there is no trusted price yet.", ""
        return "none", "Nothing to do.", ""
    words, section = advice(worst.rule, is_trusted(quote))
    if is_drill(worst):
        words = f"Nothing: this is a drill. In earnest: {words}"
    severity = "critical" if worst.source is None and worst.symbol is not None else "warning"
    return severity, words, f"{GUIDE}#{section}"


def is_trusted(quote: Quote | None) -> bool:
    return quote is not None and quote.trusted


def _rank(incident: Incident) -> tuple[bool, int]:
    subject = 2 if incident.source is not None else 1 if incident.symbol is None else 0
    return is_drill(incident), subject


def is_drill(incident: Incident) -> bool:
    """Whether somebody rehearsed it."""
    return incident.cause.startswith(DRILL)


def headline(incident: Incident) -> str:
    """What it is or was, in one sentence without its duration and cause."""
    symbols = () if incident.symbol is None else (incident.symbol,)
    return sentence(incident.source, symbols, incident.rule, incident.closed_at is not None)


def sentence(source: str | None, symbols: Sequence[str], rule: str, over: bool) -> str:
    """The same of several incidents that differ in nothing but their symbols."""
    whose = named(symbols)
    if source is not None:
        return f"{source} {'was' if over else 'is'} not fit for {whose}"
    if symbols:
        has = "had" if over else "has" if len(symbols) == 1 else "have"
        return f"{whose} {has} no trusted price"
    if rule == DOWN:
        return "The bot did not run"
    if rule == PAUSED:
        return "The bot stood still"
    if rule == LOST:
        return "Rows of the record are lost"
    return "Rows were not recorded" if over else "Rows are not recorded"


def named(symbols: Sequence[str], most: int = 3) -> str:
    """Symbols in a sentence, however many: BTCUSDT, ETHUSDT, SOLUSDT and 12 more."""
    if len(symbols) <= most:
        return " and ".join(filter(None, (", ".join(symbols[:-1]), *symbols[-1:])))
    return f"{', '.join(symbols[:most])} and {len(symbols) - most} more"


def story(incident: Incident) -> str:
    """The whole of it in some sentences: for how long, why, what the bot did."""
    told = headline(incident)
    if incident.duration_ms is not None:
        told += f" for {lasted(incident.duration_ms)}"
        told += "" if incident.closed_at is not None else " so far"
    if incident.cause != incident.rule:
        told += f": {incident.cause}"
    return " ".join([f"{told}.", *_done(incident)])


def _done(incident: Incident) -> list[str]:
    """What the bot did, sentence by sentence."""
    done = []
    if incident.detected_after_ms is not None:
        done.append(f"Noticed {lasted(incident.detected_after_ms)} after its last good price.")
    if incident.switched_after_ms is not None:
        step = "" if incident.price_step_bps is None else (
            f", at a price {incident.price_step_bps:+.2f} bps away")
        done.append(f"Another source took over {lasted(incident.switched_after_ms)} later{step}.")
        blackout_ms = incident.blackout_ms or 0.0
        done.append(f"Without a trusted price: {lasted(blackout_ms)}." if blackout_ms >= 0.5
                    else "There was a trusted price all the time.")
    return done


def lasted(ms: float) -> str:
    """A duration to what one can grasp: 12 ms, 3.4 s, 2 min 5 s, 3 h 12 min, 2 d 4 h."""
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 59_950:
        return f"{ms / 1000:.1f} s"
    seconds = round(ms / 1000)
    for size, name, less, word in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"),
                                   (60, "min", 1, "s")):
        if seconds >= size:
            return f"{seconds // size} {name} {seconds % size // less} {word}"
    raise AssertionError("a minute is the least that comes here")

"""A whole day of faults in seconds: the product's own judgement of simulated sources.

No thread, no socket and no sleep. Intakes, desk and court are the product's; they are called as
bot.feeds.feed, bot.judging.watchdog and bot.aggregator call them.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Iterator

from bot.errors import SourceError
from bot.events import Publisher
from bot.feeds.intake import Intake
from bot.judging.court import Court
from bot.judging.desk import Desk
from bot.judging.fitness import Policy
from bot.judging.journal import Journal
from bot.judging.watchdog import SHORTEST_S, STOOD_STILL_S, TICK_S
from bot.model import FeedHealth, Opinion, Quote
from tests.chaos.faults import Fault, Schedule
from tests.chaos.market import Market
from tests.chaos.observer import Observer
from tests.chaos.oracle import Oracle
from tests.chaos.voice import EPOCH_S, SYMBOL, Message, Told, Voice, messages
from tests.chaos.wire import Wire

LIMIT_S, MAX_AGE_S, FAILBACK_S = 5.0, 10.0, 10.0
SAMPLE_S = 0.1
RECOVERED_S = 3.0  # of trust without a break, and a simulation ends
LARGE = 0.01  # of the price: a lie that nobody can take for a difference between venues
GIVE_UP_S = 150.0  # after the last fault
NAMES = ("market_data", "source_switch", "source_disconnected", "source_judged", "verdict_changed",
         "doubt", "failover_failed", "source_activated")
WITH_CONNECTION = ("cut", "refuse", "flap", "deaf")

Step = Callable[[float], None]


class Simulation:
    """One schedule, from start to recovery. answers: every price asked for, or why there was none.
    """

    def __init__(
        self, plan: Schedule, journal: Journal | None = None, states_s: float = 60.0
    ) -> None:
        self.plan = plan
        self.now = 0.0
        self.answers: list[Quote | str] = []
        self._queue: list[tuple[float, int, bool, Step]] = []
        self._count = itertools.count()
        self._still_until = 0.0
        self._wall_s = plan.wall_s
        self.end_s = plan.seconds + GIVE_UP_S
        market = Market(plan.venues, self.end_s + 5.0, plan.seed)
        self.market, self.oracle = market, Oracle(market, plan.venues)
        self._chance = random.Random(f"simulation {plan.seed}")
        names = [one.name for one in plan.venues]
        self.policy = Policy(primary=names[0], failover=True, max_latency_s=LIMIT_S,
                             failback_after_s=FAILBACK_S)
        self.desk = Desk(self.policy, plan.resolution, MAX_AGE_S, journal)
        self.publisher = Publisher(NAMES)
        rest = [one.name for one in plan.venues if one.rest]
        self.court = Court(self.desk, self.publisher, rest, self.mono, self.wall, states_s)
        self.wires = {one.name: self._wire(Voice(one, market, plan)) for one in plan.venues}
        self.desk.intakes = {name: wire.intake for name, wire in self.wires.items()}
        self.observer = Observer(plan, self.oracle, market)
        self.publisher.on("source_switch", self.observer.switched)
        self.publisher.on("source_judged", self.observer.accused)
        self.publisher.on("doubt", lambda event: self._ask(event.exchange))

    def mono(self) -> float:
        return self.now

    def wall(self) -> float:
        return EPOCH_S + self.now + self._wall_s

    def run(self) -> Observer:
        for wire in self.wires.values():
            self.later(self._chance.uniform(0.1, 1.0), wire.connect)
            self._send(wire, iter(messages(wire.voice.venue, self.market, self.end_s)))
        for fault in self.plan.faults:
            self._begin(fault)
        self.later(0.0, self._watch(0.0))
        self.later(SAMPLE_S, self._sample)
        while self._queue and self.now < self.end_s:
            self._turn()
            if self.now > self.plan.seconds and self.observer.recovered_for(self.now) > RECOVERED_S:
                break
        self.observer.end(self.now)
        return self.observer

    def later(self, at: float, step: Step, inside: bool = True) -> None:
        """inside: it happens in this process, and so not while that stands still."""
        heapq.heappush(self._queue, (at, next(self._count), inside, step))

    def _turn(self) -> None:
        at, _, inside, step = heapq.heappop(self._queue)
        self.now = max(self.now, at)
        if inside and self.now < self._still_until:
            self.later(self._still_until, step)
        else:
            step(self.now)

    def _wire(self, voice: Voice) -> Wire:
        source = voice.venue.name
        intake = Intake(source, self.desk.store, self.publisher, self.desk.reference,
                        self.mono, self.wall, self.desk.journal)
        return Wire(voice, intake, self.plan.seed, self.later, self._changed)

    def _begin(self, fault: Fault) -> None:
        if fault.source is not None and fault.kind in WITH_CONNECTION:
            wire, at = self.wires[fault.source], fault.start
            while at < fault.end:
                self.later(at, lambda now: wire.lose(now, fault.kind))
                at += fault.value + fault.down_s if fault.kind == "flap" else fault.end
        elif fault.kind == "stall":
            self.later(fault.start, lambda now: self._stall(fault.end), inside=False)
        elif fault.kind == "wall":
            self.later(fault.start, lambda now: self._step_wall(fault.value), inside=False)
            self.later(fault.end, lambda now: self._step_wall(-fault.value), inside=False)

    def _step_wall(self, by_s: float) -> None:
        self._wall_s += by_s

    def _stall(self, end: float) -> None:
        """Who reads wakes up at first, then the feeds, and the watchdog waits for them."""
        self.later(end, self.quote, inside=False)
        self._still_until = max(self._still_until, end)

    def _send(self, wire: Wire, rest: Iterator[Message]) -> None:
        """Plan the venue's next message, and with it the one after it."""
        message = next(rest, None)
        if message is not None:
            self.later(message.at, lambda now: self._sent(wire, message, rest), inside=False)

    def _sent(self, wire: Wire, message: Message, rest: Iterator[Message]) -> None:
        self._send(wire, rest)
        if wire.connected_since is None or wire.voice.on(self.now, "deaf"):
            return
        for told in wire.voice.tell(message):
            self._on_its_way(wire, told)

    def _on_its_way(self, wire: Wire, told: Told) -> None:
        at, epoch = self.now + wire.voice.latency_s() + told.extra_s, wire.epoch
        if not told.unordered:
            at = wire.arrives_at = max(at, wire.arrives_at)
        self.later(at, lambda now: self._arrive(wire, told, epoch))

    def _arrive(self, wire: Wire, told: Told, epoch: int) -> None:
        if epoch != wire.epoch or wire.connected_since is None:
            return
        update = told.update(wire.source, int(self.wall() * 1000), self.now)
        self.oracle.note(update, told)
        wire.take(update, self.now)
        if told.message.symbol == SYMBOL:
            off = abs(told.price / told.message.tick.price - 1.0)
            believable = told.false and told.origin is not None  # a false stamp is refused
            self.observer.heard(wire.source, believable and off > LARGE, self.now)
            if told.false:
                self.quote(self.now)

    def _changed(self, wire: Wire, now: float) -> None:
        """A connection was made or lost: the watchdog is woken."""
        if wire.connected_since is None:
            self.observer.lost(wire.source, now)
        elif wire.voice.venue.shape == "okx":
            self._first_push(wire)
        self.quote(now)
        self.judge(now)

    def _first_push(self, wire: Wire) -> None:
        """The last known state, which may be old."""
        tick = self.market.tick(wire.source, self.now)
        for message in (Message(tick.at, "ticker", tick), Message(tick.at, "trade", tick)):
            for told in wire.voice.tell(message):
                self._on_its_way(wire, told)

    def _watch(self, planned: float) -> Step:
        """The watchdog's next turn, planned for then."""
        def turn(now: float) -> None:
            if now - planned > STOOD_STILL_S:
                self.later(now + TICK_S, self._watch(now + TICK_S))
                return
            at = now + max(SHORTEST_S, min(TICK_S, self.judge(now)))
            self.later(at, self._watch(at))
        return turn

    def judge(self, now: float) -> float:
        """As the aggregator does. Returns: seconds until the next judgement is due."""
        due_s = self.court.sit((SYMBOL,), self._healths)
        case = self.desk.case(SYMBOL, self._healths(), now)
        self.observer.judged(now, case, self.wires)
        self.quote(now)
        return due_s

    def quote(self, now: float) -> None:
        """A reader asks."""
        quote: Quote | None = None
        try:
            quote = self.desk.asked(SYMBOL, self._healths, self.mono)
        except SourceError as error:
            self.answers.append(str(error))
        else:
            self.answers.append(quote)
        self.observer.quoted(now, quote)

    def _sample(self, now: float) -> None:
        self.quote(now)
        self.later(now + SAMPLE_S, self._sample)

    def _ask(self, exchange: str) -> None:
        """A question to a REST API, which is there after half of the time that it takes."""
        asked, took_s = self.now, self._chance.uniform(0.05, 0.3)
        opinion = self.wires[exchange].voice.opinion(asked + took_s / 2)
        if opinion is not None:
            self.later(asked + took_s, lambda now: self._hear(opinion))

    def _hear(self, opinion: Opinion) -> None:
        self.desk.opine(opinion)
        self.judge(self.now)

    def _healths(self) -> list[FeedHealth]:
        return [wire.health(self.now) for wire in self.wires.values()]

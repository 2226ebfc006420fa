"""Looks at the running bot: all that `status` shows, asked at once."""

from typing import Any
from urllib.parse import quote

import msgspec

from bot.config import Config
from bot.errors import named
from bot.verbs.calling import ask
from bot.verbs.tables import (
    Story, Table, health_line, link_table, price_table, record_table, source_table, tier_table,
    told_story)

Json = dict[str, Any]
MOST_EXPLAINED = 4  # symbols: each costs a question
MOST_INCIDENTS = 5


class Look(msgspec.Struct, frozen=True):
    """What the bot told. explained: by symbol, of the first ones; nothing where it cannot. tiers:
    of the first symbol.
    """

    health: Json
    prices: list[Json]
    kafka: list[Json]
    record: Json
    incidents: list[Json]
    explained: dict[str, Json]
    tiers: list[Json] = []

    def told(self) -> Json:
        """For scripts."""
        return {"health": self.health, "prices": self.prices, "kafka": self.kafka,
                "record": self.record, "incidents": self.incidents, "explain": self.explained,
                "tiers": self.tiers}

    @property
    def sources(self) -> Table | None:
        """None with the feeds switched off."""
        return source_table(self.health, self.explained) if "sources" in self.health else None

    @property
    def parts(self) -> list[Table]:
        """Tiers, Kafka, the record: what is in use of them."""
        found = (tier_table(self.prices, self.health, self.kafka, self.tiers),
                 link_table(self.kafka), record_table(self.record))
        return [table for table in found if table is not None]

    @property
    def headline(self) -> str:
        return health_line(self.health)

    @property
    def stories(self) -> list[Story]:
        """The newest first."""
        return [told_story(body) for body in self.incidents]


def look(config: Config) -> Look:
    """Raises: requests.RequestException, ValueError for answers that are not the bot's, or those of
    a version that cannot be read.
    """
    try:
        found = _asked(config)
        # so that who shows it need fear nothing
        price_table(found.prices), found.sources, found.parts, found.stories
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"the answer is not this version's ({named(error)})") from error
    return found


def _asked(config: Config) -> Look:
    health = ask(config, "/api/websocket/health")
    prices = ask(config, "/api/v1/prices").get("prices", [])
    return Look(
        health, prices,
        ask(config, "/api/v1/kafka").get("links", []), ask(config, "/api/v1/recorder"),
        ask(config, f"/api/v1/incidents?limit={MOST_INCIDENTS}").get("incidents", []),
        {price["symbol"]: told for price in prices[:MOST_EXPLAINED]
         if (told := _explained(config, price["symbol"]))},
        ask(config, "/api/v1/board").get("tiers", []))


def _explained(config: Config, symbol: str) -> Json | None:
    body = ask(config, f"/api/v1/prices/{quote(symbol, safe='')}?explain=true")
    told: Json | None = body.get("explain")
    return told

"""Prices: what the bot is for."""

from collections.abc import Sequence
from bot.causes import RULES, TIERS
from bot.model import STATUSES
from bot.web.openapi.answers import (
    AS_URI, COMMON, INSTANCE, PROBLEMS, in_path, ok, operation, query, refusal,
)
from bot.web.openapi.process import REASONS
from bot.web.openapi.shapes import (
    BOOLEAN, COUNT, NUMBER, POSITIVE, SIZE, TEXT, Json, array, moment, or_null, ref, strict,
    with_words, words,
)

TAG = "prices"
STATUS = words(*STATUSES)
ANY_SPELLING = "Other spellings, such as `btc-usdt` or `BTC/USDT`, mean the same."
MOST_MS = 999_999_999_999

PRICE: dict[str, Json] = {
    "symbol": TEXT, "price": POSITIVE, "bid": or_null(POSITIVE), "ask": or_null(POSITIVE),
    "volume": or_null(SIZE), "source": words(*TIERS, about="The tier that gave it."),
    "exchange": or_null(TEXT, "Whose price it is; null for an average, and for what is made up."),
    "exchanges": array(TEXT, "Those that an average is made of; only there."),
    "timestamp": or_null(moment("the exchange's stamp")),
    "receivedAt": moment("when this machine received it"),
    "ageMs": COUNT | {"description": "ms since the price was current."},
    "synthetic": BOOLEAN | {"description": "Made up: no real source has a price."},
    "trusted": BOOLEAN | {"description": "Act on nothing else."},
    "reason": TEXT, "instance": INSTANCE, "status": STATUS,
    "confidence": or_null(SIZE, "How far from the truth it may be, in price units."),
    "sourcesUsed": array(TEXT, "Whom that rests on."),
}
LEG: dict[str, Json] = {
    "source": TEXT, "kind": words("stream", "rest"),
    **dict.fromkeys(("price", "bid", "ask"), or_null(POSITIVE)),
    "ageMs": or_null(NUMBER, "ms since the price was current."),
    "lagMs": or_null(NUMBER, "ms; of its newest message, above what is usual."),
    "offsetMs": or_null(NUMBER, "ms; how far our clock is ahead of its stamps."),
    "low": or_null(NUMBER, "It holds the price to be above this,"),
    "high": or_null(NUMBER, "and below this, freed of what it usually differs from the others."),
    "basisBps": or_null(NUMBER, "1/10,000; what it usually differs."),
    "noiseBps": or_null(SIZE, "1/10,000; how much that varies."),
    "held": or_null(POSITIVE, "A price of it that is doubted, and so not the leg's."),
    "accepted": BOOLEAN,
    "rule": words("agrees", "alone", *RULES, "age", about="That took or refused it."),
    "words": with_words(TEXT, "The same in words."),
    "backInMs": or_null(SIZE, "ms until it may be let back at the earliest; null: it is not put "
                        "away."),
}

SCHEMAS: dict[str, Json] = {
    "Price": strict(PRICE, maybe=("exchanges",)),
    "ExplainedPrice": strict(PRICE | {"explain": ref("Explanation")},
                             maybe=("exchanges", "explain")),
    "NoPrice": strict({"symbol": TEXT, "price": {"type": "null"}, "reason": TEXT,
                       "reasons": REASONS, "instance": INSTANCE}),
    "Prices": strict({"prices": array({"oneOf": [ref("Price"), ref("NoPrice")]}),
                      "instance": INSTANCE, "timestamp": moment("of this answer")}),
    "Explanation": strict({
        "activeSource": or_null(TEXT),
        "activeBecause": with_words(TEXT, "`in place of X: ` leads in what X was left for."),
        "agreeing": array(TEXT), "outside": array(TEXT),
        "majority": BOOLEAN | {"description": "Those that agree outvote the others."},
        "legs": array(ref("Leg"))}, "What the price rests on."),
    "Leg": strict(LEG, "What one exchange says, and the rule that took or refused it."),
    "NoPricesProblem": strict({**PROBLEMS, "reason": TEXT, "prices": array(ref("NoPrice")),
                               **AS_URI}),
}


def paths(symbols: Sequence[str]) -> Json:
    max_age = query("max_age_ms", {"type": "integer", "minimum": 0, "maximum": MOST_MS},
                    "Only a trusted real price that is not older, else 503.")
    explain = query("explain", {"type": "boolean", "default": False},
                    "And every leg that it rests on.")
    return {
        "/api/v1/prices": {"get": operation(
            "prices", "The price of every symbol", {
                "200": ok(ref("Prices"), "At least one has a price."), **COMMON,
                "503": refusal("None has a price that will do.", "NoPricesProblem")},
            parameters=[max_age], tag=TAG)},
        "/api/v1/prices/{symbol}": {"get": operation(
            "price", "One price", {
                "200": ok(ref("ExplainedPrice")), **COMMON, "404": refusal("No such symbol here."),
                "503": refusal("No price that will do.", "NoPriceProblem")},
            parameters=[in_path("symbol", words(*symbols), ANY_SPELLING), max_age, explain],
            about="The chain is asked at the moment of the request.", tag=TAG)},
    }

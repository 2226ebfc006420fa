"""The exchanges' streams under /api/websocket/, whose errors are `{"error": ...}`; and /ws."""

from bot.web.openapi.alerts import SEVERITIES
from bot.web.openapi.answers import (
    CHALLENGE, COMMON, FOREIGN, INSTANCE, JSON, ok, operation, refusal, reply,
)
from bot.web.openapi.shapes import (
    BOOLEAN, COUNT, POSITIVE, SIZE, TEXT, Json, array, moment, or_null, ref, strict, words,
)

TAG = "sources"
ACTIVE = or_null(TEXT, "The active source of the first symbol; null while none is fit.")
FROM_TO = {"from": or_null(TEXT), "to": or_null(TEXT)}

SCHEMAS: dict[str, Json] = {
    "Source": strict({
        "exchange": TEXT, "connected": BOOLEAN,
        "latency": or_null(COUNT, "ms; round trip of the last ping."),
        "lastUpdate": or_null(moment("receipt of its last update")),
        "messagesReceived": COUNT | {"description": "Normalised updates since the start."},
        "errors": COUNT}),
    "Health": strict({
        "healthy": BOOLEAN | {"description": "Whether the active source is fresh."},
        "activeSource": ACTIVE, "connectedSources": COUNT, "totalSources": COUNT,
        "sources": array(ref("Source"), "In the order of EXCHANGES."),
        "updateCount": COUNT | {"description": "The sum of messagesReceived."},
        "lastUpdate": or_null(moment("the latest of those of the sources")),
        "instance": INSTANCE, "timestamp": moment("of this answer")}),
    "Sources": strict({"sources": array(ref("Source"))}),
    "ActiveSource": strict({"activeSource": ACTIVE, "instance": INSTANCE,
                            "timestamp": moment("of this answer")}),
    "Error": strict({"error": TEXT}),
    "FeedsOff": strict({"error": words("WebSocket not enabled"),
                        "enabled": {"type": "boolean", "const": False}}),
    "WebsocketUpdate": strict({"type": words("websocket_update"), "data": strict({
        "exchange": TEXT, "symbol": TEXT, "price": POSITIVE, "volume": or_null(SIZE),
        "bid": or_null(POSITIVE), "ask": or_null(POSITIVE),
        "timestamp": or_null(moment("the exchange's stamp")),
        "updateType": words("trade", "ticker", "orderbook")})}),
    "Alert": strict({"type": words("alert"), "data": strict({
        "severity": words(*SEVERITIES), "message": TEXT, **FROM_TO,
        "reason": TEXT, "timestamp": moment("when it happened")})},
        "Another source is active, or another tier serves."),
    "HealthUpdate": strict({"type": words("health_update"), "data": ref("Health")}),
}


def _error(about: str) -> Json:
    return ok(ref("Error"), about)


def _answers(schema: str, off: str = "Error") -> dict[str, Json]:
    return {
        "200": ok(ref(schema)), "400": _error("The request is addressed to another host."),
        "401": reply(COMMON["401"]["description"], {JSON: ref("Error")}, CHALLENGE),
        "503": ok(ref(off), "The feeds are switched off (ENABLE_WEBSOCKET_FEEDS)."),
    }


def paths() -> Json:
    return {
        "/api/websocket/health": {"get": operation(
            "health", "Whether the active source is fresh, and the state of every source",
            _answers("Health", "FeedsOff"), tag=TAG)},
        "/api/websocket/sources": {"get": operation(
            "sources", "The state of every source", _answers("Sources"), tag=TAG)},
        "/api/websocket/active-source": {"get": operation(
            "activeSource", "The active source of the first symbol", _answers("ActiveSource"),
            tag=TAG)},
        "/ws": {"get": operation(
            "ws", "What happens, as it happens", {
                "101": reply("WebSocket from now on; each text frame is one of these.", {
                    JSON: {"oneOf": [ref("WebsocketUpdate"), ref("Alert"), ref("HealthUpdate")]}}),
                "400": refusal("It is no upgrade to WebSocket, or addressed to another host."),
                "401": COMMON["401"], "403": refusal(f"{FOREIGN}.")},
            about="A handshake of WebSocket (RFC 6455). Of each (exchange, symbol, type) a client "
                  "gets the newest value, at most 20 times a second; one that does not read is "
                  "dropped.", tag=TAG)},
    }

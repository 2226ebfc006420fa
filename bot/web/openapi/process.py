"""What describes the bot itself: what there is, whether it works, what it is described by."""

from bot.web.openapi.answers import (
    AS_URI, COMMON, ETAG, INSTANCE, PROBLEMS, SAME, ok, operation, refusal, reply,
)
from bot.web.openapi.shapes import TEXT, Json, array, mapping, ref, strict, words

TAG = "process"
OPENMETRICS = "application/openmetrics-text"
REASONS = mapping(TEXT, "Why each tier was passed over, in the order in which they are asked.")

SCHEMAS: dict[str, Json] = {
    "Index": strict({"name": words("autonomous-bot"), "version": TEXT, "instance": INSTANCE,
                     "endpoints": array(TEXT, "Every route.")}),
    "Alive": strict({"status": words("ok"), "instance": INSTANCE}),
    "Ready": strict({"status": words("ready"), "symbol": TEXT, "source": TEXT, "reason": TEXT,
                     "instance": INSTANCE}),
    "Problem": strict({**PROBLEMS, **AS_URI}, "Problem details (RFC 9457)."),
    "NoPriceProblem": strict(
        {**PROBLEMS, "symbol": TEXT, "reason": TEXT, "reasons": REASONS,
         "explain": ref("Explanation"), **AS_URI},
        "Problem details of a symbol without a price that will do.", maybe=("explain",)),
}


def paths() -> Json:
    return {
        "/api": {"get": operation(
            "index", "What there is to be asked", {"200": ok(ref("Index")), **COMMON}, tag=TAG)},
        "/openapi.json": {"get": operation(
            "description", "This description",
            {"200": ok({"type": "object"}, "An OpenAPI 3.1 document.", ETAG),
             "304": SAME, **COMMON}, tag=TAG)},
        "/healthz": {"get": operation(
            "healthz", "Whether the process works", {
                "200": ok(ref("Alive")), "400": COMMON["400"]},
            tag=TAG, open_to_all=True)},
        "/readyz": {"get": operation(
            "readyz", "Whether the first symbol has a trusted real price", {
                "200": ok(ref("Ready")), **COMMON,
                "503": refusal("It has none.", "NoPriceProblem")}, tag=TAG)},
        "/metrics": {"get": operation(
            "metrics", "Every metric, for Prometheus", {
                "200": reply("In the text format; in that of OpenMetrics for who asks for it by "
                             "`Accept`.", {"text/plain": TEXT, OPENMETRICS: TEXT}), **COMMON},
            about="What each means: docs/metrics.md.", tag=TAG)},
    }

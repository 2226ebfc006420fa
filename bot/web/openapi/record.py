"""The recorder, Kafka, and the snapshot."""

from bot.web.openapi.answers import (
    COMMON, FOREIGN, INSTANCE, POSTED, header, ok, operation, refusal,
)
from bot.web.openapi.shapes import (
    BOOLEAN, COUNT, SIZE, TEXT, Json, array, mapping, moment, or_null, ref, strict, words,
)

TAG = "record"
NOW = moment("of this answer")
RETRY = {"Retry-After": header("s; when it is worth asking again.", TEXT)}
RECORD_FAULTS = {
    "503": refusal("Nothing can be told of the record now; or too many ask at once.",
                   headers=RETRY),
    "504": refusal("It took too long, and was given up."),
}

SCHEMAS: dict[str, Json] = {
    "Kafka": strict({"enabled": BOOLEAN, "links": array(ref("Link")), "instance": INSTANCE,
                     "timestamp": NOW}),
    "Link": strict({
        "topic": TEXT, "direction": words("read", "write"),
        "up": or_null(BOOLEAN, "null: not known yet."), "reason": or_null(TEXT),
        "forMs": COUNT, "waiting": COUNT,
        "counts": mapping(COUNT, "What became of the records.")}),
    "Recorder": strict({
        "enabled": {"type": "boolean", "const": True},
        "active": BOOLEAN | {"description": "The last write went well."}, "state": TEXT,
        "diskLow": BOOLEAN, "waiting": COUNT | {"description": "Rows."}, "capacity": COUNT,
        "written": COUNT, "dropped": COUNT, "rejected": COUNT,
        "lastCommitAt": or_null(moment("of the last commit")),
        "commitLastMs": or_null(SIZE), "commitP99Ms": or_null(SIZE), "commitMaxMs": or_null(SIZE),
        "lostWindowMs": COUNT | {"description": "So much a kill would lose."},
        "fileBytes": or_null(COUNT), "walBytes": or_null(COUNT), "freeBytes": or_null(COUNT),
        "archive": or_null(ref("Archive")), "instance": INSTANCE, "timestamp": NOW}),
    "RecorderOff": strict({"enabled": {"type": "boolean", "const": False}, "instance": INSTANCE,
                           "timestamp": NOW}),
    "Archive": strict({"lastDay": or_null({"type": "string", "format": "date"}),
                       "state": or_null(TEXT, "What it could not do.")}),
    "Snapshot": strict({
        "instance": INSTANCE, "file": TEXT | {"description": "On the bot's machine."},
        "takenAt": moment("what it holds is of"), "tookMs": SIZE, "bytes": COUNT}),
}


def paths() -> Json:
    return {
        "/api/v1/kafka": {"get": operation(
            "kafka", "Whether each topic can be read or written",
            {"200": ok(ref("Kafka")), **COMMON}, tag=TAG)},
        "/api/v1/recorder": {"get": operation(
            "recorder", "Whether it is being recorded, and how much a kill would lose",
            {"200": ok({"oneOf": [ref("Recorder"), ref("RecorderOff")]}), **COMMON}, tag=TAG)},
        "/api/v1/snapshot": {"post": operation(
            "takeSnapshot", "Copy the record, for another process to open",
            {"200": ok(ref("Snapshot")), **POSTED, "403": refusal(f"{FOREIGN}."),
             **RECORD_FAULTS}, body=strict({}), tag=TAG)},
    }

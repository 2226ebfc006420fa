"""The recorder, Kafka, and the snapshot."""

from bot.web.openapi.answers import (
    COMMON, FOREIGN, INSTANCE, POSTED, header, ok, operation, refusal,
)
from bot.web.openapi.shapes import (
    BOOLEAN, COUNT, SIZE, TEXT, Json, array, mapping, moment, or_null, ref, strict, with_words,
    words,
)

TAG = "record"
NOW = moment("of this answer")
RETRY = {"Retry-After": header("s; when it is worth asking again.", TEXT)}
RECORD_FAULTS = {
    "503": refusal("Nothing can be told of the record now; or too many ask at once.",
                   headers=RETRY),
    "504": refusal("It took too long, and was given up; perhaps the archive is on a share that "
                   "hangs."),
}

RECORDING: dict[str, Json] = {
    "enabled": {"type": "boolean", "const": True},
    "active": with_words(BOOLEAN, "The last write went well."),
    "state": with_words(TEXT, "How it is, or why it is not active."),
    "diskLow": BOOLEAN, "waiting": with_words(COUNT, "Rows that are not committed yet."),
    "capacity": with_words(COUNT, "So many rows may wait."),
    "written": with_words(COUNT, "Rows since the start."),
    "dropped": with_words(COUNT, "Rows refused, for too many waited."),
    "rejected": with_words(COUNT, "Rows refused for a value in them."),
    "losses": with_words(COUNT, "Times that what had been stored was found to be missing."),
    "lastCommitAt": or_null(moment("of the last commit")),
    "commitLastMs": or_null(SIZE, "ms; how long the last one took."),
    "commitP99Ms": or_null(SIZE, "ms; of the last five minutes."),
    "commitMaxMs": or_null(SIZE, "ms; of the last five minutes."),
    "lostWindowMs": with_words(COUNT, "ms; so much a kill would lose."),
    "fileBytes": or_null(COUNT), "walBytes": or_null(COUNT),
    "freeBytes": or_null(COUNT, "On its disk."),
    "archive": or_null(ref("Archive"), "null: none is kept."),
}
OFF: dict[str, Json] = {"enabled": {"type": "boolean", "const": False}}
RECORDER: Json = {"oneOf": [ref("Recording"), ref("NotRecording")]}

SCHEMAS: dict[str, Json] = {
    "Kafka": strict({"enabled": BOOLEAN, "links": array(ref("Link")), "instance": INSTANCE,
                     "timestamp": NOW}),
    "Link": strict({
        "topic": TEXT, "direction": words("read", "write"),
        "up": or_null(BOOLEAN, "null: not known yet."),
        "reason": or_null(TEXT, "Why it is not up."),
        "forMs": with_words(COUNT, "ms; so long it has been so."),
        "waiting": with_words(COUNT, "Records not read, or not acknowledged yet."),
        "counts": mapping(COUNT, "What became of the records.")}),
    "Recorder": strict(RECORDING | {"instance": INSTANCE, "timestamp": NOW}),
    "RecorderOff": strict(OFF | {"instance": INSTANCE, "timestamp": NOW}),
    "Recording": strict(RECORDING), "NotRecording": strict(OFF),
    "Archive": strict({
        "lastDay": or_null({"type": "string", "format": "date"}, "The newest that left the file."),
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

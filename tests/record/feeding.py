"""A process that records on a disk with faults, and tells how it goes.

    python -m tests.record.feeding FILE

Every 20 ms a line of JSON: rows handed over, the longest that this ever took, and the recorder's
status. When stdin ends it stops the recorder and ends.
"""

import json
import sys
import threading
import time
from pathlib import Path

import msgspec

from bot.record import vitals
from bot.record.opening import SETTINGS
from bot.record.recorder import Recorder
from tests.record.test_recorder import update

RATE = 1_000


def main(path: Path) -> None:
    vitals.SLOW_S = 0.4
    SETTINGS["checkpoint_threshold"] = "200KB"
    recorder = Recorder(path, "primary", commit_interval_s=0.05, retry_cap_s=0.2)
    over = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    recorder.start()
    number, longest, began = 0, 0.0, time.monotonic()
    while not over.wait(0.005):
        turn = time.perf_counter()
        while number < (time.monotonic() - began) * RATE:
            recorder.keep(update(number))
            number += 1
        if number % 20 == 0:
            told = msgspec.structs.asdict(recorder.status())
            print(json.dumps(told | {"put": number, "longest": longest}), flush=True)
        longest = max(longest, time.perf_counter() - turn)
    recorder.stop()
    ended = recorder.join(20)
    print(json.dumps({"put": number, "ended": ended, "waiting": recorder.pending}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The bot as these tests run it: three exchanges, the third of them under a borrowed name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.sandbox.server import Sandbox
from tests.processes import Daemon, daemon

SHAPES = {"binance": "binance", "okx": "okx", "third": "binance"}
# As one more row in ALL would: there are only two exchanges so far.
PROGRAM = """
import sys
from bot.exchanges import ALL, binance
from tests.chaos.sockets import Alias
ALL["third"] = Alias("third", binance)
from bot.__main__ import main
sys.exit(main([]))
"""


def settings(sandbox: Sandbox, **more: str) -> dict[str, str]:
    return sandbox.environment() | {
        "ENABLE_WEBSOCKET_FEEDS": "true", "EXCHANGES": "binance,okx,third",
        "TRADING_SYMBOL": "BTCUSDT,ETHUSDT", "POLL_INTERVAL": "200", "MAX_SOURCE_LATENCY": "1500",
        "MAX_PRICE_AGE": "3000", "FAILBACK_AFTER": "1000", "HEALTH_CHECK_INTERVAL": "1000",
        "INSTANCE_ID": "watched"} | more


@contextmanager
def running(folder: Path, sandbox: Sandbox, **more: str) -> Iterator[Daemon]:
    with daemon(folder, settings(sandbox, **more), program=("-c", PROGRAM)) as bot:
        bot.wait_for("BTCUSDT is served from websocket")
        yield bot

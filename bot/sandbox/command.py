"""`python -m bot sandbox`: runs the practice exchanges, or throws switches on the running ones."""

import argparse
import json
import signal
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bot.sandbox.control import explained
from bot.sandbox.faults import FAULTS
from bot.sandbox.market import VOLATILITY
from bot.sandbox.port import LOOPBACK
from bot.sandbox.server import SIDES, Sandbox

CONTROL_PORT = 9100
PORTS = {"binance": 9101, "okx": 9102, "binance-rest": 9103, "okx-rest": 9104}
FAILED, PORT_TAKEN, BAD_SETTINGS = 1, 69, 78
TIMEOUT_S = 5.0
EPILOG = """\
examples:
  python -m bot sandbox
  python -m bot sandbox --rate 4 --symbols BTCUSDT,SOLUSDT
  python -m bot sandbox throw binance silence --seconds 20
  python -m bot sandbox throw okx rest_reject 451
  python -m bot sandbox faults
  python -m bot sandbox heal okx

It prints the settings that point a bot at it. `make demo` runs both together.

exit codes: 0 ended, or the switch was thrown; 1 no sandbox runs, or it refuses; 2 wrong arguments;
69 a port is taken; 78 what was asked for cannot be
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    _add_control_port(parser, CONTROL_PORT)
    for name, number in PORTS.items():
        parser.add_argument(f"--{name}-port", type=int, default=number, metavar="PORT",
                            help="default %(default)s; 0: any free one")
    parser.add_argument("--ports", default="", metavar="NAME=PORT,...",
                        help="of further exchanges, as in third=9105,third-rest=9106; any free one"
                             " where none is given")
    parser.add_argument("--exchanges", default="binance,okx", metavar="NAME[:SHAPE],...",
                        help="as in binance,okx,third:binance; the shapes are "
                             + " and ".join(SIDES) + " (default %(default)s)")
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT", help="default %(default)s")
    parser.add_argument("--rate", type=float, default=20.0,
                        help="trades per second on each exchange (default %(default)g)")
    parser.add_argument("--volatility", type=float, default=VOLATILITY, metavar="SHARE",
                        help="standard deviation of one second's move, as a share of the price"
                             " (default %(default)g)")
    parser.add_argument("--seed", type=int, default=1, help="of the random walk")
    parser.add_argument("--play", metavar="FILE",
                        help="a record (.jsonl, .jsonl.gz) for its exchange instead of the walk")
    parser.add_argument("--speed", type=float, default=1.0,
                        help="how many times as fast the record is played; 0: at once")
    parser.add_argument("--loop", action="store_true", help="play the record again and again")
    verbs = parser.add_subparsers(dest="switch", metavar="throw|heal|faults",
                                  help="act on the sandbox that is running")
    throw = verbs.add_parser("throw", help="make something go wrong", epilog="; ".join(
        f"{name}: {explained(name)}" for name in FAULTS))
    throw.add_argument("exchange")
    throw.add_argument("fault")
    throw.add_argument("value", nargs="?")
    throw.add_argument("--seconds", type=float, help="heal by itself after so long")
    heal = verbs.add_parser("heal", help="end what was thrown")
    heal.add_argument("exchange", nargs="?")
    heal.add_argument("fault", nargs="?")
    faults = verbs.add_parser("faults", help="show what is on and what there is")
    for verb in (throw, heal, faults):
        _add_control_port(verb, argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Runs until SIGINT or SIGTERM, or does the one thing asked for. Returns: the exit code."""
    if args.switch:
        return _switch(args)
    try:
        sandbox = Sandbox(
            _words(args.symbols), exchanges=_exchanges(args.exchanges), rate=args.rate,
            volatility=args.volatility, seed=args.seed, ports=_ports(args),
            control_port=args.control_port, play=args.play, speed=args.speed, loop=args.loop,
        )
    except (ValueError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return BAD_SETTINGS
    with _stop_signal() as asked:
        try:
            sandbox.start()
        except OSError as error:
            print(f"sandbox: a port is taken: {error}; choose others (--help)", file=sys.stderr)
            return PORT_TAKEN
        try:
            print(_greeting(sandbox), flush=True)
            asked.wait()
        finally:
            sandbox.stop()
    return 0


def _add_control_port(parser: argparse.ArgumentParser, default: Any) -> None:
    parser.add_argument("--control-port", type=int, default=default, metavar="PORT",
                        help=f"default {CONTROL_PORT}")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _exchanges(text: str) -> dict[str, str]:
    """Name -> shape. Raises: ValueError for a name that stands there twice."""
    pairs = [word.partition(":") for word in _words(text)]
    shapes = {name: shape or name for name, _, shape in pairs}
    if len(shapes) < len(pairs):
        raise ValueError(f"--exchanges: a name stands there twice: {text}")
    return shapes


def _ports(args: argparse.Namespace) -> dict[str, int]:
    """Raises: ValueError for what is no number."""
    ports = {name: getattr(args, f"{name}-port".replace("-", "_")) for name in PORTS}
    pairs = (word.partition("=") for word in _words(args.ports))
    return ports | {name: int(number) for name, _, number in pairs}


def _greeting(sandbox: Sandbox) -> str:
    settings = [f"{name}={value}" for name, value in sandbox.environment().items()]
    faults = [f"  {name:10} {explained(name)}" for name in FAULTS]
    return "\n".join([
        "Practice exchanges are up. Settings for the bot:", *settings, "",
        "Faults, with: python -m bot sandbox throw okx silence [VALUE] [--seconds S]", *faults,
        "End them with: python -m bot sandbox heal [okx]",
        f"Over HTTP: {sandbox.control_url}/faults",
    ])


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Set by SIGINT and SIGTERM while the context lasts."""
    asked = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in signals}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _switch(args: argparse.Namespace) -> int:
    if args.switch == "faults":
        request = _request(args, "GET")
    elif args.switch == "throw":
        asked = {name: getattr(args, name) for name in ("exchange", "fault", "value", "seconds")}
        request = _request(args, "POST", body=json.dumps(asked).encode())
    else:
        wanted = {name: getattr(args, name) for name in ("exchange", "fault")}
        query = urllib.parse.urlencode({name: value for name, value in wanted.items() if value})
        request = _request(args, "DELETE", query)
    # Loopback must not go through a proxy that the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            state = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            print(f"sandbox: {json.load(error)['error']}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"sandbox: none is running at {request.full_url}: {error}", file=sys.stderr)
        return FAILED
    _print_state(state, everything=args.switch == "faults")
    return 0


def _request(
    args: argparse.Namespace, method: str, query: str = "", body: bytes | None = None
) -> urllib.request.Request:
    url = f"http://{LOOPBACK}:{args.control_port}/faults" + (query and f"?{query}")
    return urllib.request.Request(url, data=body, method=method)


def _print_state(state: dict[str, Any], everything: bool) -> None:
    for exchange, faults in state["on"].items():
        named = [name if fault["value"] is None else f"{name} {fault['value']}"
                 for name, fault in faults.items()]
        print(f"{exchange}: {', '.join(named) or 'healthy'}")
    if everything:
        for name, explanation in state["known"].items():
            print(f"  {name:10} {explanation}")

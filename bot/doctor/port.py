"""The port of the API: free, our own bot's, or a stranger's."""

import dataclasses
import errno
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

import requests

from bot.config import Config
from bot.doctor.finding import Finding, Report, fail, ok, warn
from bot.doctor.processes import Listener, listener
from bot.doctor.rounds import Check
from bot.verbs.calling import call, read
from bot.worker import Deadline

NAME = "api"
SECONDS = 8.0
REMEDY = "whoever listens there takes connections and does not answer: ss -ltnp shows who"
ANSWER_S = 2.0


def port_checks(config: Config) -> Iterator[Check]:
    yield Check(NAME, "", partial(look, config), SECONDS, REMEDY)


def look(config: Config, deadline: Deadline) -> Report:
    return Report((_found(config),))


def _found(config: Config) -> Finding:
    host, subject = config.api_host.strip("[]"), f"{config.api_host}:{config.api_port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            # With SO_REUSEADDR, as the server has it, Linux refuses a port only for the sake of
            # one that listens there. This one never does, so a bot that starts now gets its port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, config.api_port))
        except socket.gaierror as error:
            return fail(NAME, subject, f"is no address of this machine: {error.strerror}",
                        "set API_HOST to 127.0.0.1, 0.0.0.0 or one that `ip addr` shows")
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return _taken(config, subject)
            return fail(NAME, subject, f"cannot be listened on: {error.strerror}", _remedy(error))
    return ok(NAME, subject, "is free: no bot runs with these settings")


def _remedy(error: OSError) -> str:
    if error.errno == errno.EACCES:
        return "ports below 1024 are for root: set API_PORT to a higher one"
    return "set API_HOST to 127.0.0.1, 0.0.0.0 or one that `ip addr` shows"


def _taken(config: Config, subject: str) -> Finding:
    who = listener(config.api_port)
    try:
        return _answering(config, subject, who.words)
    except requests.Timeout:
        return _silent(subject, who)


def _silent(subject: str, who: Listener) -> Finding:
    """A bot that hangs is not to be taken for a stranger."""
    hangs = f"is taken by {who.words}, which gives no answer within {ANSWER_S:g} s"
    dump = f"`py-spy dump --pid {who.pid or 'PID'}`"
    look = f"look at journalctl -u autonomous-bot and {dump}, then restart it"
    if who.is_bot:
        return fail(NAME, subject, f"{hangs}: a bot that hangs", look)
    return fail(NAME, subject, hangs, f"if it is the bot, {look}; if not, end it, or set API_PORT "
                "to another one")


def _answering(config: Config, subject: str, who: str) -> Finding:
    """Raises: requests.Timeout."""
    # not with the token, which is nobody's business until it is known who listens there
    alive = _asked(dataclasses.replace(config, api_token=None), "/healthz")
    if alive is None or alive.get("status") != "ok" or "instance" not in alive:
        return fail(NAME, subject, f"is taken by {who}, which is not the bot",
                    "end it, or set API_PORT to another one")
    bot = f"our own bot {alive['instance']!r} answers here ({who})"
    told = _asked(config, "/api/v1/prices")
    if told is None or "prices" not in told:
        return fail(NAME, subject, f"{bot}, but not to these settings",
                    "set API_TOKEN here as it is set there")
    prices = [_served(price) for price in told["prices"][:3]]
    words = f"{bot} and serves {', '.join(prices)}"
    if all(price.get("trusted") for price in told["prices"]):
        return ok(NAME, subject, words)
    return warn(NAME, subject, words, "`python -m bot status` says why")


def _served(price: dict[str, Any]) -> str:
    if price.get("price") is None:
        return f"no price of {price.get('symbol')}"
    return f"{price['symbol']} {price['price']:.10g} ({price['status']}, from {price['source']})"


def _asked(config: Config, path: str) -> dict[str, Any] | None:
    """None for whatever is not the bot's. Raises: requests.Timeout."""
    try:
        return read(call(config, path, ANSWER_S))
    except requests.Timeout:
        raise
    except (requests.RequestException, ValueError):
        return None

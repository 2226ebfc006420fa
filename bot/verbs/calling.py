"""How the verbs reach the running bot: over HTTP, directly, with the token of the settings."""

import sys
from typing import Any

import requests

from bot.config import Config
from bot.wording import worded

EX_UNREACHABLE = 69  # as in sysexits.h
ANSWER_S = 3.0


def base_url(config: Config) -> str:
    """Where the bot with these settings is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.api_host, config.api_host)
    return f"http://[{host}]:{config.api_port}" if ":" in host else (
        f"http://{host}:{config.api_port}")


def call(
    config: Config, path: str, timeout: float | tuple[float, float],
    body: dict[str, object] | None = None,
) -> requests.Response:
    """GET, or with a body POST. timeout: s, or those for connecting and for the answer.

    Raises: requests.RequestException.
    """
    headers = {"Authorization": f"Bearer {config.api_token}"} if config.api_token else {}
    with requests.Session() as session:
        session.trust_env = False  # the bot is asked directly, whatever proxy the feeds need
        return session.request("GET" if body is None else "POST", base_url(config) + path,
                               json=body, headers=headers, timeout=timeout)


def read(answer: requests.Response) -> dict[str, Any]:
    """Raises: ValueError for an answer that is not the bot's."""
    body = answer.json()
    if not isinstance(body, dict):
        raise ValueError("the answer is not the bot's")
    return body


class Refused(ValueError):
    """There is a bot, and it does not know us."""


def ask(config: Config, path: str, timeout: float = ANSWER_S) -> dict[str, Any]:
    """GET. Raises: requests.RequestException, ValueError for an answer that is not the bot's."""
    answer = call(config, path, timeout)
    if answer.status_code == 401:
        raise Refused("it wants another API_TOKEN than the one set here" if config.api_token else
                      "it wants an API_TOKEN, and none is set here")
    return read(answer)


def unreachable(config: Config, error: Exception) -> int:
    """Say so. Returns: the exit code."""
    if isinstance(error, Refused):
        print(f"the bot at {base_url(config)} does not answer us: {error}\nSet API_TOKEN here as "
              "it is set there.", file=sys.stderr)
        return EX_UNREACHABLE
    print(f"no answer from a bot at {base_url(config)}: {worded(error)}\n"
          f"Is it running (systemctl status autonomous-bot), and with these settings "
          f"(python -m bot check)?", file=sys.stderr)
    return EX_UNREACHABLE

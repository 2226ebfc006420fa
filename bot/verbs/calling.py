"""How the verbs reach the running bot: over HTTP, directly, with the token of the settings."""

from typing import Any

import requests

from bot.config import Config


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

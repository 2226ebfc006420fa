"""One HTTP request. It may hang beyond any timeout: for a thread that nobody waits for."""

import logging
from collections.abc import Iterable
from time import monotonic

import requests

from bot import __version__
from bot.alerts.channel import Answer, Request
from bot.errors import short
from bot.logs.facts import clean
from bot.wording import worded

CONNECT_S = 5.0
READ_S = 5.0
WHOLE_S = 10.0  # of an answer that comes in drops
BODY_LIMIT = 1 << 16
MASK = "****"


class NotSent(Exception):
    """No answer, and why; nothing secret in it."""


def post(request: Request, secrets: Iterable[str]) -> Answer:
    """Raises: NotSent. Proxies of the environment are honoured, redirects are not followed."""
    _hush()
    until = monotonic() + WHOLE_S
    try:
        with requests.Session() as session, session.request(
                request.method, request.url, json=request.body, stream=True,
                timeout=(CONNECT_S, READ_S), allow_redirects=False,
                headers={"User-Agent": f"autonomous-bot/{__version__}"}) as response:
            body = b""
            # read() would wait until it has all that it asked for, however slowly that comes
            while chunk := response.raw.read1(BODY_LIMIT, decode_content=True):
                body += chunk
                if len(body) > BODY_LIMIT or monotonic() > until:
                    break
            return Answer(response.status_code, response.headers.get("Retry-After", ""), body)
    except Exception as error:  # requests lets some errors of those below it through as they are
        raise NotSent(masked(worded(error), secrets)) from None


def masked(text: str, secrets: Iterable[str]) -> str:
    """`text` in one line, without what is secret."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return short(clean(text))


def _hush() -> None:
    """urllib3 warns of broken headers with the whole address; nobody asked it to."""
    logging.getLogger("urllib3.connection").setLevel(logging.ERROR)

"""What is sent with a POST: JSON and nothing else, which no form of another site can send."""

from typing import TypeVar

import msgspec
from flask import abort, request

from bot.errors import shown

MOST_BYTES = 1_000

T = TypeVar("T", bound=msgspec.Struct)


def posted(kind: type[T], example: str) -> T:
    """The body of the request at hand. Refuses it with what would do when it is another."""
    if request.mimetype != "application/json":
        abort(415, f"send JSON with Content-Type: application/json, such as {example}")
    if (request.content_length or 0) > MOST_BYTES:
        abort(413, f"send at most {MOST_BYTES} bytes, such as {example}")
    try:
        return msgspec.json.decode(request.get_data(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        abort(400, f"{shown(str(error))}; send such as {example}")

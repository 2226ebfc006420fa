"""Errors of libraries in a few words: what a person on duty needs, and no object's address."""

import socket

import requests
import websocket

LIMIT = 160


def counted(number: int, what: str) -> str:
    """1 row, 2 rows. what: one of it."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def worded(error: Exception) -> str:
    """What went wrong on the network, in one line."""
    if isinstance(error, TimeoutError | websocket.WebSocketTimeoutException | requests.Timeout):
        return "timed out"
    if isinstance(error, socket.gaierror):
        return f"name look-up failed ({error.strerror})"
    # requests hides the cause: ConnectionError -> MaxRetryError -> reason -> its own cause
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None)
    if isinstance(reason, Exception):
        return worded(reason.__cause__ if isinstance(reason.__cause__, Exception) else reason)
    if isinstance(inner, Exception):
        return worded(inner)
    words = error.strerror if isinstance(error, OSError) else None
    return (words or str(error) or type(error).__name__)[:LIMIT]

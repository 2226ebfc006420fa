"""When an exchange asks to be left alone, and for how long: one rule for streams and REST. Pure."""

import email.utils

LIMITED = (418, 429)  # statuses for too many requests, the first of them with a ban
LONGEST_PAUSE_S = 3 * 86_400.0  # Binance bans for up to three days; more is a mistake


def retry_after_s(text: str, now_s: float) -> float | None:
    """Retry-After is a number of seconds or a date (RFC 9110 10.2.3); None if it is neither.

    now_s: epoch s, by which a date is counted from.
    """
    try:
        seconds = float(text) if text.strip().isdecimal() else (
            email.utils.parsedate_to_datetime(text).timestamp() - now_s)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_PAUSE_S)

"""What keeps an exchange from answering, in words and with a remedy."""

from bot.exchanges.base import Exchange
from bot.limits import LIMITED

RESOLVER = "see the line `dns`"
DROPPED = ("packets are lost on the way: a firewall here or there, or the host is down; from here "
           "`curl -v` shows how far one gets")
HANGS = f"if the lines `dns` are well: {DROPPED}"
REFUSED = ("nothing listens there, or a firewall refuses: check host and port of {setting}, and "
           "that outgoing connections to that port are allowed")


def network_remedy(words: str, setting: str) -> str:
    """For an error in the words of bot.wording.worded. setting: where the address stands."""
    if "look-up" in words:
        return RESOLVER
    if "timed out" in words or "no answer" in words:
        return DROPPED
    if "ertificate" in words or "SSL" in words:
        return ("see the lines `tls`; where a proxy of yours replaces certificates, REST needs its "
                "CA in REQUESTS_CA_BUNDLE and the streams in SSL_CERT_FILE")
    if "407" in words:
        return "put user and password into the proxy variable: http://user:password@host:port"
    if "roxy" in words or "unnel" in words:
        return "see the lines `proxy`; NO_PROXY names hosts that are reached without it"
    return REFUSED.format(setting=setting)


def refused(
    status: int, retry_after_s: float | None, exchange: Exchange, setting: str
) -> tuple[str, str]:
    """An HTTP status that is no success: words and remedy."""
    if status == 451:
        return ("HTTP 451: it refuses the place this machine is in",
                f"run the bot elsewhere or through a proxy (HTTPS_PROXY), or set {setting}: "
                f"{exchange.ELSEWHERE}")
    if status == 403:
        return ("HTTP 403: a web firewall refuses this address",
                "addresses of data centres and VPNs are often refused: try another one, or "
                f"another address in {setting}: {exchange.ELSEWHERE}")
    if status in LIMITED:
        pause = f" for {retry_after_s:.0f} s" if retry_after_s else ""
        what = "bans" if status == 418 else "limits"
        return (f"HTTP {status}: it {what} this address{pause}",
                "wait so long before the bot is started, and find out who else behind this address "
                "asks too often; each further request makes it longer")
    if status == 407:
        return ("HTTP 407: the proxy wants a log-in", network_remedy("407", setting))
    if status >= 500:
        return (f"HTTP {status}: a fault of its own",
                f"the status page of {exchange.NAME}; nothing can be mended here")
    return (f"HTTP {status}: not what is expected there", f"check the address in {setting}")

"""The words by which things are counted. Every set is fixed, and all of them stand here.

They are values of labels at /metrics (docs/metrics.md): alerts and dashboards rest on them.
"""

from typing import Literal, get_args

# Why a WebSocket could not be opened. limited: HTTP 418 or 429; blocked: 451; handshake: any other
# refusal; second: one that was to take the place of another.
ConnectCause = Literal[
    "lookup", "timeout", "unreachable", "tls", "handshake", "limited", "blocked", "second"]
# Why an open one ended. ended: without a close frame; closed: with one.
LossCause = Literal[
    "network", "ended", "closed", "protocol", "no_pong", "no_data", "drill"]
# What was wrong with a source.
ErrorReason = Literal["parse", "stamp", "exchange", ConnectCause]
# Which rule finds a source unfit: see bot.judging.fitness and bot.judging.trial.
Rule = Literal[
    "connection", "data", "silence", "frozen", "late", "latency", "clock", "disagreement"]
# What came of a REST request. limited: 418, 429, 503; status: any other that is not 200; refused:
# the exchange reports an error in its answer; hanging: not sent, for too many others hang.
RestResult = Literal[
    "ok", "limited", "status", "timeout", "network", "unreadable", "refused", "hanging"]
Tier = Literal["websocket", "kafka", "okx", "mock"]

# Of those, the ones that a line of the log tells; a switch, or a lost connection, tells the others.
TOLD_RULES: tuple[Rule, ...] = ("disagreement", "clock", "frozen", "late")

RETURN = "return"  # in the place of a Rule: nothing was wrong with the source that was left
NONE = "none"  # in the place of a tier or of a status: there is no price

CONNECT_CAUSES: tuple[ConnectCause, ...] = get_args(ConnectCause)
LOSS_CAUSES: tuple[LossCause, ...] = get_args(LossCause)
ERROR_REASONS: tuple[ErrorReason, ...] = get_args(ErrorReason)
RULES: tuple[Rule, ...] = get_args(Rule)
REST_RESULTS: tuple[RestResult, ...] = get_args(RestResult)
TIERS: tuple[Tier, ...] = get_args(Tier)

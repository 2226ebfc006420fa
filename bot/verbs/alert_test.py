"""The verb `alert-test`: one message to everybody who would be told, and what came of it."""

import sys
from argparse import ArgumentParser, Namespace
from time import monotonic, time

from bot.alerting import channels
from bot.alerts.case import Told
from bot.alerts.channel import Channel
from bot.alerts.facts import Severity
from bot.alerts.posting import NotSent, masked, post
from bot.config import Config, load
from bot.logs.facts import clean
from bot.worker import Detached

EX_OK = 0
EX_FAILED = 1
EX_CONFIG = 78
PATIENCE_S = 15.0  # above what a request allows itself: a name look-up has no limit of its own
EPILOG = """\
examples:
  python -m bot alert-test
  python -m bot alert-test --severity critical

It reads the same settings as the bot, which need not run. The message says that it is a test.

exit codes: 0 everybody took it; 1 somebody did not; 78 bad settings, or nobody is set
"""
LISTENS = "ALERT_WEBHOOK_URL, whether that listens, and at firewall and HTTPS_PROXY"
UNREACHED = {"telegram": "the network of this machine, firewall and HTTPS_PROXY, and at "
                         "ALERT_TELEGRAM_URL if it is set"}
NOBODY = """\
nobody is set to be told; set one of these, or both, in .env or the environment:
  ALERT_WEBHOOK_URL=https://...  Slack, Discord, or anything that takes JSON
  ALERT_TELEGRAM_TOKEN=... and ALERT_TELEGRAM_CHAT=...
docs/alerts.md says where to get them"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("--severity", choices=[one.word for one in Severity],
                        help="what it shows (default: ALERT_MIN_SEVERITY)")


def run(arguments: Namespace) -> int:
    """Raises: ConfigError."""
    config = load()
    found = channels(config)
    if not found:
        print(NOBODY, file=sys.stderr)
        return EX_CONFIG
    severity = Severity.of(arguments.severity or config.alert_min_severity)
    told = _test(config, severity)
    went_well = [_tell(channel, told) for channel in found]
    if severity < Severity.of(config.alert_min_severity):
        print(f"the bot itself tells nothing below ALERT_MIN_SEVERITY="
              f"{config.alert_min_severity}")
    return EX_OK if all(went_well) else EX_FAILED


def _tell(channel: Channel, told: Told) -> bool:
    """Returns: whether it was taken."""
    name, began = f"{channel.name} ({channel.to})", monotonic()
    request = channel.request(told)
    call = Detached("alert-test", lambda: post(request, channel.secrets))
    try:
        if not call.wait(PATIENCE_S):
            raise NotSent(f"no answer within {PATIENCE_S:g} s")
        outcome = channel.outcome(call.result())
    except NotSent as error:
        print(f"{name}: not sent: {error}; look at {UNREACHED.get(channel.name, LISTENS)}")
        return False
    if outcome.ok:
        print(f"{name}: ok, {(monotonic() - began) * 1000:.0f} ms")
    else:
        wait = f"; try again in {outcome.wait_s:.0f} s" if outcome.wait_s is not None else ""
        print(f"{name}: not taken: {masked(outcome.why, channel.secrets)}{wait}")
    return outcome.ok


def _test(config: Config, severity: Severity) -> Told:
    now = time()
    return Told(id=f"{config.instance_id}-test-{int(now * 1000)}", revision=1, event="test",
                severity=severity, bells=0, items=(), paths=(), instance=clean(config.instance_id),
                opened_at=now, closed_at=None, lasted_s=0.0)

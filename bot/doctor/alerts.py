"""Where alerts go. Nothing is sent: `alert-test` does that."""

from collections.abc import Iterator
from functools import partial

from bot.config import Config
from bot.doctor.finding import Report, ok
from bot.doctor.place import alert_hosts
from bot.doctor.rounds import OWN_FAULT, QUICK_S, Check
from bot.worker import Deadline

NAME = "alerts"


def alert_checks(config: Config) -> Iterator[Check]:
    yield Check(NAME, "", partial(look, config), QUICK_S, OWN_FAULT)


def look(config: Config, deadline: Deadline) -> Report:
    """The addresses are well-formed, or they were no settings; their hosts are among `dns`."""
    found = [ok(NAME, host.name, f"{host.setting} leads there; nothing was sent, `python -m bot "
                "alert-test` does that") for host in alert_hosts(config)]
    return Report(tuple(found) or (ok(NAME, "", "none are told: ALERT_WEBHOOK_URL and "
                                      "ALERT_TELEGRAM_TOKEN are not set"),))

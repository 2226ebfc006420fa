"""Where alerts go. Nothing is sent: `alert-test` does that."""

from bot.config import Config
from bot.doctor.finding import Report, ok
from bot.doctor.place import alert_hosts
from bot.worker import Deadline

NAME = "alerts"


def look(config: Config, deadline: Deadline) -> Report:
    """The addresses are well-formed, or they were no settings; their hosts are among `dns`."""
    found = [ok(NAME, host.name, f"{host.setting} leads there; nothing was sent, `python -m bot "
                "alert-test` does that") for host in alert_hosts(config)]
    return Report(tuple(found) or (ok(NAME, "", "none are told: ALERT_WEBHOOK_URL and "
                                      "ALERT_TELEGRAM_TOKEN are not set"),))

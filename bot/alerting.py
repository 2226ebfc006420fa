"""The alerts of the daemon put together: who is told, of what, and who tells."""

import logging
from collections.abc import Callable, Sequence

from bot.alerts.channel import Channel
from bot.alerts.courier import Courier
from bot.alerts.delivery import Delivery
from bot.alerts.facts import NOWHERE, Happening, Severity
from bot.alerts.memory import NAME, Memory
from bot.alerts.receivers import webhook
from bot.alerts.telegram import Telegram
from bot.config import Config
from bot.logs.facts import facts
from bot.model import AlertStatus
from bot.worker import Worker

log = logging.getLogger(__name__)


class Alerts:
    """workers: none where no channel is set; then nothing is kept and nobody is told."""

    def __init__(
        self, config: Config, rehearsed: Callable[[str], bool] = lambda symbol: False
    ) -> None:
        """rehearsed: whether it may be the work of a drill that the price of a symbol is as it is.
        """
        self._least = Severity.of(config.alert_min_severity)
        self._channels = channels(config)
        self._courier = Courier(
            config.instance_id, self._least, home(config),
            [Delivery(channel) for channel in self._channels],
            rehearsed=rehearsed,
            memory=Memory(config.duckdb_path.with_name(NAME))) if self._channels else None
        self.workers: list[Worker] = [self._courier] if self._courier else []

    def put(self, event: Happening) -> None:
        """Have it told, if it is worth that. Thread: any; takes microseconds."""
        if self._courier is not None:
            self._courier.put(event)

    @property
    def status(self) -> AlertStatus:
        """Thread: any."""
        return self._courier.status if self._courier else AlertStatus(self._least.word)

    def start(self) -> None:
        if self._courier is not None:
            log.info("📣 [ALERTS] Telling %s of what is %s", " and ".join(
                f"{one.name} ({one.to})" for one in self._channels),
                self._least.word + (" or worse" if self._least < Severity.CRITICAL else ""),
                extra=facts("alerts_on"))
            self._courier.start()

    def stop(self) -> None:
        """Let it end; what happens from now on is the stop itself, of which nobody is told."""
        for worker in self.workers:
            worker.stop()


def channels(config: Config) -> Sequence[Channel]:
    """Those that are set."""
    found: list[Channel] = []
    if config.alert_webhook_url is not None:
        found.append(webhook(config.alert_webhook_url))
    if config.alert_telegram_token is not None and config.alert_telegram_chat is not None:
        found.append(Telegram(config.alert_telegram_url, config.alert_telegram_token,
                              config.alert_telegram_chat))
    return found


def home(config: Config) -> str:
    """The tier that serves while all is well: the first one that is on."""
    tiers = (("websocket", config.enable_websocket_feeds), ("kafka", config.enable_kafka),
             ("okx", config.enable_okx_live), ("mock", config.mode == "simulation"))
    return next((tier for tier, is_on in tiers if is_on), NOWHERE)

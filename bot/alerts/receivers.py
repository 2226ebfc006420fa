"""Which channel an address is one of."""

import re
from urllib.parse import urlsplit

from bot.alerts.channel import Channel
from bot.alerts.discord import Discord
from bot.alerts.generic import Generic
from bot.alerts.slack import Slack

# Known by host or by path, so that a relay of another host is known as well.
SLACK_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
SLACK_PATH = re.compile(r".*/services/T\w+/B\w+/\w+/?")
DISCORD_PATH = re.compile(r".*/api/(v\d+/)?webhooks/\d+/[\w-]+(?P<slack>/slack)?/?")


def webhook(url: str) -> Channel:
    """The channel of ALERT_WEBHOOK_URL."""
    parts = urlsplit(url)
    discord = DISCORD_PATH.fullmatch(parts.path)
    if discord is not None:
        return Slack(url) if discord["slack"] else Discord(url)
    if parts.hostname in SLACK_HOSTS or SLACK_PATH.fullmatch(parts.path):
        return Slack(url)
    return Generic(url)

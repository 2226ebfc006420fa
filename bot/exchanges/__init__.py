"""The exchanges this program knows. A new one is a file beside this one and a row in ALL."""

from bot.exchanges import binance, okx
from bot.exchanges.base import Exchange

ALL: dict[str, Exchange] = {
    "binance": binance,
    "okx": okx,
}

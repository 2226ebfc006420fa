"""One setting: the variable it is read from, its default, and how it is read and shown."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from bot.exchanges import ALL
from bot.symbols import Symbol

MASK = "****"
LOG_IN = re.compile(r"://[^/?#,\s]*@")  # user:password of a URL


@dataclasses.dataclass(frozen=True)
class Setting:
    """One variable: its default as one would write it (empty: unset), and how to read it."""

    name: str
    default: str
    read: Callable[[str], Any]
    help: str
    secret: bool = False

    def shown(self, value: object) -> str:
        """`value` as it would stand in the file; a secret is masked, and so is what stands before
        the @ of a URL.
        """
        if self.secret and value is not None:
            return MASK
        return LOG_IN.sub(f"://{MASK}@", written(value))


def setting(name: str, default: str, read: Callable[[str], Any], help: str, *,
            secret: bool = False) -> Any:
    """A field of Config that is one variable."""
    return dataclasses.field(
        repr=not secret, default=read(default) if default else None,
        metadata={"": Setting(name, default, read, help, secret)},
    )


def per_exchange(suffix: str, read: Callable[[str], Any], help: str) -> Any:
    """A field of Config that maps each exchange to the variable <EXCHANGE>_<suffix>."""
    rows = {name: Setting(f"{name.upper()}_{suffix}", getattr(exchange, suffix), read, help)
            for name, exchange in ALL.items()}
    return dataclasses.field(
        default_factory=lambda: {name: read(row.default) for name, row in rows.items()},
        metadata=rows,
    )


def written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(written(part) for part in value)
    return value.name if isinstance(value, Symbol) else str(value)

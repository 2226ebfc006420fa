"""Takes the examples from a run of the bot, and writes docs/api.md from them: make api."""

import tempfile
from pathlib import Path

from bot.web.openapi import EXAMPLES, document, examples
from tests.api.page import PAGE, written
from tests.api.taking import SYMBOLS, taken, told

ROOT = Path(__file__).parents[2]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = taken(Path(folder))
    (ROOT / "bot/web/openapi" / EXAMPLES).write_text(told(found), encoding="utf-8")
    page()


def page() -> None:
    """Write it from the examples that there are."""
    (ROOT / PAGE).write_text(written(document(SYMBOLS), examples()), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Long answers cut to what a reader needs, with a note of what is not there."""

from typing import Any

# of the elements of lists with these names
MOST = {"rows": 2, "legs": 1, "incidents": 1, "changes": 4, "past": 2} | dict.fromkeys(
    ("at", "price", "tier", "status", "rate", "lagMs", "silentMs"), 3)
LINES = {"text/plain": 9, "text/html": 4, "text/css": 4, "text/csv": 3}
OWN = "# HELP autonomous_bot_"  # metrics; those of any process stand before them


class Cut:
    """One answer. note: what was left out of it; empty if nothing was."""

    def __init__(self, body: Any, mimetype: str) -> None:
        self._left: dict[tuple[int, int], list[str]] = {}
        self.body = self._lines(body, mimetype) if isinstance(body, str) else self._shortened(body)

    @property
    def note(self) -> str:
        return "; ".join(f"{shown} of {there} {', '.join(dict.fromkeys(names))}"
                         for (shown, there), names in self._left.items())

    def _shortened(self, body: Any, name: str = "") -> Any:
        if isinstance(body, dict):
            return {key: self._shortened(value, key) for key, value in body.items()}
        if isinstance(body, list):
            return self._few(body, 0, MOST.get(name, len(body)), f"`{name}`")
        return body

    def _lines(self, text: str, mimetype: str) -> str:
        lines = text.splitlines(keepends=True)
        begin = next((place for place, line in enumerate(lines) if line.startswith(OWN)), 0)
        return "".join(self._few(lines, begin, LINES[mimetype], "lines"))

    def _few(self, found: list[Any], begin: int, most: int, name: str) -> list[Any]:
        few = found[begin:begin + most]
        if len(few) < len(found):
            self._left.setdefault((len(few), len(found)), []).append(name)
        return few

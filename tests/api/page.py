"""docs/api.md, written from the description and the examples."""

import json
from collections.abc import Iterator
from typing import Any

from bot.web.openapi.answers import COMMON, SAME

Json = dict[str, Any]

PAGE = "docs/api.md"
WIDTH = 100
HEAD = """# The API

Written by `make api` from [/openapi.json](../bot/web/openapi/__init__.py), which a running bot
serves too, and from answers of a bot on practice exchanges. Below one that is cut stands how much
of it is shown. Every request wants `-H "Authorization: Bearer $API_TOKEN"` where `API_TOKEN` is
set, but `/healthz`; a browser gets a cookie instead, by `/login`.

{about}

Every answer may also be 400 (a parameter, or the host that is addressed) or 401 (the token). What
is live must not be cached (`Cache-Control: no-store`); this description, and questions about a
range that is past, have an `ETag`: with `If-None-Match` the answer is 304 while nothing has
changed.
"""
# told above
USUAL = [answer["description"] for answer in (SAME, *COMMON.values())]


def written(document: Json, examples: list[Json]) -> str:
    parts = [HEAD.format(about=document["info"]["description"])]
    for tag in document["tags"]:
        parts.append(f"\n## {tag['name'].capitalize()}\n\n{tag['description']}\n")
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    mine = [one for one in examples
                            if (one["method"], one["path"]) == (method, path)]
                    parts.extend(_operation(path, method, operation, mine))
    return "".join(parts)


def _operation(path: str, method: str, operation: Json, examples: list[Json]) -> Iterator[str]:
    yield f"\n### `{method.upper()} {path}`\n\n"
    yield f"{operation['summary']}. {operation.get('description', '')}".strip() + "\n"
    if "parameters" in operation:
        yield "\n| parameter | | meaning |\n|---|---|---|\n"
        for one in operation["parameters"]:
            need = " (required)" if one["required"] and one["in"] == "query" else ""
            yield (f"| `{one['name']}`{need} | {_values(one['schema'])} | "
                   f"{one['description']} |\n")
    others = {code: answer["description"] for code, answer in operation["responses"].items()
              if code != "200" and answer["description"] not in USUAL}
    if others:
        yield "\n"
        yield from (f"- {code}: {about}\n" for code, about in sorted(others.items()))
    for one in examples:
        yield f"\n```\n$ curl {_curl(one)}\n{_answer(one)}\n```\n"
        if one["cut"]:
            yield f"\nShown are {one['cut']}.\n"


def _curl(example: Json) -> str:
    address = f"localhost:3001{example['request']}"
    address = f"'{address}'" if "&" in address or "?" in address else address
    if "headers" in example:
        address = f"-i {address}"
    if isinstance(example["sent"], str):
        return f"{address} -d '{example['sent']}'"
    if example["sent"] is None:
        return address + (" -X POST" if example["method"] == "post" else "")
    return (f"{address} -H 'Content-Type: application/json' "
            f"-d '{json.dumps(example['sent'])}'")


def _answer(example: Json) -> str:
    body = example["body"]
    if "headers" in example:
        headers = (f"{name}: {value}" for name, value in example["headers"].items())
        return "\n".join((f"HTTP/1.1 {example['status']} {example['reason']}", *headers))
    if isinstance(body, str):
        return body.replace("\r", "").rstrip("\n")
    return laid_out(body)


def laid_out(value: Any, indent: int = 0) -> str:
    """JSON that fits the page: on one line where there is room, else one level further."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner = indent + 2
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {laid_out(one, inner + len(name) + 4)}"
                 if not isinstance(one, dict | list) else
                 f"{json.dumps(name)}: {laid_out(one, inner)}" for name, one in value.items()]
        return "{" + _joined(parts, inner) + "}"
    return "[" + _joined([laid_out(one, inner) for one in value], inner) + "]"


def _joined(parts: list[str], indent: int) -> str:
    """As many on a line as there is room for."""
    lines = [""]
    for number, part in enumerate(parts):
        text = part + ("," if number < len(parts) - 1 else "")
        if lines[-1] and (len(lines[-1]) + len(text) + indent > WIDTH or "\n" in text
                          or "\n" in lines[-1]):
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + text
    gap = "\n" + " " * indent
    return gap + gap.join(lines) + "\n" + " " * (indent - 2)


def _values(schema: Json) -> str:
    """What a parameter may be, in short."""
    if "enum" in schema:
        found = " \\| ".join(f"`{word}`" for word in schema["enum"])
    elif "anyOf" in schema:
        found = "moment"
    elif schema["type"] == "array":
        found = f"several of {_values(schema['items'])}"
    elif schema["type"] == "integer":
        found = f"{schema['minimum']} to {schema['maximum']}"
    else:
        found = str(schema["type"])
    return found + (f"; default {json.dumps(schema['default'])}" if "default" in schema else "")

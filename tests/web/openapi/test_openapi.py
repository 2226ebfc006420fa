"""The description of the API against the routes, its examples, and docs/api.md."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs
import pytest

from bot.record.questions import QUESTIONS
from bot.web.app import create_app
from bot.web.openapi import document, examples
from bot.web.openapi.answers import JSON
from bot.web.openapi.pages import FORM
from tests.api.page import PAGE, written
from tests.api.taking import SYMBOLS
from tests.web.fakes import FakeView

DOCUMENT = document(SYMBOLS)
ROOT = Path(__file__).parents[3]
# described for each of what stands there
EACH = {"/api/analytics/<name>": tuple(QUESTIONS)}
# it speaks another protocol; it would hold itself; it is the same as /
WITHOUT_EXAMPLE = {("get", "/ws"), ("get", "/openapi.json"), ("get", "/dashboard")}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def routes() -> set[tuple[str, str]]:
    """Of the application, in the words of OpenAPI."""
    app = create_app(FakeView(), token=None, trusted_hosts=None)
    found = set()
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<path:", "<")
        for name in EACH.get(path, ("",)):
            plain = path.partition("<name>")[0] + name if name else path
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                found.add((method.lower(), plain.replace("<", "{").replace(">", "}")))
    return found


def schema_of(answer: dict[str, Any], mimetype: str) -> dict[str, Any]:
    found: dict[str, Any] = answer["content"][mimetype]["schema"]
    return found | {"components": DOCUMENT["components"]}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def in_order(schema: dict[str, Any], value: Any) -> bool:
    """Whether all keys stand in the order in which they are described."""
    schema = resolved(schema)
    for one in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        if jsonschema_rs.is_valid(one | {"components": DOCUMENT["components"]}, value):
            return in_order(one, value)
    if "prefixItems" in schema:
        return all(map(in_order, schema["prefixItems"], value))
    if isinstance(value, list):
        return all(in_order(schema["items"], one) for one in value)
    if not isinstance(value, dict) or "properties" not in schema:
        return True
    named = [name for name in schema["properties"] if name in value]
    return list(value) == named and all(
        in_order(schema["properties"][name], one) for name, one in value.items())


def test_every_route_is_described_and_nothing_else() -> None:
    assert {(method, path) for method, path, _ in operations()} == routes()


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for *_, operation in operations()]
    assert len(names) == len(set(names))


def test_every_tag_is_told_of() -> None:
    known = {tag["name"] for tag in DOCUMENT["tags"]}
    assert {tag for *_, operation in operations() for tag in operation["tags"]} == known


@pytest.mark.parametrize("name, schema", DOCUMENT["components"]["schemas"].items())
def test_every_schema_is_one_and_is_used(name: str, schema: dict[str, Any]) -> None:
    jsonschema_rs.validator_for(schema | {"components": DOCUMENT["components"]})
    assert f'#/components/schemas/{name}"' in str(DOCUMENT).replace("'", '"'), name


def test_objects_are_strict_wherever_their_keys_are_known() -> None:
    def loose(schema: Any) -> Iterator[Any]:
        if isinstance(schema, dict):
            if "properties" in schema and schema.get("additionalProperties") is not False:
                yield schema
            for one in schema.values():
                yield from loose(one)
        elif isinstance(schema, list):
            for one in schema:
                yield from loose(one)

    assert list(loose(DOCUMENT["components"])) == []


def test_every_operation_has_an_example() -> None:
    shown = {(one["method"], one["path"]) for one in examples()}
    assert {(method, path) for method, path, _ in operations()} - shown == WITHOUT_EXAMPLE


@pytest.mark.parametrize("example", examples(), ids=lambda one: one["request"])
def test_examples_are_as_described_down_to_the_order_of_keys(example: dict[str, Any]) -> None:
    operation = DOCUMENT["paths"][example["path"]][example["method"]]
    answer = operation["responses"][str(example["status"])]
    schema = schema_of(answer, example["mimetype"])
    jsonschema_rs.validate(schema, example["body"])
    assert in_order(schema, example["body"])
    if example["sent"] is not None:
        body = operation["requestBody"]["content"]
        sent = dict(parse_qsl(example["sent"])) if FORM in body else example["sent"]
        jsonschema_rs.validate(body[FORM if FORM in body else JSON]["schema"], sent)


def test_the_page_is_written_from_the_description() -> None:
    """After a change: make api, or where no example is touched,
    python -c 'from tests.api.__main__ import page; page()'
    """
    assert (ROOT / PAGE).read_text("utf-8") == written(DOCUMENT, examples())


def test_keys_in_another_order_are_seen() -> None:
    schema = {"$ref": "#/components/schemas/Alive"}
    assert in_order(schema, {"status": "ok", "instance": "x"})
    assert not in_order(schema, {"instance": "x", "status": "ok"})
    assert not in_order({"type": "array", "items": schema}, [{"instance": "x", "status": "ok"}])

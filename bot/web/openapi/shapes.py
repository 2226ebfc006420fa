"""The words of JSON Schema that the description is made of."""

from collections.abc import Collection, Mapping
from typing import Any

Json = dict[str, Any]

BOOLEAN: Json = {"type": "boolean"}
TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
WHOLE: Json = {"type": "integer"}
NUMBER: Json = {"type": "number"}
POSITIVE: Json = {"type": "number", "exclusiveMinimum": 0}
SIZE: Json = {"type": "number", "minimum": 0}


def strict(properties: Mapping[str, Json], about: str = "", maybe: Collection[str] = ()) -> Json:
    """An object with these keys, in this order, and no others. maybe: those that may be missing."""
    told: Json = {"type": "object", "properties": dict(properties),
                  "required": [name for name in properties if name not in maybe],
                  "additionalProperties": False}
    return with_words(told, about)


def with_words(schema: Json, about: str) -> Json:
    return schema | {"description": about} if about else schema


def or_null(schema: Json, about: str = "") -> Json:
    """null stands for what is not known."""
    if "$ref" in schema:
        return with_words({"anyOf": [schema, {"type": "null"}]}, about)
    found = schema | {"type": [schema["type"], "null"]}
    if "enum" in schema:
        found["enum"] = [*schema["enum"], None]
    return with_words(found, about)


def array(of: Json, about: str = "") -> Json:
    return with_words({"type": "array", "items": of}, about)


def row(about: str, *cells: Json) -> Json:
    """An array of exactly these, in this order."""
    return {"type": "array", "prefixItems": list(cells), "items": False, "minItems": len(cells),
            "description": about}


def words(*known: str, about: str = "") -> Json:
    return with_words({"type": "string", "enum": list(known)}, about)


def mapping(values: Json, about: str = "") -> Json:
    """An object with keys of any name."""
    return with_words({"type": "object", "additionalProperties": values}, about)


def moment(about: str) -> Json:
    return {"type": "integer", "minimum": 0, "description": f"{about}; ms since 1970, UTC"}


def milliseconds(about: str) -> Json:
    return {"type": "number", "minimum": 0, "description": f"ms; {about}"}


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}

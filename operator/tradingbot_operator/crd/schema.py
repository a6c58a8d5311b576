"""From a pydantic model to a structural schema: references inlined, nulls and defaults left out, everything bounded."""

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]
# CRD defaults never change and new fields get none, so the schema has none at all; the model holds the behaviour.
DROPPED = {"title", "default", "propertyNames", "$defs", "additionalProperties"}
INT_OR_STRING = {"x-kubernetes-int-or-string": True}


def structural(model: type[BaseModel]) -> Schema:
    """The schema the API server checks for *model*."""
    raw = model.model_json_schema(by_alias=True)
    return _plain(raw, raw.get("$defs", {}))


def _plain(node: Schema, named: dict[str, Schema]) -> Schema:
    if "$ref" in node:
        target = named[node["$ref"].rsplit("/", 1)[-1]]
        return _plain({**target, **{key: value for key, value in node.items() if key != "$ref"}}, named)
    if "anyOf" in node:
        return _choice(node, named)
    plain: Schema = {key: value for key, value in node.items() if key not in DROPPED}
    if isinstance(node.get("default"), str | int):
        plain["description"] = f"{plain.get('description', '')} Default: {shown(node['default'])}.".strip()
    if "properties" in node:
        plain["properties"] = {name: _plain(part, named) for name, part in node["properties"].items()}
    if "items" in node:
        plain["items"] = _plain(node["items"], named)
    if isinstance(node.get("additionalProperties"), dict):
        plain["additionalProperties"] = _plain(node["additionalProperties"], named)
    return plain


def shown(default: str | int) -> str:
    """A default as people write it in YAML."""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _choice(node: Schema, named: dict[str, Schema]) -> Schema:
    """The API has no unions: an optional part is simply not required, and a number or a text is its own kind."""
    real = [option for option in node["anyOf"] if option.get("type") != "null"]
    described = {key: value for key, value in node.items() if key == "description"}
    if len(real) == 1:
        return {**_plain(real[0], named), **described}
    rule = {
        "rule": "type(self) == int ? int(self) >= 0 : isQuantity(string(self))",
        "message": "not a quantity; write a number with a unit of Kubernetes, such as 500m, 2, 512Mi or 4Gi",
    }
    return {**INT_OR_STRING, "x-kubernetes-validations": [rule], **described}


def at(schema: Schema, path: str) -> Schema:
    """The part of *schema* at a dotted path; ``[]`` steps into the items of a list."""
    node = schema
    for step in filter(None, path.split(".")):
        node = node["items"] if step == "[]" else node["properties"][step]
    return node

"""From models to definitions."""

from typing import Annotated

import pytest
from pydantic import Field

from tradingbot_operator.crd.definitions import bottasks, tradingbots
from tradingbot_operator.crd.rule import Rule
from tradingbot_operator.crd.schema import at, structural
from tradingbot_operator.crd.text import both, files
from tradingbot_operator.domain.model import Part


class Inner(Part):
    """An inner part."""

    size: Annotated[int, Field(ge=1)] = 3
    """How big."""


class Outer(Part):
    inner: Inner = Inner()
    maybe: Inner | None = None
    many: Annotated[tuple[Inner, ...], Field(max_length=2)] = ()
    named: Annotated[dict[str, Annotated[str, Field(max_length=5)]], Field(default_factory=dict, max_length=4)]
    amount: int | str | None = None
    on: bool = False


def test_model_becomes_a_structural_schema():
    """References are inlined, nulls and defaults left out, defaults told in words."""
    size = {"type": "integer", "minimum": 1, "description": "How big. Default: 3."}
    inner = {"type": "object", "properties": {"size": size}, "description": "An inner part."}
    schema = structural(Outer)
    assert schema["properties"]["inner"] == inner
    assert schema["properties"]["maybe"] == inner
    assert schema["properties"]["many"] == {"type": "array", "items": inner, "maxItems": 2}
    values = {"type": "string", "maxLength": 5}
    assert schema["properties"]["named"] == {"type": "object", "additionalProperties": values, "maxProperties": 4}
    assert schema["properties"]["amount"]["x-kubernetes-int-or-string"] is True
    assert schema["properties"]["on"] == {"type": "boolean", "description": "Default: false."}


def test_part_of_a_schema_is_found_by_its_path():
    """[] steps into the items of a list."""
    assert at(structural(Outer), "many.[].size")["minimum"] == 1
    assert at(structural(Outer), "")["type"] == "object"


def test_rule_without_values_has_a_plain_message():
    """A message that costs nothing."""
    assert Rule("id", "", "true", "sentence").entry() == {"rule": "true", "message": "sentence"}


def test_rule_with_values_fills_them_in():
    """The sentence becomes an expression; the field is named."""
    rule = Rule("id", "spec", "true", "a is '{}' and b '{}'; cure", ("self.a", "self.b"), ".a")
    assert rule.entry() == {
        "rule": "true",
        "messageExpression": '"a is \'" + self.a + "\' and b \'" + self.b + "\'; cure"',
        "fieldPath": ".a",
    }


def everything(schema, path="spec"):
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from everything(part, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield from everything(schema[word], f"{path}[]")


@pytest.mark.parametrize("definition", [tradingbots(), bottasks()], ids=lambda each: each["metadata"]["name"])
def test_everything_in_a_definition_is_bounded(definition):
    """Every string, list and map has an end, no number is a float, nothing is defaulted but the unseen status."""
    root = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for part in ("spec", "status"):
        for path, schema in everything(root[part], part):
            kind = schema.get("type")
            if kind == "string":
                assert "maxLength" in schema or "enum" in schema, path
            if kind == "array":
                assert "maxItems" in schema, path
            if kind == "object" and "properties" not in schema:
                assert "maxProperties" in schema, path
            assert kind != "number", path
            assert "default" not in schema or path == "status", path
    assert root["status"]["default"] == {"observedGeneration": -1}
    assert root["status"]["properties"]["observedGeneration"]["format"] == "int64"


def test_columns_a_person_looks_for_are_printed():
    """Mode, active colour, readiness and halt at a glance; equity is no status field and is shown by the plugin."""
    columns = tradingbots()["spec"]["versions"][0]["additionalPrinterColumns"]
    shown = [each["name"] for each in columns if not each.get("priority")]
    assert shown == ["Mode", "Active", "Ready", "Halted", "Phase", "Age"]
    wide = [each["name"] for each in columns if each.get("priority")]
    assert wide == ["Trading", "Revision", "Epoch", "Ledger", "Reason"]


def test_definitions_are_one_yaml_stream_without_anchors():
    """People read it, and kubectl applies it."""
    assert sorted(files()) == ["bottasks.yaml", "tradingbots.yaml"]
    assert both().count("kind: CustomResourceDefinition") == 2
    assert "&id" not in both()

"""No password ships: neither the charts nor the manifests hold one, and none is a default."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import charts

# The simulator's public account: it opens nothing else.
DEMO = "simulator-demo"
WORDS = re.compile("(?i)passw(or)?d|passphrase|secret|token|api_?key|credential")
# Fields whose value is the name or the place of a secret, or a switch, and never a secret.
REFERENCES = re.compile(
    "(?i)(name|ref|key|path|items|secretname|mountpath|defaultmode|kind|resources|resourcenames|verbs|rule|message"
    "|messageexpression|description|automountserviceaccounttoken|fieldpath)$"
)


def leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every scalar below *node* with the names that lead to it."""
    if isinstance(node, dict):
        for name, part in node.items():
            yield from leaves(part, (*path, str(name)))
    elif isinstance(node, list):
        for part in node:
            yield from leaves(part, path)
    elif node is not None:
        yield path, str(node)


def passwords(found: list[dict[str, Any]]) -> list[str]:
    """The values in *found* that are a secret by the name they stand under, Secrets' contents first of all."""
    said = []
    for each in found:
        if each["kind"] == "CustomResourceDefinition":
            continue
        named = f"{each['kind']}/{each['metadata']['name']}"
        held = {**each.get("data", {}), **each.get("stringData", {})} if each["kind"] == "Secret" else {}
        said += [f"{named}: {name}" for name, value in held.items() if value != DEMO]
        told = ((path, value) for path, value in leaves(each) if WORDS.search(path[-1]) and value != DEMO)
        said += [f"{named}: {'.'.join(path)}" for path, _ in told if not _refers(path)]
        said += [
            f"{named}: {each['name']}" for each in variables(each) if WORDS.search(each["name"]) and "value" in each
        ]
    return said


def _refers(path: tuple[str, ...]) -> bool:
    return bool(REFERENCES.search(path[-1]))


def variables(node: Any) -> Iterator[dict[str, Any]]:
    """Every environment variable below *node*."""
    if isinstance(node, dict):
        yield from (each for each in node.get("env") or () if isinstance(each, dict))
        for part in node.values():
            yield from variables(part)
    elif isinstance(node, list):
        for part in node:
            yield from variables(part)


def shipped() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for chart, flags in (("tradingbot-operator", ()), ("tradingbot", charts.PAPER)):
        yield f"helm template {chart} {' '.join(flags)[:60]}", charts.objects(chart, *flags)
    for path in sorted((charts.ROOT / "manifests").rglob("*.yaml")):
        yield (
            str(path.relative_to(charts.ROOT)),
            [each for each in yaml.safe_load_all(path.read_text()) if each and "kind" in each],
        )


@pytest.mark.row("S2-102")
def test_no_password_ships_with_charts_or_manifests(evidence):
    """What needs one names a Secret; the bot's own tokens are made by the operator, at random."""
    found = {what: passwords(each) for what, each in shipped()}
    evidence("helm template | grep -i password; the same of manifests/", str(found))
    assert len(found) >= 5
    assert {what: said for what, said in found.items() if said} == {}


@pytest.mark.parametrize(
    "planted",
    [
        {"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "admin"}},
        {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"ADMIN_PASSWORD": "admin"}},
        {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"env": [{"name": "DB_PASSWORD", "value": "admin"}]}},
    ],
)
def test_password_that_was_planted_is_found(planted):
    """In a Secret, in settings, in an environment."""
    assert passwords([planted])

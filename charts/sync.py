#!/usr/bin/env python3
"""Writes what the charts, the operator and manifests/install.yaml take from elsewhere in the repository.

charts/sync.py          every generated file is fresh afterwards
charts/sync.py --check  exits 1 and names the stale files

The resource definitions and policies come from manifests/, the schema of the tradingbot chart from the TradingBot's
own, probe.py from this folder. Helm is taken from $HELM, else from `cluster/tool`.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHARTS = ROOT / "charts"
CRDS = ROOT / "manifests" / "crds"
POLICIES = ROOT / "manifests" / "policies"
INSTALL = ROOT / "manifests" / "install.yaml"
NAMESPACE = "tradingbot-system"

# What JSON Schema and a structural schema say with the same word.
KEPT = (
    *("type", "description", "enum", "required", "pattern", "minLength", "maxLength", "minimum", "maximum"),
    *("minItems", "maxItems", "minProperties", "maxProperties"),
)
MATCHES = re.compile(r"self\.matches\(r'(?P<pattern>.*)'\)")


def copies() -> Iterator[tuple[pathlib.Path, str]]:
    """Each file that stands elsewhere word for word, with its text."""
    for path in sorted(CRDS.glob("*.yaml")):
        yield CHARTS / "tradingbot-crds" / "files" / "crds" / path.name, path.read_text()
    for path in sorted(POLICIES.glob("*.yaml")):
        yield CHARTS / "tradingbot-operator" / "files" / "policies" / path.name, path.read_text()
    for chart in ("tradingbot", "tradingbot-operator"):
        yield CHARTS / chart / "files" / "probe.py", (CHARTS / "probe.py").read_text()
    # The operator's smoke test is that of `helm test`.
    yield ROOT / "operator/tradingbot_operator/files/probe.py", (CHARTS / "probe.py").read_text()


def closed(structural: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of *structural* that refuses every property it does not name."""
    schema = {word: structural[word] for word in KEPT if word in structural}
    if structural.get("x-kubernetes-int-or-string"):
        schema["type"] = ["integer", "string"]
    for rule in structural.get("x-kubernetes-validations", ()):
        if found := MATCHES.fullmatch(rule["rule"]):
            schema["pattern"] = found["pattern"]
    if "properties" in structural:
        schema["properties"] = {name: closed(part) for name, part in structural["properties"].items()}
        schema["additionalProperties"] = False
    elif "additionalProperties" in structural:
        schema["additionalProperties"] = closed(structural["additionalProperties"])
    if "items" in structural:
        schema["items"] = closed(structural["items"])
    return schema


def definition(kind: str) -> dict[str, Any]:
    """The structural schema of *kind*."""
    for path in sorted(CRDS.glob("*.yaml")):
        for found in yaml.safe_load_all(path.read_text()):
            if found and found["spec"]["names"]["kind"] == kind:
                schema: dict[str, Any] = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
                return schema
    raise SystemExit(f"no file of {CRDS.relative_to(ROOT)} defines {kind}; run `make manifests`")


def bot_schema() -> str:
    """The values schema of the tradingbot chart: its own values, and the spec of a TradingBot field by field."""
    own = json.loads((CHARTS / "tradingbot" / "values.own.schema.json").read_text())
    spec = closed(definition("TradingBot")["properties"]["spec"])
    # The chart says what is missing in words of its own (templates/checks.yaml).
    spec.pop("required", None)
    if twice := own["properties"].keys() & spec["properties"].keys():
        raise SystemExit(f"{sorted(twice)} is a value of the chart and a field of the spec; rename the value")
    return json.dumps(own | {"properties": own["properties"] | spec["properties"]}, indent=2) + "\n"


def helm() -> str:
    """The path of Helm 4."""
    if chosen := os.environ.get("HELM"):
        return chosen
    tool = subprocess.run([ROOT / "cluster" / "tool", "--path", "helm"], check=True, capture_output=True, text=True)  # noqa: S603
    return tool.stdout.strip()


def rendered(chart: str) -> list[dict[str, Any]]:
    """The objects of *chart* with its defaults, without the marks of a Helm release, which this is none of."""
    command = [helm(), "template", chart, str(CHARTS / chart), "--namespace", NAMESPACE, "--no-hooks"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    objects = [found for found in yaml.safe_load_all(text) if found]
    for found in objects:
        for labels in labels_of(found):
            labels.pop("helm.sh/chart", None)
            labels["app.kubernetes.io/managed-by"] = "kubectl"
        found["metadata"].get("annotations", {}).pop("helm.sh/resource-policy", None)
        if not found["metadata"].get("annotations", True):
            del found["metadata"]["annotations"]
    return objects


def labels_of(found: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The labels of *found* and of its pod template."""
    yield found["metadata"]["labels"]
    if template := found.get("spec", {}).get("template"):
        yield template["metadata"]["labels"]


def install() -> str:
    """Resource definitions, operator and policies in one file, for `kubectl apply --server-side`."""
    restricted = {f"pod-security.kubernetes.io/{what}": "restricted" for what in ("enforce", "warn")}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": restricted}}
    objects = [namespace, *rendered("tradingbot-crds"), *rendered("tradingbot-operator")]
    head = "# Generated by charts/sync.py. Apply with: kubectl apply --server-side -f manifests/install.yaml\n"
    return head + yaml.safe_dump_all(objects, sort_keys=False, width=120)


def write(path: pathlib.Path, text: str, check: bool) -> bool:
    """Whether *path* was stale; it holds *text* afterwards unless this is a *check*."""
    if path.exists() and path.read_text() == text:
        return False
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return True


def leftover(check: bool) -> list[pathlib.Path]:
    """Copies whose source is gone; they are gone too afterwards unless this is a *check*."""
    kept = {path for path, _ in copies()}
    folders = (CHARTS / "tradingbot-crds" / "files" / "crds", CHARTS / "tradingbot-operator" / "files" / "policies")
    stale = [path for folder in folders for path in sorted(folder.glob("*.yaml")) if path not in kept]
    for path in stale if not check else ():
        path.unlink()
    return stale


def main() -> int:
    parser = argparse.ArgumentParser(prog="charts/sync.py", description="Writes the generated files of the charts.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    check = parser.parse_args().check
    stale = leftover(check)
    stale += [path for path, text in copies() if write(path, text, check)]
    # The install file is rendered from the charts, so it comes after what they are made of.
    for path, text in ((CHARTS / "tradingbot" / "values.schema.json", bot_schema), (INSTALL, install)):
        if write(path, text(), check):
            stale.append(path)
    for path in stale:
        sys.stdout.write(f"{'stale' if check else 'wrote'} {path.relative_to(ROOT)}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

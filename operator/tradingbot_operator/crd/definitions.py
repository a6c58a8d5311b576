"""Both CustomResourceDefinitions, complete."""

from typing import Any

from pydantic import BaseModel

from tradingbot_operator.crd import rules
from tradingbot_operator.crd.rule import Rule
from tradingbot_operator.crd.schema import Schema, at, structural
from tradingbot_operator.domain.names import GROUP, VERSION
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.domain.status import BotStatus, TaskStatus
from tradingbot_operator.domain.task import TaskSpec

# Lists whose entries have names, so that two people can own different entries.
NAMED = {
    "spec.contacts": "name",
    "spec.strategies": "name",
    "spec.rollout.gates": "name",
    "spec.rollout.analysis": "name",
    "spec.monitoring.thresholds": "name",
    "spec.pod.imagePullSecrets": "name",
}
REPORTED = {"status.conditions": "type", "status.halts": "id"}
UNSEEN = {"observedGeneration": -1}


def _column(name: str, path: str, kind: str = "string", priority: int = 0) -> dict[str, Any]:
    return {"name": name, "type": kind, "jsonPath": path} | ({"priority": priority} if priority else {})


def _state(condition: str, what: str = "status") -> str:
    return f'.status.conditions[?(@.type=="{condition}")].{what}'


BOT_COLUMNS = [
    _column("Mode", ".status.mode"),
    _column("Active", ".status.active.colour"),
    _column("Ready", _state("Ready")),
    _column("Halted", _state("Halted")),
    _column("Phase", ".status.phase"),
    _column("Age", ".metadata.creationTimestamp", "date"),
    _column("Trading", _state("TradingActive"), priority=1),
    _column("Revision", ".status.active.revision", priority=1),
    _column("Epoch", ".status.active.epoch", "integer", 1),
    _column("Ledger", ".status.ledgerId", priority=1),
    _column("Reason", _state("Stalled", "reason"), priority=1),
]
TASK_COLUMNS = [
    _column("Bot", ".spec.bot"),
    _column("Type", ".spec.type"),
    _column("Complete", _state("Complete")),
    _column("Failed", _state("Failed")),
    _column("Age", ".metadata.creationTimestamp", "date"),
    _column("By", ".spec.requestedBy", priority=1),
    _column("Result", ".status.result", priority=1),
]


def tradingbots() -> Schema:
    names = {
        "kind": "TradingBot",
        "listKind": "TradingBotList",
        "plural": "tradingbots",
        "singular": "tradingbot",
        "shortNames": ["tb"],
    }
    root = _root(BotSpec, BotStatus, "A trading bot: exactly one copy of it can trade at every instant.")
    # Three parameters stand for them in configMode autonomous; the rules say when they must be there.
    del at(root, "spec")["required"]
    _mark_maps(root, NAMED | REPORTED)
    _add(root, rules.TRADINGBOT)
    return _definition(names, root, BOT_COLUMNS)


def bottasks() -> Schema:
    names = {
        "kind": "BotTask",
        "listKind": "BotTaskList",
        "plural": "bottasks",
        "singular": "bottask",
        "shortNames": ["bt"],
    }
    root = _root(TaskSpec, TaskStatus, "One request to one bot, and its one result.")
    _mark_maps(root, {"status.conditions": "type"})
    _add(root, rules.BOTTASK)
    return _definition(names, root, TASK_COLUMNS)


def _root(spec: type[BaseModel], status: type[BaseModel], description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": structural(spec),
            # Unseen by the operator is not the same as current: whoever waits must wait.
            "status": structural(status) | {"default": UNSEEN},
        },
    }


def _mark_maps(root: Schema, keys: dict[str, str]) -> None:
    for path, key in keys.items():
        at(root, path).update({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]})


def _add(root: Schema, added: tuple[Rule, ...]) -> None:
    for rule in added:
        at(root, rule.path).setdefault("x-kubernetes-validations", []).append(rule.entry())


def _definition(names: dict[str, Any], root: Schema, columns: list[dict[str, Any]]) -> Schema:
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": root},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }

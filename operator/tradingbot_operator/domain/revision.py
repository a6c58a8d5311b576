"""The name of a revision: a hash of what a person asked for, so that a newer operator finds the same revision again."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tradingbot_operator.domain.spec import BotSpec

HASH_VERSION = "1"
# What reaches the pod or its settings. The rest of a spec steers the operator and changes no pod.
RENDERED = (
    "mode",
    "config_mode",
    "profile",
    "image",
    "exchange",
    "strategy",
    "strategies",
    "engine",
    "capital",
    "risk",
    "database",
    "trading_day",
    "clock_sync",
    "circuit_breaker",
    "data",
    "logging",
    "resources",
    "pod",
)

WATCHED = ("observe_minutes", "size_percent")
COMPARED = ("interval", "foreign_orders")


def canonical(value: Any) -> str:
    """The one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any, digits: int) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:digits]


def asked(spec: BotSpec) -> dict[str, Any]:
    """The part of *spec* that makes a revision, nulls and fields at their default dropped."""
    said = spec.model_dump(mode="json", by_alias=True, include=set(RENDERED), exclude_defaults=True, exclude_none=True)
    # Of these the rest steers the operator; what is not said here leaves the names of before as they were.
    watched = spec.recovery.model_dump(mode="json", by_alias=True, include=set(WATCHED), exclude_none=True)
    compared = spec.reconcile.model_dump(mode="json", by_alias=True, include=set(COMPARED), exclude_defaults=True)
    parts = {"recovery": watched, "reconcile": compared}
    return said | {name: part for name, part in parts.items() if part}


def revision_name(spec: BotSpec, collisions: int = 0) -> str:
    """Twenty hex digits; equal requests have equal names, whatever else the spec says.

    *collisions* is how often a name of this bot was found taken by a revision with other content.
    """
    added = {"collisions": collisions} if collisions else {}
    return digest({"version": HASH_VERSION, "spec": asked(spec), **added}, 20)


def keyed_name(request: str, keys: str) -> str:
    """The name of a request that runs with keys of that fingerprint."""
    return digest({"request": request, "keys": keys}, 20)


def keys_fingerprint(bot_uid: str, data: Mapping[str, str]) -> str:
    """Ten hex digits that change with the content of a Secret; salted, so that equal keys of two bots do not show."""
    return digest({"bot": bot_uid, "data": dict(data)}, 10)


def is_record_of(spec: BotSpec, data: Mapping[str, Any]) -> bool:
    """Whether what was recorded is what *spec* asks for; what an older operator made of it may differ."""
    return data.get("hashVersion") == HASH_VERSION and canonical(data.get("spec")) == canonical(asked(spec))

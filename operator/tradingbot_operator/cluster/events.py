"""Kubernetes Events: one for each change of a condition's reason, and never the same one twice."""

import hashlib
from collections.abc import Mapping
from typing import Any

from tradingbot_operator.cluster.api import Api
from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.errors import Outdated
from tradingbot_operator.domain.names import API_VERSION, COMPONENT, TRADINGBOT

TOLD = ("Ready", "Stalled", "Halted", "TradingActive")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The conditions people are told of whose status or reason is new."""
    old = {each["type"]: (each["status"], each["reason"]) for each in before.get("conditions") or ()}
    return tuple(
        each
        for each in after["conditions"]
        if each["type"] in TOLD and old.get(each["type"]) != (each["status"], each["reason"])
    )


def event(bot: Bot, condition: Mapping[str, Any], now: str) -> Manifest:
    """An Event whose name is made of what it tells, so that telling it again changes nothing."""
    parts = (bot.uid, condition["type"], condition["status"], condition["reason"], condition["lastTransitionTime"])
    token = hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{bot.name}.{token}", "namespace": bot.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": TRADINGBOT,
            "name": bot.name,
            "namespace": bot.namespace,
            "uid": bot.uid,
        },
        "type": "Warning" if _is_bad(condition) else "Normal",
        "reason": condition["reason"],
        "message": f"{condition['type']} is {condition['status']}: {condition['message']}"[:1024],
        "source": {"component": COMPONENT},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _is_bad(condition: Mapping[str, Any]) -> bool:
    return condition["type"] in ("Stalled", "Halted") and condition["status"] == "True"


async def tell(api: Api, bot: Bot, after: Mapping[str, Any], now: str) -> None:
    """Every change of meaning has its Event."""
    for condition in changes(bot.status, after):
        try:
            await api.create(event(bot, condition, now))
        except Outdated:
            continue  # told before

"""Kubernetes Events: one for each change of a condition's reason that was not asked for, and none of them twice."""

import hashlib
from collections.abc import Mapping
from typing import Any

from tradingbot_operator.cluster.api import Api
from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.errors import Outdated, Refused
from tradingbot_operator.domain.names import API_VERSION, COMPONENT, TRADINGBOT

TOLD = ("Ready", "Stalled", "Halted", "TradingActive", "ForeignActivity", "VenueFailing")
LONGEST = 1024


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The conditions people are told of whose status or reason is new."""
    old = {each["type"]: (each["status"], each["reason"]) for each in before.get("conditions") or ()}
    current = [each for each in after["conditions"] if each["type"] in TOLD]
    if _is_starting(before):
        # That a new bot starts, serves and trades is what was asked for, and stands in its status.
        current = [each for each in current if _is_bad(each)]
    return tuple(each for each in current if old.get(each["type"]) != (each["status"], each["reason"]))


def _is_starting(before: Mapping[str, Any]) -> bool:
    """Nobody has held the lease yet, and no bad news has to be taken back."""
    return not before.get("highestEpoch") and not any(_is_bad(each) for each in before.get("conditions") or ())


def _is_bad(condition: Mapping[str, Any]) -> bool:
    return (
        condition["type"] in ("Stalled", "Halted", "ForeignActivity", "VenueFailing") and condition["status"] == "True"
    )


async def tell(api: Api, bot: Bot, after: Mapping[str, Any], now: str) -> None:
    """Every change of meaning has its Event."""
    await tell_skipped(api, bot, after, now)
    await tell_mode(api, bot, after, now)
    for condition in changes(bot.status, after):
        bad = _is_bad(condition)
        text = f"{condition['type']} is {condition['status']}: {condition['message']}"
        parts = (condition["type"], condition["status"], condition["reason"], now)
        await _post(api, event(bot, (reason(bot.status, condition), text, bad), now, parts))


def reason(before: Mapping[str, Any], condition: Mapping[str, Any]) -> str:
    """The word people look for: that the last halt is gone is news of its own."""
    was = any(each["type"] == "Halted" and each["status"] == "True" for each in before.get("conditions") or ())
    cleared = condition["type"] == "Halted" and condition["status"] == "False"
    return "HaltCleared" if cleared and was else str(condition["reason"])


def skipped(status: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The gates a person has skipped, each with the reason."""
    said = [*(status.get("promotion") or {}).get("gates", ()), *(status.get("rollout") or {}).get("gates", ())]
    return frozenset((each["gate"], each.get("message", "")) for each in said if each["result"] == "skipped")


async def tell_skipped(api: Api, bot: Bot, after: Mapping[str, Any], now: str) -> None:
    """People know which gate was skipped, and why."""
    for gate, why in sorted(skipped(after) - skipped(bot.status)):
        text = f"gate {gate} is skipped: {why}"
        await _post(api, event(bot, ("GateSkipped", text, True), now, ("skipped", gate, why, now)))


async def tell_mode(api: Api, bot: Bot, after: Mapping[str, Any], now: str) -> None:
    """People find in the history in which mode it traded, and from which epoch on."""
    before, active = bot.status.get("active") or {}, after.get("active") or {}
    if not before.get("book") or before["book"] == active.get("book"):
        return
    text = f"trades in mode {active.get('book')} from epoch {active.get('epoch')} on; before in mode {before['book']}"
    await _post(api, event(bot, ("ModeChanged", text, False), now, ("mode", active.get("epoch"), now)))


async def tell_left(api: Api, bot: Bot, left: str, now: str) -> None:
    """People know what a deleted bot left running."""
    text = f"let go at spec.deletion.deadline; still there: {left}"
    await _post(api, event(bot, ("DeletionDeadlineExceeded", text, True), now, (left,)))


def event(bot: Bot, said: tuple[str, str, bool], now: str, parts: tuple[Any, ...]) -> Manifest:
    """An Event whose name is made of *parts*, so that telling it again changes nothing."""
    reason, text, bad = said
    token = hashlib.sha256("/".join(map(str, (bot.uid, *parts))).encode()).hexdigest()[:16]
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
        "type": "Warning" if bad else "Normal",
        "reason": reason,
        "message": text[:LONGEST],
        "source": {"component": COMPONENT},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


async def _post(api: Api, manifest: Manifest) -> None:
    try:
        await api.create(manifest)
    except (Outdated, Refused):
        return  # told before, or a namespace that is going takes no more; an Event never stops a pass

"""From the API's objects to the small frozen records that are kept of them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tradingbot_operator.domain.names import (
    BOOK,
    CONFIG_OF,
    CONTAINER,
    IMAGE_ID,
    KEYS,
    LABEL_BOT,
    LABEL_COLOUR,
    LABEL_REVISION,
    NUMBER,
    REQUEST,
    ROTATED_AT,
)
from tradingbot_operator.domain.observed import (
    Adoption,
    Comparison,
    Halt,
    Pod,
    Report,
    Revision,
    Schema,
    Shadow,
    TokenSecret,
    Workload,
)

LONGEST_WORDS = 500
FATAL_WAITS = {
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
}


def controller_uid(body: Mapping[str, Any]) -> str | None:
    """The uid of the object that controls this one."""
    owners = body["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def bot_name(body: Mapping[str, Any]) -> str | None:
    labels = body["metadata"].get("labels") or {}
    name = labels.get(LABEL_BOT)
    return str(name) if name else None


def workload(body: Mapping[str, Any]) -> Workload:
    meta, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    labels = meta.get("labels") or {}
    return Workload(
        name=meta["name"],
        uid=meta["uid"],
        colour=labels.get(LABEL_COLOUR, ""),
        revision=labels.get(LABEL_REVISION, ""),
        generation=meta.get("generation", 0),
        observed_generation=status.get("observedGeneration", 0),
        replicas=spec.get("replicas", 1),
        ready=status.get("readyReplicas", 0),
        existing=status.get("replicas", 0),
        controller=controller_uid(body),
        claim=_claim(spec),
    )


def _claim(spec: Mapping[str, Any]) -> str:
    """The claim its pods keep their state on."""
    volumes = ((spec.get("template") or {}).get("spec") or {}).get("volumes") or ()
    claims = (each.get("persistentVolumeClaim") or {} for each in volumes if each.get("name") == "data")
    return next((str(each.get("claimName") or "") for each in claims), "")


def pod(body: Mapping[str, Any]) -> Pod:
    meta, status = body["metadata"], body.get("status") or {}
    labels = meta.get("labels") or {}
    conditions = {each["type"]: each["status"] for each in status.get("conditions") or ()}
    return Pod(
        name=meta["name"],
        uid=meta["uid"],
        colour=labels.get(LABEL_COLOUR, ""),
        revision=labels.get(LABEL_REVISION, ""),
        ready=conditions.get("Ready") == "True",
        deleting="deletionTimestamp" in meta,
        ip=status.get("podIP"),
        trouble=_trouble(meta["name"], status),
        annotations={
            key: value for key, value in (meta.get("annotations") or {}).items() if key.startswith("tradingbot.io/")
        },
        image_id=_image_id(status),
        made=meta.get("creationTimestamp") or "",
    )


def _image_id(status: Mapping[str, Any]) -> str:
    """The image the bot's own container runs, as the node resolved it."""
    own = (each for each in status.get("containerStatuses") or () if each.get("name") == CONTAINER)
    return next((str(each.get("imageID") or "") for each in own), "")


def is_over(body: Mapping[str, Any]) -> bool:
    """Whether all of a pod has ended for good: an evicted pod stays as an object and runs nothing."""
    return (body.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _trouble(name: str, status: Mapping[str, Any]) -> str | None:
    """Why this pod will not start by itself, in the kubelet's, the scheduler's or the process's own words."""
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in FATAL_WAITS:
            ended = (container.get("lastState") or {}).get("terminated") or {}
            words = ended.get("message") or waiting.get("message") or "no reason is given"
            return f"pod {name}: {waiting['reason']}: {words.strip()[-LONGEST_WORDS:]}"
    for condition in status.get("conditions") or ():
        if condition.get("reason") == "Unschedulable":
            return f"pod {name} finds no node: {condition.get('message', '')}"
    return None


def revision(body: Mapping[str, Any]) -> Revision:
    """From metadata alone: the data of a history is much, and read only where it is run."""
    meta = body["metadata"]
    notes = meta.get("annotations") or {}
    name = (meta.get("labels") or {}).get(LABEL_REVISION, "")
    return Revision(
        name=name,
        uid=meta["uid"],
        number=int(notes.get(NUMBER, 0)),
        config=notes.get(CONFIG_OF, ""),
        image_id=notes.get(IMAGE_ID, ""),
        request=notes.get(REQUEST, ""),
        keys=notes.get(KEYS, ""),
        book=notes.get(BOOK, ""),
    )


def tokens(body: Mapping[str, Any]) -> TokenSecret:
    """From metadata alone; one that was never rotated counts from its creation."""
    meta = body["metadata"]
    return TokenSecret(meta["name"], meta["resourceVersion"], rotated_at(meta))


def rotated_at(meta: Mapping[str, Any]) -> datetime:
    """When the Secret of that metadata says that it was rotated last, else when it was made."""
    made = datetime.fromisoformat(meta["creationTimestamp"])
    try:
        noted = datetime.fromisoformat((meta.get("annotations") or {})[ROTATED_AT])
    except (KeyError, ValueError):
        return made
    return noted if noted.tzinfo else made


def _halt(said: Mapping[str, Any]) -> Halt:
    return Halt(
        id=str(said["id"]),
        kind=str(said["kind"]),
        source=str(said["source"]),
        reason=str(said["reason"]),
        since=str(said["since"]),
        cause=str(said.get("cause", "Requested")),
    )


def _open(said: Any, word: str) -> tuple[str, ...]:
    """What those that are open say under *word*, if anything."""
    return tuple(str(each[word]) for each in said or () if each.get("state") == "open" and each.get(word))


def report(answer: Mapping[str, Any]) -> Report:
    """What changes meaning in a bot's /status; equity, prices and times of the day are left out."""
    halts = tuple(_halt(each) for each in answer.get("halts") or ())
    return Report(
        instance=str(answer.get("instance", "")),
        state=str(answer.get("state", "")),
        trading_active=bool(answer.get("trading_active")),
        epoch=answer.get("epoch"),
        highest_epoch=answer.get("highest_epoch"),
        ledger_id=answer.get("ledger_id"),
        holder=answer.get("holder"),
        mode=answer.get("mode"),
        book=answer.get("book"),
        halts=halts,
        outside=tuple(str(each) for each in answer.get("outside") or ()),
        paper_consistent=_flag(answer.get("paper_mode_consistent")),
        clock=str(answer.get("clock") or "ok"),
        breakers=_open(answer.get("circuit_breakers"), "name"),
        failures=frozenset(_open(answer.get("circuit_breakers"), "kind")),
        recovering=answer.get("recovering_until") is not None,
        flat=answer.get("flat") is True,
        schema=_schema(answer.get("schema")),
        exchange=answer.get("exchange"),
        database=answer.get("database"),
        adoption=_adoption(answer.get("adoption")),
        reconciliation=_comparison(answer.get("reconciliation")),
        unresolved=answer.get("unresolved"),
        journal=answer.get("journal"),
        positions=_held(answer.get("positions")),
        open_orders=answer.get("open_orders"),
        shadow=_shadow(answer.get("shadow")),
    )


def _flag(said: Any) -> bool | None:
    return said if isinstance(said, bool) else None


def _held(said: Any) -> int | None:
    """Positions that are more than dust; one that does not say counts."""
    return None if said is None else sum(1 for each in said if not each.get("dust"))


def _schema(said: Any) -> Schema | None:
    return Schema(str(said["code"]), str(said["ledger"])) if said else None


def _comparison(said: Any) -> Comparison | None:
    """Nothing before the first one."""
    if not said or said.get("at") is None:
        return None
    return Comparison(str(said["at"]), tuple(str(each) for each in said.get("differences") or ()))


def _adoption(said: Any) -> Adoption | None:
    if not said:
        return None
    counts = {name: int(said.get(name) or 0) for name in ("adopted", "cancelled", "recovered", "unknown")}
    took = int(Decimal(str(said.get("milliseconds") or 0)))
    return Adoption(int(said["epoch"]), str(said["result"]), milliseconds=took, **counts)


def _shadow(said: Any) -> Shadow | None:
    if not said:
        return None
    difference = Decimal(str(said.get("quantity_difference_percent") or "0"))
    return Shadow(int(said["compared"]), int(said["differing"]), difference)

"""A BotTask: one request, one result (design 5.2). Its spec never changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from tradingbot_operator.domain.complaint import first_complaint
from tradingbot_operator.domain.model import Part
from tradingbot_operator.domain.scalars import LongText, MomentText, ObjectName, ShortText

TaskType = Literal[
    "rollback",
    "promote",
    "backup",
    "restore",
    "flatten",
    "reconcile",
    "dataRefresh",
    "drDrill",
    "restart",
    "backtest",
    "train",
    "report",
]


# What the state machine of a hand-over carries out.
STEERED = frozenset({"rollback", "promote", "restart"})
# What stands as an order of its own until the bot's process has obeyed it.
ORDERED = frozenset({"flatten"})
# What the bot's process is asked for, until it has answered.
ASKED = frozenset({"reconcile"})
OF_A_BOT = STEERED | ORDERED | ASKED
# What a Job works out, beside the bot and without its ledger and its account.
COMPUTED = frozenset({"train", "dataRefresh"})
# Of a data refresh: what is put into the ledger, and by which words of ``atb data``.
INTO_LEDGER: Mapping[str, tuple[str, ...]] = {
    "filters": ("fetch-filters", "--universe"),
    "fees": ("refresh-fees",),
    "universe": ("universe",),
}


class TaskSpec(Part):
    bot: ObjectName
    """TradingBot in the same namespace."""
    type: TaskType
    """What is to be done."""
    requested_by: ShortText | None = None
    """Who asks; the creator, if given."""
    reason: LongText | None = None
    """Why."""
    not_after: MomentText | None = None
    """Time after which it must not start."""
    target: ShortText | None = None
    """Revision to go back to, backup to restore, or claim with recordings: to train on, or to refresh."""
    parameters: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=64)], Annotated[str, Field(max_length=256)]],
        Field(default_factory=dict, max_length=32),
    ]
    """What else the type needs."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31536000)] = 604800
    """How long the finished task is kept."""


@dataclass(frozen=True, slots=True)
class Task:
    """*spec* is None where it cannot be understood; *complaint* says why."""

    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    deleted: bool
    spec: TaskSpec | None
    complaint: str | None
    status: Mapping[str, Any]
    created: str = ""

    @property
    def finished_at(self) -> datetime | None:
        text = self.status.get("finishedAt")
        return datetime.fromisoformat(text) if text else None


def parse_task(body: Mapping[str, Any]) -> Task:
    """The task in *body*."""
    metadata = body["metadata"]
    spec, complaint = None, None
    try:
        spec = TaskSpec.model_validate(body.get("spec") or {})
    except ValidationError as error:
        complaint = first_complaint(error)
    return Task(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        resource_version=metadata.get("resourceVersion", ""),
        deleted="deletionTimestamp" in metadata,
        spec=spec,
        complaint=complaint,
        status=body.get("status") or {},
        created=metadata.get("creationTimestamp") or "",
    )

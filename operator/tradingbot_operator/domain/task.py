"""A BotTask: one request, one result (design 5.2). Its spec never changes."""

from typing import Annotated, Literal

from pydantic import Field

from tradingbot_operator.domain.model import Part
from tradingbot_operator.domain.scalars import LongText, ObjectName, ShortText

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


class TaskSpec(Part):
    bot: ObjectName
    type: TaskType
    requested_by: ShortText | None = None
    reason: LongText | None = None
    not_after: Annotated[str, Field(json_schema_extra={"format": "date-time", "maxLength": 40})] | None = None
    target: ShortText | None = None
    parameters: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=64)], Annotated[str, Field(max_length=256)]],
        Field(max_length=32),
    ] = {}
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31536000)] = 604800

"""The shape of what the operator reports. No counters, no heartbeats: it changes only when its meaning does."""

from typing import Annotated, Literal

from pydantic import Field

from tradingbot_operator.domain.model import Part

Word = Annotated[str, Field(max_length=256)]
Sentence = Annotated[str, Field(max_length=32768)]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time", "maxLength": 40})]
Int64 = Annotated[int, Field(json_schema_extra={"format": "int64"})]


class ReportedCondition(Part):
    type: Annotated[str, Field(max_length=316)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    message: Sentence
    observed_generation: Int64 | None = None
    last_transition_time: Moment


class Active(Part):
    """Which revision serves, in which colour, and since when."""

    colour: Literal["blue", "green"]
    revision: Word
    epoch: Int64 | None = None
    since: Moment


class ReportedRollout(Part):
    step: Word | None = None
    candidate: Word | None = None
    successor: Word | None = None
    started_at: Moment | None = None
    deadline: Moment | None = None
    reason: Sentence | None = None
    held: bool | None = None


class ReportedHalt(Part):
    id: Word
    kind: Literal["reduce", "halt", "flatten"]
    source: Word
    reason: Sentence
    since: Moment


class ReportedReconciliation(Part):
    result: Word | None = None
    at: Moment | None = None
    message: Sentence | None = None


class ReportedBackup(Part):
    last: Word | None = None
    at: Moment | None = None
    verified: bool | None = None


class BotStatus(Part):
    observed_generation: Int64 | None = None
    phase: Word | None = None
    mode: Word | None = None
    conditions: Annotated[tuple[ReportedCondition, ...], Field(max_length=32)] = ()
    active: Active | None = None
    ledger_id: Word | None = None
    highest_epoch: Int64 | None = None
    exit_grant_until: Moment | None = None
    rollout: ReportedRollout | None = None
    halts: Annotated[tuple[ReportedHalt, ...], Field(max_length=64)] = ()
    reconciliation: ReportedReconciliation | None = None
    backup: ReportedBackup | None = None
    key_fingerprint: Word | None = None
    schema_version: Word | None = None


class TaskStatus(Part):
    observed_generation: Int64 | None = None
    phase: Word | None = None
    conditions: Annotated[tuple[ReportedCondition, ...], Field(max_length=16)] = ()
    target: Word | None = None
    started_at: Moment | None = None
    finished_at: Moment | None = None
    hash: Word | None = None
    result: Sentence | None = None

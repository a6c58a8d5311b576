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
    cause: Word | None = None
    """One word for what has halted."""


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
    """Generation the operator has acted on; -1 before it has seen the bot."""
    phase: Word | None = None
    """One word for people; nothing decides by it."""
    mode: Word | None = None
    """Mode in force."""
    conditions: Annotated[tuple[ReportedCondition, ...], Field(max_length=32)] = ()
    """What is true of the bot; see the reference for all reasons."""
    active: Active | None = None
    """What serves."""
    ledger_id: Word | None = None
    """Ledger of the bot."""
    highest_epoch: Int64 | None = None
    """Highest epoch ever seen; it never goes back."""
    exit_grant_until: Moment | None = None
    """Until when exits without the ledger were granted."""
    rollout: ReportedRollout | None = None
    """How far a swap is."""
    halts: Annotated[tuple[ReportedHalt, ...], Field(max_length=64)] = ()
    """Halts that stand; each is resumed by its id."""
    reconciliation: ReportedReconciliation | None = None
    """Last comparison with the venue."""
    backup: ReportedBackup | None = None
    """Last backup."""
    key_fingerprint: Word | None = None
    """Fingerprint of the keys in use; it changes with them and tells nothing about them."""
    schema_version: Word | None = None
    """Version of the ledger."""
    collision_count: Int64 | None = None
    """How often a revision's name was taken by one with other content; it is part of the names of later ones."""


class TaskStatus(Part):
    observed_generation: Int64 | None = None
    """Generation the operator has acted on."""
    phase: Word | None = None
    """One word for people."""
    conditions: Annotated[tuple[ReportedCondition, ...], Field(max_length=16)] = ()
    """Complete or Failed."""
    target: Word | None = None
    """What the target was resolved to."""
    started_at: Moment | None = None
    """When it began."""
    finished_at: Moment | None = None
    """When it ended."""
    hash: Word | None = None
    """Hash of the request, kept in the ledger."""
    result: Sentence | None = None
    """What came of it."""

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
    mode: Word | None = None
    """Mode in which it trades."""
    book: Word | None = None
    """What its positions are kept in: the mode, or sandbox."""
    since: Moment


class ReportedPlace(Part):
    colour: Literal["blue", "green"]
    revision: Word


class ReportedVerdict(Part):
    gate: Word
    result: Literal["passed", "waiting", "refused", "skipped"]
    message: Sentence = ""


class ReportedHeld(Part):
    revision: Word
    reason: Sentence


class ReportedAdoption(Part):
    epoch: Int64
    result: Word
    adopted: Int64
    cancelled: Int64
    recovered: Int64
    unknown: Int64
    milliseconds: Int64


class ReportedRollout(Part):
    uid: Word
    kind: Literal["swap", "rollback", "promotion", "mode", "restart", "takeover"]
    step: Word
    source: Annotated[ReportedPlace, Field(alias="from")]
    """Who had the lease when it began."""
    target: Annotated[ReportedPlace, Field(alias="to")]
    """Who is to have it."""
    epoch: Int64 | None = None
    """Epoch of the trader that is asked to release."""
    successor: Word | None = None
    """Role, process and revision that are to be named next."""
    started_at: Moment
    step_since: Moment
    deadline: Moment | None = None
    """When this step is over, whatever has come of it."""
    reason: Sentence | None = None
    gates: Annotated[tuple[ReportedVerdict, ...], Field(max_length=32)] = ()
    """What each gate said last."""
    held: ReportedHeld | None = None
    """A revision that is not tried again until the spec changes or a promote task names it."""
    task: Word | None = None
    """Task that asked for it."""
    adoption: ReportedAdoption | None = None
    """What the new trader found when it took over."""


class ReportedSpell(Part):
    """How long one configuration was traded in one mode."""

    mode: Word
    config: Word
    """Hash of what decides and limits: venue, symbols, strategy, engine and risk."""
    revision: Word
    seconds: Int64
    """How long, up to since."""
    since: Moment | None = None
    """Since when it trades; nothing while it does not."""
    halted: Moment | None = None
    """When it obeyed a person's halt last."""


class ReportedPromotion(Part):
    config: Word
    gates: Annotated[tuple[ReportedVerdict, ...], Field(max_length=16)] = ()
    """What each gate said last."""


class ReportedTask(Part):
    """A task that steered this bot; one of this name is never carried out again."""

    name: Word
    uid: Word


class ReportedHalt(Part):
    id: Word
    kind: Literal["reduce", "halt", "flatten"]
    source: Word
    reason: Sentence
    since: Moment
    cause: Word | None = None
    """One word for what has halted."""


class ReportedReconciliation(Part):
    result: Literal["Matches", "Differs"] | None = None
    at: Moment | None = None
    """When it first came out so; last_reconcile_timestamp_seconds tells when it was looked at last."""
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
    practice: Annotated[tuple[ReportedSpell, ...], Field(max_length=8)] = ()
    """What was practised without money."""
    promotion: ReportedPromotion | None = None
    """The gates before money, as they stood last."""
    tasks: Annotated[tuple[ReportedTask, ...], Field(max_length=64)] = ()
    """Tasks that steered this bot, newest last; none is carried out twice."""
    halts: Annotated[tuple[ReportedHalt, ...], Field(max_length=64)] = ()
    """Halts that stand; each is resumed by its id."""
    halt_order: Word | None = None
    """Name of the halt its pods carry."""
    reconciliation: ReportedReconciliation | None = None
    """How ledger and account compared last, at the interval of spec.reconcile."""
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

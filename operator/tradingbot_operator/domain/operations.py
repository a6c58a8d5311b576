"""How a bot is run over time: roll-out, backup, recovery, monitoring, deletion."""

from typing import Annotated, Literal

from pydantic import Field

from tradingbot_operator.domain.model import Part
from tradingbot_operator.domain.scalars import (
    ClockText,
    CronText,
    DecimalText,
    ImageText,
    LongSpan,
    LongText,
    NameText,
    ObjectName,
    PercentText,
    ShortText,
    SizeText,
    Span,
    TimezoneText,
    UrlText,
)


class Window(Part):
    """A span of the day, on some days or every day."""

    days: Annotated[tuple[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ...], Field(max_length=7)] = ()
    """Days of the week; every day if none is named."""
    start: ClockText
    """When it begins."""
    end: ClockText
    """When it ends; before the start means on the next day."""
    timezone: TimezoneText = "UTC"
    """Zone of both times."""


class JobCheck(Part):
    """A Job that asks one colour and answers with its exit code: 0 passes."""

    command: Annotated[tuple[ShortText, ...], Field(min_length=1, max_length=32)]
    """What it runs; TRADINGBOT_TARGET in its environment is the address of the pod it asks."""
    image: ImageText | None = None
    """Image it runs; that of the bot otherwise."""
    deadline: Span | None = None
    """How long it may take; 5m otherwise."""


class Gate(Part):
    """One named condition that a candidate must meet before it may trade."""

    name: Literal["ready", "shadow", "errors", "latency", "data", "model", "smoke", "job"]
    """What is looked at; smoke asks the candidate's addresses as helm test does, job runs a Job of yours."""
    threshold: DecimalText | None = None
    """Largest value that still passes."""
    window: Span | None = None
    """How long it is looked at."""
    job: JobCheck | None = None
    """The Job of gate job."""


class Analysis(Part):
    """One check while a new version is observed: it goes back when it fails what the old one passes."""

    name: NameText
    """What is looked at."""
    query: LongText | None = None
    """A query of Prometheus with one value; it names $colour, and may name $bot and $namespace."""
    threshold: DecimalText | None = None
    """Largest value of the query that still passes."""
    job: JobCheck | None = None
    """A Job instead of a query, run against both colours."""
    window: Span | None = None
    """Pause between two runs of the Job; it runs once otherwise."""


class Rollout(Part):
    strategy: Literal["BlueGreen", "Recreate"] = "BlueGreen"
    """BlueGreen swaps without a gap; Recreate stops first."""
    observe: Span = "15m"
    """How long the old version stays warm after a swap."""
    adopt_deadline: Span = "10s"
    """How long the new one may take to take over."""
    deadline: Span = "10m"
    """How long a start may take before the bot is Stalled."""
    gates: Annotated[tuple[Gate, ...], Field(max_length=16)] = ()
    """What a candidate must pass."""
    analysis: Annotated[tuple[Analysis, ...], Field(max_length=8)] = ()
    """What a new version must not fail while the old one, still warm, passes it."""
    history_limit: Annotated[int, Field(ge=2, le=100)] = 10
    """Revisions kept."""
    standby: Literal["none", "warm"] = "none"
    """Whether the other colour runs along; revisions made with it prefer two nodes."""
    blackout_windows: Annotated[tuple[Window, ...], Field(max_length=16)] = ()
    """When no swap begins."""


class SecretKey(Part):
    name: ObjectName
    """Secret in the namespace of the bot."""
    key: ShortText
    """Key in it."""


class ObjectStore(Part):
    bucket: ShortText
    """Bucket."""
    prefix: ShortText | None = None
    """Folder in it."""
    endpoint: UrlText | None = None
    """Address of the service."""
    region: NameText | None = None
    """Region of the service."""
    credentials_secret_ref: SecretKey | None = None
    """Keys of the service."""


class Destination(Part):
    s3: ObjectStore | None = None
    """A bucket."""
    claim: ObjectName | None = None
    """A claim in the namespace of the bot; one named after it, <bot>-backups, is made by the operator."""


class Retention(Part):
    hourly: Annotated[int, Field(ge=0, le=1000)] = 24
    """Hourly backups kept."""
    daily: Annotated[int, Field(ge=0, le=1000)] = 14
    """Daily backups kept."""
    weekly: Annotated[int, Field(ge=0, le=1000)] = 8
    """Weekly backups kept."""
    monthly: Annotated[int, Field(ge=0, le=1000)] = 12
    """Monthly backups kept."""


class Backup(Part):
    schedule: CronText
    """When, as five cron fields."""
    timezone: TimezoneText = "UTC"
    """Zone of the schedule."""
    destination: Destination
    """Where to."""
    retention: Retention = Retention()
    """How many are kept."""
    encryption_key_secret_ref: SecretKey | None = None
    """Key they are encrypted with."""
    verify: Literal["Always", "Weekly", "Never"] = "Always"
    """How often a backup is proved by restoring it."""
    size: SizeText | None = None
    """Size of the scratch volume."""


class Reconciliation(Part):
    """How often the ledger is compared with the venue, and what an unexplained difference does."""

    interval: Span = "1h"
    """Pause between two comparisons."""
    on_mismatch: Literal["Halt", "Adopt", "Report"] = "Halt"
    """What an unexplained difference does."""
    foreign_orders: Literal["Halt", "Report", "Ignore"] = "Report"
    """What somebody else does on the account leads to: an order, a trade, coins that come or go."""


class Recovery(Part):
    resume: Literal["Manual", "Automatic"] = "Manual"
    """Whether trading resumes by itself after a failure."""
    max_restarts: Annotated[int, Field(ge=0, le=100)] = 5
    """Restarts within the window before a person must act."""
    window: Span = "10m"
    """That window."""
    observe_minutes: Annotated[int, Field(ge=0, le=120)] | None = None
    """For how long entries are smaller after a crash; 60 in mode live and 0 in others by default."""
    size_percent: PercentText | None = None
    """Their size meanwhile, as a share of the usual one; 50 by default."""


class ClockSync(Part):
    max_offset: Span = "1s"
    """Offset to the venue above which nothing is entered; killThresholdMs says less."""
    interval: Span = "1m"
    """Pause between two measurements."""
    warn_threshold_ms: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Offset above which the condition ClockSkew tells of it; 200 by default."""
    kill_threshold_ms: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Offset above which nothing is entered; 1000 by default."""


class CircuitBreaker(Part):
    failures: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Failures of one operation at the venue that open its breaker; 5 by default."""
    window_seconds: Annotated[int, Field(ge=1, le=3600)] | None = None
    """Within which they count; 60 by default."""
    recovery_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] | None = None
    """How long it stays open before one call may try; 60 by default."""


class Threshold(Part):
    name: NameText
    """What is measured."""
    warning: DecimalText | None = None
    """Value that warns."""
    critical: DecimalText | None = None
    """Value that calls."""


class Monitoring(Part):
    pod_monitor: Literal["Auto", "Never"] = "Auto"
    """Whether a PodMonitor is made where the cluster knows them."""
    labels: Annotated[
        dict[Annotated[str, Field(max_length=316)], Annotated[str, Field(max_length=63)]],
        Field(default_factory=dict, max_length=16),
    ]
    """Labels of what is made for monitoring."""
    thresholds: Annotated[tuple[Threshold, ...], Field(max_length=32)] = ()
    """Other limits than the usual ones."""
    prometheus: UrlText | None = None
    """Prometheus that checks of rollout.analysis are asked of."""


class Contact(Part):
    """Who is called when money is at risk."""

    name: ShortText
    """Who."""
    email: ShortText | None = None
    """Address."""
    phone: ShortText | None = None
    """Number."""
    url: UrlText | None = None
    """Where to post to."""
    severity: Literal["info", "warning", "critical"] = "critical"
    """From which severity on."""


class Maintenance(Part):
    windows: Annotated[tuple[Window, ...], Field(max_length=16)] = ()
    """When work may be done."""
    message: LongText | None = None
    """What people are told meanwhile."""


class Deletion(Part):
    """What happens to positions when the bot is deleted, and how long it may take."""

    positions: Literal["Keep", "Flatten"] = "Keep"
    """Whether open positions are kept or closed."""
    deadline: LongSpan = "10m"
    """How long an orderly end may take before the bot is let go."""

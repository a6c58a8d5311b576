"""How a bot is run over time: roll-out, backup, recovery, monitoring, deletion."""

from typing import Annotated, Literal

from pydantic import Field

from tradingbot_operator.domain.model import Part
from tradingbot_operator.domain.scalars import (
    ClockText,
    CronText,
    DecimalText,
    LongSpan,
    LongText,
    NameText,
    ObjectName,
    ShortText,
    SizeText,
    Span,
    TimezoneText,
    UrlText,
)


class Window(Part):
    """A span of the day, on some days or every day."""

    days: Annotated[tuple[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ...], Field(max_length=7)] = ()
    start: ClockText
    end: ClockText
    timezone: TimezoneText = "UTC"


class Gate(Part):
    """One named condition that a candidate must meet before it may trade."""

    name: Literal["ready", "shadow", "errors", "latency", "data", "model"]
    threshold: DecimalText | None = None
    window: Span | None = None


class Rollout(Part):
    strategy: Literal["BlueGreen", "Recreate"] = "BlueGreen"
    observe: Span = "15m"
    adopt_deadline: Span = "10s"
    deadline: Span = "10m"
    gates: Annotated[tuple[Gate, ...], Field(max_length=16)] = ()
    history_limit: Annotated[int, Field(ge=2, le=100)] = 10
    standby: Literal["none", "warm"] = "none"
    blackout_windows: Annotated[tuple[Window, ...], Field(max_length=16)] = ()


class SecretKey(Part):
    name: ObjectName
    key: ShortText


class ObjectStore(Part):
    bucket: ShortText
    prefix: ShortText | None = None
    endpoint: UrlText | None = None
    region: NameText | None = None
    credentials_secret_ref: SecretKey | None = None


class Destination(Part):
    s3: ObjectStore | None = None
    claim: ObjectName | None = None


class Retention(Part):
    hourly: Annotated[int, Field(ge=0, le=1000)] = 24
    daily: Annotated[int, Field(ge=0, le=1000)] = 14
    weekly: Annotated[int, Field(ge=0, le=1000)] = 8
    monthly: Annotated[int, Field(ge=0, le=1000)] = 12


class Backup(Part):
    schedule: CronText
    timezone: TimezoneText = "UTC"
    destination: Destination
    retention: Retention = Retention()
    encryption_key_secret_ref: SecretKey | None = None
    verify: Literal["Always", "Weekly", "Never"] = "Always"
    size: SizeText | None = None


class Reconciliation(Part):
    """How often the ledger is compared with the venue, and what an unexplained difference does."""

    interval: Span = "1h"
    on_mismatch: Literal["Halt", "Adopt", "Report"] = "Halt"
    foreign_orders: Literal["Halt", "Report"] = "Halt"


class Recovery(Part):
    resume: Literal["Manual", "Automatic"] = "Manual"
    max_restarts: Annotated[int, Field(ge=0, le=100)] = 5
    window: Span = "10m"


class Threshold(Part):
    name: NameText
    warning: DecimalText | None = None
    critical: DecimalText | None = None


class Monitoring(Part):
    pod_monitor: Literal["Auto", "Never"] = "Auto"
    labels: Annotated[
        dict[Annotated[str, Field(max_length=316)], Annotated[str, Field(max_length=63)]],
        Field(default_factory=dict, max_length=16),
    ]
    thresholds: Annotated[tuple[Threshold, ...], Field(max_length=32)] = ()


class Contact(Part):
    """Who is called when money is at risk."""

    name: ShortText
    email: ShortText | None = None
    phone: ShortText | None = None
    url: UrlText | None = None
    severity: Literal["info", "warning", "critical"] = "critical"


class Maintenance(Part):
    windows: Annotated[tuple[Window, ...], Field(max_length=16)] = ()
    message: LongText | None = None


class Deletion(Part):
    """What happens to positions when the bot is deleted, and how long it may take."""

    positions: Literal["Keep", "Flatten"] = "Keep"
    deadline: LongSpan = "10m"

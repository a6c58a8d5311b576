"""What a person may ask of a bot: the spec of a TradingBot, one class for each part (design 5.1)."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from tradingbot_operator.domain.model import Part
from tradingbot_operator.domain.operations import (
    Backup,
    Contact,
    Deletion,
    Maintenance,
    Monitoring,
    Reconciliation,
    Recovery,
    Rollout,
)
from tradingbot_operator.domain.placement import Pod, Resources, Storage
from tradingbot_operator.domain.scalars import (
    ClockText,
    CoinText,
    DecimalText,
    ImageText,
    LongSpan,
    NameText,
    ObjectName,
    PercentText,
    SizeText,
    Span,
    SymbolText,
    TimezoneText,
    UrlText,
    VenueText,
)


class Mode(StrEnum):
    SIM = "sim"
    DRY_RUN = "dry-run"
    PAPER = "paper"
    LIVE = "live"


class Profile(StrEnum):
    DEV = "dev"
    STANDARD = "standard"
    RECOMMENDED = "recommended"


class DatabaseMode(StrEnum):
    EMBEDDED = "embedded"
    MANAGED = "managed"
    POSTGRES = "postgres"


class CredentialsRef(Part):
    """Keys of the venue: one Secret for both colours, or one for each."""

    name: ObjectName | None = None
    blue: ObjectName | None = None
    green: ObjectName | None = None


class SecretRef(Part):
    name: ObjectName


class BackupVenue(Part):
    name: VenueText
    endpoint: UrlText | None = None
    credentials_secret_ref: CredentialsRef | None = None


class Exchange(Part):
    name: VenueText
    symbols: Annotated[tuple[SymbolText, ...], Field(min_length=1, max_length=20)]
    endpoint: UrlText | None = None
    sandbox: bool = False
    shared: bool = False
    credentials_secret_ref: CredentialsRef | None = None
    backup: BackupVenue | None = None
    proxy: UrlText | None = None


class Strategy(Part):
    name: NameText
    timeframe: Literal["1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"] = "1m"
    parameters: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=64)], Annotated[str, Field(max_length=256)]],
        Field(default_factory=dict, max_length=64),
    ]


class Engine(Part):
    check_interval: Span = "15s"
    warmup_bars: Annotated[int, Field(ge=1, le=5000)] = 200
    soft_memory_limit_mb: Annotated[int, Field(ge=64, le=1048576)] | None = None


class Capital(Part):
    initial: DecimalText = "10000"
    currency: CoinText | None = None


class Risk(Part):
    max_order_notional: DecimalText | None = None
    max_position_notional: DecimalText | None = None
    max_open_positions: Annotated[int, Field(ge=1, le=1000)] | None = None
    max_orders_per_minute: Annotated[int, Field(ge=1, le=6000)] | None = None
    max_daily_loss: DecimalText | None = None
    max_daily_loss_percent: PercentText | None = None
    max_drawdown_percent: PercentText | None = None
    stale_after: Span | None = None
    stop_loss_percent: PercentText | None = None
    order_fraction_percent: PercentText | None = None


class PostgresServer(Part):
    """A server of the user's: who owns the tables, and who may fence."""

    owner_secret_ref: SecretRef
    fencer_secret_ref: SecretRef


class ManagedServer(Part):
    version: Literal["15", "17"] = "17"
    size: SizeText | None = None
    class_name: ObjectName | None = None


class Database(Part):
    mode: DatabaseMode = DatabaseMode.EMBEDDED
    postgres: PostgresServer | None = None
    managed: ManagedServer | None = None


class TradingDay(Part):
    reset: ClockText = "00:00"
    timezone: TimezoneText = "UTC"


class ClockSync(Part):
    max_offset: Span = "1s"
    interval: Span = "1m"


class Data(Part):
    source: NameText | None = None
    cache_size: SizeText | None = None
    history: LongSpan | None = None


class Logging(Part):
    level: Literal["debug", "info", "warning", "error"] = "info"


class BotSpec(Part):
    """The whole request; exchange.name, exchange.symbols and strategy.name are enough for a paper bot."""

    mode: Mode = Mode.PAPER
    profile: Profile = Profile.STANDARD
    image: ImageText | None = None
    exchange: Exchange
    strategy: Strategy
    engine: Engine = Engine()
    capital: Capital = Capital()
    risk: Risk = Risk()
    database: Database = Database()
    storage: Storage = Storage()
    rollout: Rollout = Rollout()
    backup: Backup | None = None
    reconcile: Reconciliation = Reconciliation()
    recovery: Recovery = Recovery()
    trading_day: TradingDay = TradingDay()
    clock_sync: ClockSync = ClockSync()
    data: Data = Data()
    logging: Logging = Logging()
    monitoring: Monitoring = Monitoring()
    contacts: Annotated[tuple[Contact, ...], Field(max_length=16)] = ()
    maintenance: Maintenance = Maintenance()
    deletion: Deletion = Deletion()
    suspend: bool = False
    resources: Resources = Resources()
    pod: Pod = Pod()

    @property
    def keeps_state(self) -> bool:
        """Whether what the bot wrote must outlive its pod: live and sandbox bots own orders at a venue."""
        return self.mode is Mode.LIVE or self.exchange.sandbox

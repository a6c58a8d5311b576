"""What a person may ask of a bot: the spec of a TradingBot, one class for each part (design 5.1)."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from tradingbot_operator.domain.autonomous import Autonomous
from tradingbot_operator.domain.deciding import Engine, OtherStrategy, Strategy
from tradingbot_operator.domain.model import Part
from tradingbot_operator.domain.operations import (
    Backup,
    CircuitBreaker,
    ClockSync,
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
    DayText,
    DecimalText,
    HoursText,
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
    """Secret with apiKey, secret and, where the venue asks for one, password."""
    blue: ObjectName | None = None
    """Secret of the blue colour."""
    green: ObjectName | None = None
    """Secret of the green colour."""


class SecretRef(Part):
    name: ObjectName
    """Secret in the namespace of the bot."""


class BackupVenue(Part):
    name: VenueText
    """Venue in the spelling of ccxt."""
    endpoint: UrlText | None = None
    """Address to use instead of its own."""
    credentials_secret_ref: CredentialsRef | None = None
    """Keys for it."""


class Exchange(Part):
    name: VenueText
    """binance, coinbase, kraken or kucoin; changes only while suspended."""
    symbols: Annotated[tuple[SymbolText, ...], Field(min_length=1, max_length=200)]
    """What is traded, all quoted in one coin."""
    endpoint: UrlText | None = None
    """Address to use instead of the venue's own."""
    sandbox: bool = False
    """Orders go to the venue's sandbox; mode paper only."""
    shared: bool = False
    """Other bots or people trade on the same account."""
    credentials_secret_ref: CredentialsRef | None = None
    """Keys of the account; live and sandbox only. Changed keys are a new revision, found within ten minutes."""
    backup: BackupVenue | None = None
    """Venue to turn to when this one is away."""
    proxy: UrlText | None = None
    """Proxy for everything sent to the venue."""
    timeout_ms: Annotated[int, Field(ge=500, le=20000)] | None = None
    """How long one request may take; 5000 by default."""
    retries: Annotated[int, Field(ge=1, le=10)] | None = None
    """How often a read is asked before it has failed; 3 by default. No order is ever sent twice."""


class Capital(Part):
    initial: DecimalText = "10000"
    """What the bot starts with, in its quote coin."""
    currency: CoinText | None = None
    """Quote coin; that of the symbols by default."""


class Risk(Part):
    enabled: bool | None = None
    """Whether losses, positions at one time and order rates halt and refuse; true by default, and always in live."""
    max_order_notional: DecimalText | None = None
    """Largest order, in the quote coin; 1000 by default."""
    max_position_notional: DecimalText | None = None
    """Largest position of one symbol; 2000 by default."""
    max_open_positions: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Positions at one time; 3 by default."""
    max_orders_per_minute: Annotated[int, Field(ge=1, le=6000)] | None = None
    """Orders in any minute; 10 by default."""
    max_daily_loss: DecimalText | None = None
    """Loss of a trading day that halts; 200 by default."""
    max_daily_loss_percent: PercentText | None = None
    """The same as a share of the equity; 2 by default."""
    max_drawdown_percent: PercentText | None = None
    """Fall from the highest equity that halts; 10 by default."""
    stale_after: Span | None = None
    """Age of data above which entries are refused; 2m by default."""
    stop_loss_percent: PercentText | None = None
    """Distance of the protective stop; 2 by default."""
    order_fraction_percent: PercentText | None = None
    """Share of the equity put into one order; 10 by default."""
    flash_drawdown_percent: PercentText | None = None
    """Fall within an hour that closes every position and halts; 20 by default."""
    min_win_rate_percent: PercentText | None = None
    """Share of winners below which a losing day halts; never by default."""
    min_trades: Annotated[int, Field(ge=1, le=10000)] | None = None
    """Round trips of a day before their win rate counts; 20 by default."""


class Safety(Part):
    acknowledge_live_risk: bool | None = None
    """Somebody has said that this bot trades real money; mode live needs it."""


class PostgresServer(Part):
    """A server of the user's: who owns the tables, and who may fence."""

    owner_secret_ref: SecretRef
    """Who owns the tables; used by migration and restore only."""
    fencer_secret_ref: SecretRef
    """Who may fence a colour; used by the operator only."""


class ManagedServer(Part):
    version: Literal["15", "17"] = "17"
    """PostgreSQL major version."""
    size: SizeText | None = None
    """Size of its claim."""
    class_name: ObjectName | None = None
    """Storage class of its claim."""


class Database(Part):
    mode: DatabaseMode = DatabaseMode.EMBEDDED
    """embedded is SQLite on the state volume; it cannot fence, so live refuses it."""
    postgres: PostgresServer | None = None
    """A server of yours."""
    managed: ManagedServer | None = None
    """A server the operator runs."""


class TradingDay(Part):
    reset: ClockText = "00:00"
    """When daily limits begin anew."""
    timezone: TimezoneText = "UTC"
    """Zone of these times."""
    hours: HoursText | None = None
    """When a market that closes is open, such as Mon-Fri 09:30-16:00; entries wait outside of them."""
    holidays: Annotated[tuple[DayText, ...], Field(max_length=400)] = ()
    """Days on which it does not open."""


class Data(Part):
    source: NameText | None = None
    """Venue whose past is gathered for trainings and replays, if another; what is decided rests on exchange.name."""
    cache_size: SizeText | None = None
    """Largest cache of candles; 64Mi by default."""
    cache_ttl: LongSpan | None = None
    """How long candles in it are believed at a start; 7d by default."""
    filters_max_age_days: Annotated[int, Field(ge=2, le=365)] | None = None
    """Age of the venue's steps and bounds, read daily, above which nothing is entered; 30 by default."""
    history: LongSpan | None = None
    """How far back that reaches, where the request does not say; 365d by default."""


class Logging(Part):
    level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level written."""
    file_sink: bool | None = None
    """Whether logs/app.log and logs/error_logs/errors.log are written on the state volume too; unset: they are."""


class BotSpec(Part):
    """The whole request; exchange.name, exchange.symbols and strategy.name are enough for a paper bot."""

    mode: Mode = Mode.PAPER
    """What is real: nothing, data, or data and orders."""
    config_mode: Literal["autonomous", "expert"] | None = None
    """Three parameters from which the rest is derived, or everything; expert by default."""
    autonomous: Autonomous | None = None
    """The three parameters of configMode autonomous."""
    on_mode_change: Literal["Reduce", "Flatten"] = "Reduce"
    """What becomes of open positions when the mode leaves a market: wait for their exits and stops, or close them."""
    profile: Profile = Profile.STANDARD
    """Sizes to begin with; dev also lifts the minimum of storage."""
    image: ImageText | None = None
    """Image of the bot; the operator's default otherwise."""
    exchange: Exchange
    """Where the bot trades."""
    strategy: Strategy
    """How it decides."""
    strategies: Annotated[tuple[OtherStrategy, ...], Field(max_length=10)] = ()
    """Who decides some of the markets instead, with the same cash and limits."""
    engine: Engine = Engine()
    """How it works."""
    capital: Capital = Capital()
    """What it trades with."""
    risk: Risk = Risk()
    """What it may not do."""
    safety: Safety | None = None
    """What a person has to say before it trades real money."""
    database: Database = Database()
    """Where its ledger is."""
    storage: Storage = Storage()
    """Where its state is."""
    rollout: Rollout = Rollout()
    """How a new version takes over."""
    backup: Backup | None = None
    """How its ledger is saved."""
    reconcile: Reconciliation = Reconciliation()
    """How its ledger is compared with the venue."""
    recovery: Recovery = Recovery()
    """What it does after a failure."""
    trading_day: TradingDay = TradingDay()
    """When its day begins."""
    clock_sync: ClockSync = ClockSync()
    """How it keeps the venue's time."""
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    """When it leaves alone what fails at the venue."""
    data: Data = Data()
    """Where its candles come from."""
    logging: Logging = Logging()
    """What it writes down."""
    monitoring: Monitoring = Monitoring()
    """Who watches it."""
    contacts: Annotated[tuple[Contact, ...], Field(max_length=16)] = ()
    """Who is called."""
    maintenance: Maintenance = Maintenance()
    """When it may be disturbed."""
    deletion: Deletion = Deletion()
    """How it ends."""
    suspend: bool = False
    """No pod runs; protective stops at the venue stay."""
    resources: Resources = Resources()
    """What its pod may use."""
    pod: Pod = Pod()
    """Extras of its pod."""

    @property
    def book(self) -> str:
        """What its positions are kept in: those of a sandbox are not those of paper."""
        return "sandbox" if self.exchange.sandbox else self.mode.value

    @property
    def keeps_state(self) -> bool:
        """Whether what the bot wrote must outlive its pod: live and sandbox bots own orders at a venue."""
        return self.mode is Mode.LIVE or self.exchange.sandbox

    @property
    def shares_state(self) -> bool:
        """Whether the state lies on a claim though no order stands at a venue: a paper ledger outlives its pod."""
        return self.keeps_state or self.mode is Mode.PAPER

    @property
    def keys_secret(self) -> str | None:
        """The Secret the first colour takes its keys from."""
        keys = self.exchange.credentials_secret_ref
        return (keys.name or keys.blue) if keys else None

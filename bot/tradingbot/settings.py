"""What the operator may set: settings.json, the environment and the mounted secrets, read once at the start."""

from collections.abc import Iterator
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tradingbot.complaints import complaints
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.realmoney import Place, is_real_address
from tradingbot.scalars import (
    AbsolutePath,
    Address,
    Duration,
    Mode,
    Money,
    Percent,
    Timeframe,
    Url,
    bot_name,
    calendar_day,
    clock_time,
    cure,
    market,
    market_hours,
    zone,
)

SECOND = timedelta(seconds=1)


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Bot(Part):
    name: Annotated[str, AfterValidator(bot_name)] = Field(description="name of the TradingBot")
    namespace: str = Field(min_length=1, max_length=63, description="its namespace")
    cluster: str = Field(max_length=64, description="UID of the namespace kube-system")


class Exchange(Part):
    name: str = Field(pattern=r"^[a-z0-9]{1,40}$", description="venue, in ccxt's spelling")
    symbols: Annotated[tuple[Annotated[str, AfterValidator(market)], ...], Field(strict=False)] = Field(
        min_length=1, max_length=200, description="markets to trade"
    )
    endpoint: Url | None = Field(None, description="another address than the venue's own")
    sandbox: bool = Field(False, description="paper mode only: orders go to the venue's sandbox")
    shared: bool = Field(False, description="other programs trade on this account")
    proxy: Url | None = Field(None, description="outbound proxy")
    timeout: Duration = Field(
        timedelta(seconds=5), ge=timedelta(milliseconds=500), le=timedelta(seconds=20), description="of one request"
    )
    retries: int = Field(3, ge=1, le=10, description="how often a read is asked before it has failed")


class Deciding(Part):
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="one of the registry")
    parameters: dict[str, str] = Field(default_factory=dict, max_length=64, description="as strings, by name")


class Strategy(Deciding):
    timeframe: Timeframe = Field("1m", description="length of a bar")


class OtherStrategy(Deciding):
    symbols: Annotated[tuple[Annotated[str, AfterValidator(market)], ...], Field(strict=False)] = Field(
        min_length=1, max_length=50, description="the markets it trades, and *strategy* does not"
    )


class Engine(Part):
    check_interval: Duration = Field(timedelta(seconds=15), ge=timedelta(seconds=5), description="5s at least")
    backoff_base: Duration = Field(
        timedelta(seconds=5), ge=timedelta(milliseconds=100), description="pause when a venue says wait, not how long"
    )
    backoff_max: Duration = Field(timedelta(seconds=120), le=timedelta(hours=1), description="it doubles up to this")
    warmup_bars: int = Field(200, ge=1, le=5000, description="bars loaded before the first decision")
    max_bars_in_memory: int | None = Field(
        None, ge=100, le=10000, description="kept of each market; null is twice what is needed to decide"
    )
    max_signals_per_sec: Money | None = Field(None, description="wishes to enter; more are dropped; null is no limit")
    soft_memory_limit_mb: int = Field(
        2048, ge=64, le=1048576, description="of the process, in MiB; above it no more is kept than deciding needs"
    )


class Capital(Part):
    initial: Money = Field(Decimal(10000), description="what the paper account starts with, and the base of limits")
    currency: str | None = Field(None, pattern=r"^[A-Z0-9]{1,20}$", description="quote coin of all symbols by default")


class Risk(Part):
    enabled: bool = Field(True, description="false: losses, positions at once and order rates halt and refuse nothing")
    max_order_notional: Money = Field(Decimal(1000), description="largest order")
    max_position_notional: Money = Field(Decimal(2000), description="largest position")
    max_open_positions: int = Field(3, ge=1, le=1000, description="positions at once")
    max_orders_per_minute: int = Field(10, ge=1, le=10000, description="orders and replacements")
    max_daily_loss: Money = Field(Decimal(200), description="halts until the next trading day")
    max_daily_loss_percent: Percent = Field(Decimal(2), description="the tighter of the two rules")
    max_drawdown_percent: Percent = Field(Decimal(10), description="from the highest equity; halts")
    stale_after: Duration = Field(
        timedelta(minutes=2), ge=timedelta(seconds=1), description="older data blocks entries"
    )
    stop_loss_percent: Percent = Field(Decimal(2), description="distance of the protective stop")
    order_fraction_percent: Percent = Field(Decimal(10), description="share of the equity put into one entry")
    flash_drawdown_percent: Percent = Field(Decimal(20), description="lost within an hour: closes everything and halts")
    min_win_rate_percent: Percent | None = Field(None, description="lower on a losing day halts; null is never")
    min_trades: int = Field(20, ge=1, le=10000, description="round trips of a day before their win rate counts")


class Database(Part):
    mode: Literal["embedded", "postgres"] = Field("embedded", description="live needs postgres")
    path: AbsolutePath = Field(Path("/data/state/ledger.sqlite"), description="file of the embedded ledger")


class TradingDay(Part):
    reset: Annotated[time, BeforeValidator(clock_time)] = Field(
        time(0, 0), description="when the daily limits begin anew"
    )
    timezone: Annotated[str, AfterValidator(zone)] = Field("UTC", description="zone of these times")
    hours: Annotated[str, AfterValidator(market_hours)] | None = Field(
        None, description="of a market that closes, for example Mon-Fri 09:30-16:00; entries wait outside of them"
    )
    holidays: Annotated[tuple[Annotated[str, AfterValidator(calendar_day)], ...], Field(strict=False)] = Field(
        (), max_length=400, description="days on which it does not open"
    )


class Operator(Part):
    url: Url | None = Field(None, description="whom to ask for leave to sell when the ledger is away")
    rate_gate: Url | None = Field(None, description="who keeps the budget of this address for all its bots")


class Reconcile(Part):
    foreign_orders: Literal["halt", "report", "ignore"] = Field(
        "report", description="what is done when somebody else trades on the account, or coins come or go without us"
    )
    interval: Duration = Field(
        timedelta(hours=1),
        ge=timedelta(minutes=1),
        description="between two comparisons with the account, and two examinations of the ledger; 1m at least",
    )


class Recovery(Part):
    observe_minutes: int | None = Field(
        None, ge=0, le=120, description="of smaller entries after a crash; null is 60 in mode live, else 0"
    )
    size_percent: Percent = Field(Decimal(50), description="their size meanwhile, as a share of the usual one")


class ClockSync(Part):
    interval: Duration = Field(
        timedelta(minutes=1), ge=SECOND, le=timedelta(minutes=5), description="between two measurements"
    )
    warn_offset: Duration = Field(timedelta(milliseconds=200), description="to the venue, above which it is told")
    # Every promise about what may still arrive at a venue allows for one second, and not for more.
    max_offset: Duration = Field(SECOND, gt=timedelta(0), le=SECOND, description="above which nothing is entered")


class CircuitBreaker(Part):
    failures: int = Field(5, ge=1, le=1000, description="of one operation at the venue that open its breaker")
    window: Duration = Field(timedelta(seconds=60), ge=timedelta(seconds=1), description="within which they count")
    recovery_timeout: Duration = Field(
        timedelta(seconds=60), ge=timedelta(seconds=1), description="how long it stays open before one call may try"
    )


class Data(Part):
    cache_mib: int = Field(64, ge=1, le=1048576, description="bars kept on the state volume, all files together")
    cache_ttl: Duration = Field(timedelta(hours=168), ge=SECOND, description="how long they are believed at a start")
    filters_max_age_days: int = Field(
        30, ge=2, le=365, description="of the venue's steps and bounds, read daily; older ones block entries"
    )
    source: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9_]{0,62}$",
        description="venue whose past is gathered for trainings and replays, if another",
    )
    history: Duration = Field(
        timedelta(days=365), ge=SECOND, le=timedelta(days=7300), description="how far back that reaches"
    )


class Logging(Part):
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="lowest level that is written")
    file_sink: bool = Field(True, description="logs/app.log and logs/error_logs/errors.log on the state volume too")


class Paths(Part):
    data: AbsolutePath = Field(Path("/data"), description="state volume: logs models cache state")
    podinfo: AbsolutePath = Field(Path("/etc/podinfo/annotations"), description="Downward API file")
    secrets: AbsolutePath = Field(Path("/etc/tradingbot/secrets"), description="mounted secrets")


class Listen(Part):
    http: Address = Field("0.0.0.0:8000", description="API with bearer token")
    ops: Address = Field("0.0.0.0:9090", description="probes and metrics, no token")


class Settings(Part):
    """Everything a bot is told, complete and consistent; secrets are not in it."""

    bot: Bot
    mode: Mode = Field(description="what is real: nothing, data, or data and orders")
    exchange: Exchange
    strategy: Strategy
    strategies: Annotated[tuple[OtherStrategy, ...], Field(strict=False)] = Field(
        (), max_length=10, description="more of them, each with *name*, *symbols* and *parameters*"
    )
    engine: Engine = Engine()
    capital: Capital = Capital()
    risk: Risk = Risk()
    database: Database = Database()
    trading_day: TradingDay = TradingDay()
    operator: Operator = Operator()
    reconcile: Reconcile = Reconcile()
    recovery: Recovery = Recovery()
    clock_sync: ClockSync = ClockSync()
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    data: Data = Data()
    logging: Logging = Logging()
    paths: Paths = Paths()
    listen: Listen = Listen()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field, value, refusal in (*_contradictions(self), *_shared(self)):
            raise cure("{field} {value} {refusal}", field=field, value=value, refusal=refusal)
        return self

    @property
    def currency(self) -> str:
        """The coin all money is counted in."""
        return self.capital.currency or self.exchange.symbols[0].partition("/")[2]

    @property
    def archive(self) -> str:
        """The venue whose past stands in for recordings; what is decided rests on exchange.name alone."""
        return self.data.source or self.exchange.name

    @property
    def sends_orders(self) -> bool:
        """True when orders leave this process, to the venue or its sandbox; needs credentials."""
        return self.mode == "live" or self.exchange.sandbox

    @property
    def place(self) -> Place:
        """What decides whether money is real; where only data comes from does not."""
        return Place(self.mode, self.exchange.sandbox, self.exchange.endpoint if self.sends_orders else None)


def _contradictions(settings: Settings) -> list[tuple[str, str, str]]:
    return [*_of_money(settings), *_of_markets(settings), *_of_amounts(settings)]


def _of_money(settings: Settings) -> list[tuple[str, str, str]]:
    """What does not go with the mode, or with a sandbox."""
    found = []
    if settings.mode == "live" and settings.database.mode != "postgres":
        found.append(("database.mode", f'"{settings.database.mode}"', 'cannot fence a live bot: write "postgres"'))
    if settings.mode == "live" and not settings.risk.enabled:
        found.append(("risk.enabled", "false", 'does not go with mode "live": write true'))
    if settings.exchange.sandbox and settings.mode != "paper":
        found.append(
            ("exchange.sandbox", "true", f'does not go with mode "{settings.mode}": write false, or mode "paper"')
        )
    if settings.exchange.sandbox and settings.exchange.endpoint is None:
        found.append(("exchange.endpoint", "null", "would be the real venue: write the address of its sandbox"))
    elif settings.exchange.sandbox and is_real_address(settings.exchange.endpoint or ""):
        real = "is a place of real money, and no sandbox: write the address of the venue's sandbox"
        found.append(("exchange.endpoint", str(settings.exchange.endpoint), real))
    return found


def _of_markets(settings: Settings) -> list[tuple[str, str, str]]:
    found = []
    symbols = settings.exchange.symbols
    if len(set(symbols)) != len(symbols):
        found.append(("exchange.symbols", ", ".join(symbols), "names a market twice: write each one once"))
    foreign = [symbol for symbol in symbols if symbol.partition("/")[2] != settings.currency]
    if foreign:
        found.append(
            ("exchange.symbols", ", ".join(foreign), f"is not quoted in {settings.currency}: trade it with another bot")
        )
    return found


def _of_amounts(settings: Settings) -> list[tuple[str, str, str]]:
    found = []
    needed, room = settings.engine.warmup_bars, settings.engine.max_bars_in_memory
    if room is not None and needed > room:
        found.append(("engine.warmup_bars", f"{needed}", "exceeds engine.max_bars_in_memory: write at most that"))
    base, most = settings.engine.backoff_base, settings.engine.backoff_max
    if base > most:
        found.append(("engine.backoff_base", f'"{base / SECOND:g}s"', "exceeds engine.backoff_max: write at most that"))
    if settings.risk.max_order_notional > settings.risk.max_position_notional:
        found.append(
            (
                "risk.max_order_notional",
                f'"{settings.risk.max_order_notional}"',
                "exceeds risk.max_position_notional: write at most that",
            )
        )
    return found


def _shared(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """What keeps several strategies from sharing the markets: each is traded by one, and each strategy trades some."""
    names = [settings.strategy.name, *(each.name for each in settings.strategies)]
    taken = [symbol for each in settings.strategies for symbol in each.symbols]
    if len(set(names)) < len(names):
        yield "strategies", ", ".join(names), "names a strategy twice: write each one once"
    if len(set(taken)) < len(taken):
        yield "strategies", ", ".join(taken), "gives a market to two strategies: write each one once"
    if strangers := [symbol for symbol in taken if symbol not in settings.exchange.symbols]:
        yield "strategies", ", ".join(strangers), "is not in exchange.symbols: add it there"
    if settings.strategies and set(settings.exchange.symbols) <= set(taken):
        yield "strategies", ", ".join(taken), "leaves no market to strategy: give it one"


def parse_settings(text: str | bytes) -> Settings:
    """The settings in the JSON *text*; raises Misconfigured with one sentence per bad field."""
    try:
        return Settings.model_validate_json(text)
    except ValidationError as error:
        raise Misconfigured("\n".join(complaints(error, Settings))) from None


def load_settings(path: Path) -> Settings:
    """The settings in the file *path*; raises Misconfigured when it is absent or wrong."""
    try:
        return parse_settings(path.read_bytes())
    except OSError as error:
        instead = "mount the settings there or name another file"
        raise Misconfigured(f"TRADINGBOT_SETTINGS {path} cannot be read ({error.strerror}): {instead}") from None

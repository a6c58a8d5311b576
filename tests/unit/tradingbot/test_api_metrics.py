"""Metrics: every foreseeable series from the first scrape on, names that runbooks use, and figures of the snapshot."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from desks import IDENTITY, NOW, WELL, ListeningEngine, desk
from tradingbot.api.desk import ShownLimits
from tradingbot.api.gauges import Gauges
from tradingbot.api.metrics import Counters, registry
from tradingbot.domain.breaker import Breaker, BreakerState
from tradingbot.domain.clock import ClockState
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.position import Position
from tradingbot.domain.snapshot import EngineState, HeldPosition, Snapshot
from tradingbot.domain.trade import Account

BASE = {"bot": "btc", "namespace": "trading", "mode": "paper", "colour": "blue"}

BROKEN = replace(
    WELL,
    breakers=(
        (Breaker("binance/market"), BreakerState.CLOSED),
        (Breaker("binance/enter", opened_at=NOW, last_error="503", trips=3), BreakerState.OPEN),
    ),
)


def value(made: CollectorRegistry, name: str, **labels: str) -> float | None:
    return made.get_sample_value(name, {**BASE, **labels})


def scraped(snapshot: Snapshot) -> CollectorRegistry:
    return registry(Gauges(desk(ListeningEngine(snapshot))))


@pytest.fixture
def counters() -> tuple[Counters, CollectorRegistry]:
    made = registry()
    return Counters(made, IDENTITY), made


def test_series_that_can_be_foreseen_exist_at_zero(counters: tuple[Counters, CollectorRegistry]) -> None:
    """rate() sees the first error only when the series existed before it."""
    _, made = counters
    order = {"symbol": "BTC/USDT", "side": "buy", "purpose": "entry", "outcome": "unknown"}
    assert value(made, "tradingbot_orders_total", **order) == 0
    assert value(made, "tradingbot_candles_total", symbol="BTC/USDT", kind="gap") == 0
    assert value(made, "tradingbot_decisions_total", strategy="sma_cross", symbol="BTC/USDT", action="hold") == 0
    assert value(made, "tradingbot_failures_total", where="ledger") == 0
    assert value(made, "tradingbot_fenced_total") == 0
    assert value(made, "tradingbot_order_latency_seconds_count") == 0


def test_bars_in_memory_and_how_far_a_price_moves_are_shown_by_market(
    counters: tuple[Counters, CollectorRegistry],
) -> None:
    """Both are 0 before the first bar, and the newest word afterwards."""
    count, made = counters
    assert value(made, "bars_in_memory", symbol="BTC/USDT") == 0
    assert value(made, "market_volatility", symbol="BTC/USDT") == 0
    count.bars("BTC/USDT", 400, 0.002)
    count.bars("BTC/USDT", 200, 0.004)
    assert value(made, "bars_in_memory", symbol="BTC/USDT") == 200
    assert value(made, "market_volatility", symbol="BTC/USDT") == 0.004


def test_the_age_of_the_filters_is_shown_once_they_were_read() -> None:
    """Nothing before that: an age of 0 would be a word nobody has said."""
    assert value(scraped(WELL), "exchange_filters_age_seconds") is None
    assert value(scraped(replace(WELL, filters_age_seconds=86400.0)), "exchange_filters_age_seconds") == 86400


def test_the_age_of_what_a_venue_told_is_shown_by_part() -> None:
    """As the ledger has it; nothing where it was never told, or does not answer."""
    at = desk(ListeningEngine(WELL))
    made, named = registry(Gauges(at)), {"exchange": "binance", "part": "fees"}
    assert value(made, "market_data_age_seconds", **named) is None
    told = {("binance", "fees"): NOW - timedelta(hours=1), ("kraken", "universe"): NOW + timedelta(seconds=1)}
    at.account = Account((), (), 4096, None, told)
    assert value(made, "market_data_age_seconds", **named) == 3600
    assert value(made, "market_data_age_seconds", exchange="kraken", part="universe") == 0


@pytest.mark.parametrize("is_open", [True, False])
def test_a_market_is_told_to_be_open_or_closed(is_open: bool) -> None:
    made = scraped(replace(WELL, market_open=is_open))
    assert value(made, "market_open", exchange="binance") == is_open


def test_the_soft_limit_of_memory_is_told_and_whether_it_was_reached(
    counters: tuple[Counters, CollectorRegistry],
) -> None:
    """0 until then, beside the limit."""
    count, made = counters
    assert value(made, "caches_shrunk") == 0
    count.shrunk()
    assert value(made, "caches_shrunk") == 1
    at = desk(ListeningEngine(WELL))
    at.limits = ShownLimits(soft_memory_bytes=2048)
    assert value(registry(Gauges(at)), "memory_soft_limit_bytes") == 2048


def test_what_the_disk_keeps_is_read_at_the_scrape() -> None:
    """Another process in the pod may have kept it."""
    at = desk(ListeningEngine(WELL))
    made = registry(Gauges(at))
    assert (value(made, "cache_symbols"), value(made, "cache_size_bytes")) == (0, 0)
    at.cached = lambda: (2, 4096)
    assert (value(made, "cache_symbols"), value(made, "cache_size_bytes")) == (2, 4096)


def test_what_the_disk_knew_of_a_history_is_counted(counters: tuple[Counters, CollectorRegistry]) -> None:
    """Hits and misses are bars; how much is kept is a gauge."""
    count, made = counters
    assert value(made, "cache_hits_total") == value(made, "cache_misses_total") == 0
    count.cache(36, 15)
    count.cache(0, 51)
    assert (value(made, "cache_hits_total"), value(made, "cache_misses_total")) == (36, 66)


def test_each_event_is_counted_in_its_series(counters: tuple[Counters, CollectorRegistry]) -> None:
    """One event raises one counter by one, money by its amount."""
    count, made = counters
    count.candle("BTC/USDT", "closed")
    count.decision("sma_cross", "BTC/USDT", "enter")
    count.refusal("OrderTooLarge")
    count.order("BTC/USDT", "buy", "entry", "accepted")
    count.order_latency(0.03)
    count.fill("BTC/USDT", "buy", Decimal("1000.5"), Decimal("1.25"))
    count.fenced()
    count.reconnect("feed")
    count.failure("venue")
    count.request("http", 201)
    assert value(made, "tradingbot_candles_total", symbol="BTC/USDT", kind="closed") == 1
    assert value(made, "tradingbot_decisions_total", strategy="sma_cross", symbol="BTC/USDT", action="enter") == 1
    assert value(made, "tradingbot_refusals_total", reason="OrderTooLarge") == 1
    assert value(made, "orders_rejected_total", reason="OrderTooLarge") == 1
    order = {"symbol": "BTC/USDT", "side": "buy", "purpose": "entry", "outcome": "accepted"}
    assert value(made, "tradingbot_orders_total", **order) == 1
    assert value(made, "tradingbot_order_latency_seconds_bucket", le="0.05") == 1
    assert value(made, "tradingbot_order_latency_seconds_bucket", le="0.02") == 0
    assert value(made, "tradingbot_fills_total", symbol="BTC/USDT", side="buy") == 1
    assert value(made, "tradingbot_traded_quote_total", symbol="BTC/USDT", side="buy") == 1000.5
    assert (value(made, "trades_total", simulated="true"), value(made, "trades_total", simulated="false")) == (1, 0)
    assert value(made, "tradingbot_fees_quote_total", symbol="BTC/USDT") == 1.25
    assert value(made, "tradingbot_fenced_total") == 1
    assert value(made, "tradingbot_reconnects_total", what="feed") == 1
    assert value(made, "tradingbot_failures_total", where="venue") == 1
    assert value(made, "tradingbot_http_requests_total", port="http", code="2xx") == 1


def test_a_rebate_does_not_break_the_fee_counter(counters: tuple[Counters, CollectorRegistry]) -> None:
    """A counter cannot go back; the engine's call must not fail."""
    count, made = counters
    count.fill("BTC/USDT", "sell", Decimal(10), Decimal(-1))
    assert value(made, "tradingbot_fees_quote_total", symbol="BTC/USDT") == 0


WANTED = [
    (WELL, "bot_running", {}, 1.0),
    (replace(WELL, heartbeat=10.0), "bot_running", {}, 0.0),
    (replace(WELL, state=EngineState.STOPPING), "bot_running", {}, 0.0),
    (WELL, "api_connected", {}, 1.0),
    (replace(WELL, exchange="timed out"), "api_connected", {}, 0.0),
    (BROKEN, "circuit_breaker_state", {"breaker": "binance/enter", "state": "open"}, 1.0),
    (BROKEN, "circuit_breaker_state", {"breaker": "binance/enter", "state": "closed"}, 0.0),
    (BROKEN, "circuit_breaker_state", {"breaker": "binance/market", "state": "closed"}, 1.0),
    (BROKEN, "circuit_breaker_trips_total", {"breaker": "binance/enter"}, 3.0),
    (replace(WELL, clock=ClockState.SKEWED), "clock_state", {"state": "skewed"}, 1.0),
    (replace(WELL, clock=ClockState.SKEWED), "clock_state", {"state": "ok"}, 0.0),
    (WELL, "trading_halted", {}, 0.0),
    (replace(WELL, halts=(Halt("h", HaltKind.REDUCE, "http", "r", NOW),)), "trading_halted", {}, 1.0),
    (WELL, "daily_pnl", {}, 10.5),
    (WELL, "last_heartbeat", {}, NOW.timestamp() - 10.0),
    (WELL, "open_positions", {}, 0.0),
    (WELL, "paper_trading_mode", {}, 1.0),
    (replace(WELL, balance_error=Decimal("0.5")), "virtual_balance_error", {}, 0.5),
    (WELL, "drawdown", {}, pytest.approx(9.5 / 10020)),
    (replace(WELL, peak_equity=Decimal(0)), "drawdown", {}, 0.0),
    (WELL, "tradingbot_equity_quote", {}, 10010.5),
    (WELL, "tradingbot_trading_active", {}, 1.0),
    (replace(WELL, state=EngineState.HALTED), "tradingbot_trading_active", {}, 0.0),
    (WELL, "tradingbot_state", {"state": "trading"}, 1.0),
    (WELL, "tradingbot_state", {"state": "halted"}, 0.0),
    (WELL, "tradingbot_epoch", {}, 3.0),
    (Snapshot(), "tradingbot_epoch", {}, 0.0),
    (WELL, "tradingbot_database_up", {}, 1.0),
    (replace(WELL, data_seen_at=NOW), "tradingbot_market_data_timestamp_seconds", {}, NOW.timestamp()),
    (Snapshot(), "tradingbot_market_data_timestamp_seconds", {}, 0.0),
    (WELL, "tradingbot_info", {"exchange": "binance", "symbol": "BTC/USDT", "strategy": "sma_cross"}, 1.0),
]


@pytest.mark.parametrize(("snapshot", "name", "labels", "number"), WANTED)
def test_gauges_say_what_the_snapshot_says(
    snapshot: Snapshot, name: str, labels: dict[str, str], number: float
) -> None:
    """Each gauge is read at the scrape, in the unit of its name."""
    assert value(scraped(snapshot), name, **labels) == number


def test_positions_have_a_series_each() -> None:
    """Size, cover and result of every position, by symbol."""
    held = HeldPosition(
        Position("BTC/USDT", Decimal("0.05"), Decimal(1000)), Decimal(20100), Decimal(5), None, Decimal("0.04")
    )
    made = scraped(replace(WELL, positions=(held,)))
    assert value(made, "position_size", symbol="BTC/USDT") == 0.05
    assert value(made, "tradingbot_position_covered_base", symbol="BTC/USDT") == 0.04
    assert value(made, "unrealized_pnl", symbol="BTC/USDT") == 5
    assert value(made, "open_positions") == 1


def test_a_scrape_can_be_read_and_every_metric_has_help() -> None:
    """The exposition parses, and nobody has to guess what a name means."""
    gauges = Gauges(desk(ListeningEngine()))
    made = registry(gauges)
    Counters(made, IDENTITY)
    families = list(text_string_to_metric_families(generate_latest(made).decode()))
    ours = [family for family in families if not family.name.startswith(("python", "process"))]
    assert len(ours) > 40
    assert [family.name for family in ours if not family.documentation.strip()] == []


def test_every_series_of_ours_says_whose_it_is() -> None:
    """bot, namespace, mode and colour are on each of our samples."""
    made = registry(Gauges(desk(ListeningEngine())))
    Counters(made, IDENTITY)
    for family in text_string_to_metric_families(generate_latest(made).decode()):
        if not family.name.startswith(("python", "process")):
            assert [sample for sample in family.samples if not sample.labels.items() >= BASE.items()] == []

"""What Prometheus sees: counters the engine raises, and gauges read from the snapshot at each scrape.

Names are an interface: the table in ``docs/reference/metrics.md`` is generated from here.
"""

import platform
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.registry import Collector

from tradingbot.api.desk import Identity

BASE = ("bot", "namespace", "mode", "colour")
CANDLES = ("closed", "running", "duplicate", "out_of_order", "changed", "gap")
ACTIONS = ("enter", "exit", "hold", "refused")
SIDES = ("buy", "sell")
PURPOSES = ("entry", "exit", "stop")
OUTCOMES = ("accepted", "refused", "unknown", "absent")
LATENCY_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
ROUTES = ("http", "ops")
CODES = ("2xx", "4xx", "5xx")


class Counters:
    """The engine's Metrics port. Every series that can be foreseen exists at 0, so that rate() sees the first event."""

    def __init__(self, registry: CollectorRegistry, identity: Identity, streams: dict[str, bool] | None = None) -> None:
        self._registry = registry
        self._streams = {} if streams is None else streams
        self._base = base_labels(identity)
        self._candles = self._counter("candles", "Candles received, by what they were", "symbol", "kind")
        self._decisions = self._counter("decisions", "Closed bars decided", "strategy", "symbol", "action")
        self._refusals = self._counter("refusals", "Wishes refused by risk, by reason", "reason")
        self._orders = self._counter(
            "orders", "Orders sent, by what became of them", "symbol", "side", "purpose", "outcome"
        )
        self._fills = self._counter("fills", "Trades at the venue", "symbol", "side")
        self._trades = self._seeds("trades", "Trades, by whether their money is simulated", "simulated")
        self._simulated = str(identity.book != "live").lower()
        self._traded = self._counter("traded_quote", "Money traded, in the quote coin", "symbol", "side")
        self._fees = self._counter("fees_quote", "Fees paid, in the quote coin", "symbol")
        self._foreign = self._counter("foreign", "Orders, trades and changes of balances by somebody else", "kind")
        self._fenced = self._counter("fenced", "Times this process lost the epoch")
        self._reconnects = self._counter("reconnects", "Connections made anew", "what")
        self._failures = self._counter("failures", "Reads and turns of the loop that failed for now", "where")
        self._requests = self._counter("http_requests", "HTTP requests answered", "port", "code")
        self._rejected = self._seeds("orders_rejected", "As tradingbot_refusals", "reason")
        text = "Wishes of a strategy to enter (buy) or to leave (sell)"
        self._signals = self._seeds("signals", text, "strategy", "side")
        text = "Wishes of a strategy that came too soon after others (engine.max_signals_per_sec)"
        self._dropped = self._seeds("signals_dropped", text, "strategy", "side")
        self._up = Gauge(
            "websocket_connected", "1 while that line to the venue is up", (*BASE, "stream"), registry=registry
        )
        self._offset = self._gauge("clock_offset_seconds", "Venue time less ours, at the last measurement")
        self._synced = self._gauge("clock_sync_last_timestamp_seconds", "Unix time of that measurement, 0 before it")
        self._bars = self._of_symbol("bars_in_memory", "Closed bars kept")
        text = "Standard deviation of the relative change from bar to bar, of the newest 60"
        self._volatility = self._of_symbol("market_volatility", text)
        self._hits = self._seeds("cache_hits", "Bars of a history found on the disk")
        self._misses = self._seeds("cache_misses", "Bars of a history asked of the venue")
        self._small = self._gauge("caches_shrunk", "1 since the process was larger than its soft limit, 0 before it")
        self._latency = Histogram(
            "tradingbot_order_latency_seconds",
            "Time from the intent's timestamp to the venue's answer",
            BASE,
            buckets=LATENCY_BUCKETS,
            registry=registry,
        ).labels(*self._base)
        self._prepare(identity)

    def candle(self, symbol: str, kind: str) -> None:
        self._candles.labels(*self._base, symbol, kind).inc()

    def bars(self, symbol: str, kept: int, volatility: float) -> None:
        self._bars.labels(*self._base, symbol).set(kept)
        self._volatility.labels(*self._base, symbol).set(volatility)

    def cache(self, hits: int, misses: int) -> None:
        self._hits.labels(*self._base).inc(hits)
        self._misses.labels(*self._base).inc(misses)

    def shrunk(self) -> None:
        self._small.labels(*self._base).set(1)

    def decision(self, strategy: str, symbol: str, action: str) -> None:
        self._decisions.labels(*self._base, strategy, symbol, action).inc()

    def refusal(self, reason: str) -> None:
        self._refusals.labels(*self._base, reason).inc()
        self._rejected.labels(*self._base, reason).inc()

    def signal(self, strategy: str, side: str) -> None:
        self._signals.labels(*self._base, strategy, side).inc()

    def dropped(self, strategy: str, side: str) -> None:
        self._dropped.labels(*self._base, strategy, side).inc()

    def stream(self, name: str, connected: bool) -> None:
        self._streams[name] = connected
        self._up.labels(*self._base, name).set(connected)

    def clock(self, offset_seconds: float) -> None:
        self._offset.labels(*self._base).set(offset_seconds)
        self._synced.labels(*self._base).set_to_current_time()

    def order(self, symbol: str, side: str, purpose: str, outcome: str) -> None:
        self._orders.labels(*self._base, symbol, side, purpose, outcome).inc()

    def order_latency(self, seconds: float) -> None:
        self._latency.observe(seconds)

    def fill(self, symbol: str, side: str, notional: Decimal, fee_quote: Decimal) -> None:
        self._fills.labels(*self._base, symbol, side).inc()
        self._trades.labels(*self._base, self._simulated).inc()
        self._traded.labels(*self._base, symbol, side).inc(float(notional))
        # A rebate is a negative fee; a counter cannot go back, and the ledger has the exact sum.
        self._fees.labels(*self._base, symbol).inc(max(float(fee_quote), 0.0))

    def foreign(self, kind: str) -> None:
        self._foreign.labels(*self._base, kind).inc()

    def fenced(self) -> None:
        self._fenced.labels(*self._base).inc()

    def reconnect(self, what: str) -> None:
        self._reconnects.labels(*self._base, what).inc()

    def failure(self, where: str) -> None:
        self._failures.labels(*self._base, where).inc()

    def request(self, port: str, code: int) -> None:
        self._requests.labels(*self._base, port, f"{code // 100}xx").inc()

    def _seeds(self, name: str, text: str, *labels: str) -> Counter:
        """A counter under the name that the runbooks read."""
        return Counter(name, text, (*BASE, *labels), registry=self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"tradingbot_{name}", text, (*BASE, *labels), registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, BASE, registry=self._registry)

    def _of_symbol(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, (*BASE, "symbol"), registry=self._registry)

    def _prepare(self, identity: Identity) -> None:
        symbols = identity.symbols
        _at_zero(self._candles, self._base, symbols, CANDLES)
        for symbol, strategy in identity.deciders.items():
            _at_zero(self._decisions, self._base, (strategy,), (symbol,), ACTIONS)
        _at_zero(self._signals, self._base, identity.strategies, SIDES)
        _at_zero(self._dropped, self._base, identity.strategies, SIDES)
        for series in (self._offset, self._synced, self._small, self._hits, self._misses):
            series.labels(*self._base)
        for gauge, symbol in product((self._bars, self._volatility), symbols):
            gauge.labels(*self._base, symbol)
        _at_zero(self._orders, self._base, symbols, SIDES, PURPOSES, OUTCOMES)
        _at_zero(self._fills, self._base, symbols, SIDES)
        _at_zero(self._trades, self._base, ("true", "false"))
        _at_zero(self._traded, self._base, symbols, SIDES)
        _at_zero(self._fees, self._base, symbols)
        _at_zero(self._foreign, self._base, ("order", "trade", "balance"))
        _at_zero(self._fenced, self._base)
        _at_zero(self._reconnects, self._base, ("feed", "venue", "ledger"))
        _at_zero(self._failures, self._base, ("feed", "venue", "ledger", "engine", "cache", "filters"))
        _at_zero(self._requests, self._base, ROUTES, CODES)


def registry(gauges: Collector | None = None) -> CollectorRegistry:
    """A registry of its own with the process's metrics, and *gauges* if given."""
    made = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=made)
    PlatformCollector(registry=made, platform=platform)
    GCCollector(registry=made)
    if gauges:
        made.register(gauges)
    return made


def base_labels(identity: Identity) -> tuple[str, str, str, str]:
    return identity.bot, identity.namespace, identity.mode, identity.colour


def _at_zero(counter: Counter, base: Sequence[str], *labels: Iterable[str]) -> None:
    for values in product(*labels):
        counter.labels(*base, *values)

"""The snapshot as gauges, made anew at each scrape."""

import platform
from collections.abc import Iterable, Iterator
from decimal import Decimal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, UntypedMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tradingbot.api import logs
from tradingbot.api.desk import Desk, ShownLimits
from tradingbot.api.metrics import BASE, base_labels
from tradingbot.domain.breaker import BreakerState
from tradingbot.domain.clock import ClockState
from tradingbot.domain.halt import HaltKind
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.snapshot import EngineState, Snapshot
from tradingbot.domain.trade import Account, by_strategy, sharpe, total, win_ratio

HUNDRED = Decimal(100)
ADOPTIONS = ("adopting", "adopted", "failed")
Row = tuple[tuple[str, ...], float]


class Gauges(Collector):
    """A collector that reads the desk; nothing is stored, so nothing can be stale."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        snapshot = self._desk.commands.snapshot()
        for name, text, labels, rows in (
            *self._of_the_seeds(snapshot),
            *_money(snapshot),
            *_positions(snapshot),
            *self._standing(snapshot),
            *_adoption(snapshot),
            *_account(self._desk.account),
            *_cache(*self._desk.cached()),
            *_market_data(self._desk),
        ):
            family = GaugeMetricFamily(name, text, labels=(*BASE, *labels))
            for values, number in rows:
                family.add_metric((*base_labels(self._desk.identity), *values), number)
            yield family
        yield self._trips(snapshot)
        yield from logs.families(self._desk)
        text = "Requests of a bot without real money to a place with it; nothing of them left"
        blocked = CounterMetricFamily("real_trades_blocked", text, labels=BASE)
        blocked.add_metric(base_labels(self._desk.identity), self._desk.real_trades_blocked)
        yield blocked
        yield self._brought(self._desk.account)

    def _brought(self, account: Account | None) -> Metric:
        """Neither a counter nor a gauge by its name: it falls with every loss, and runbooks call it a total."""
        text = "What the trades that a strategy has entered brought, in the quote coin; none: entered by no decision"
        family = UntypedMetricFamily("pnl_total", text, labels=(*BASE, "strategy"))
        made = by_strategy(account.trades) if account else {}
        for strategy in dict.fromkeys((*self._desk.identity.strategies, *made)) if account else ():
            labels = (*base_labels(self._desk.identity), strategy or "none")
            family.add_metric(labels, float(total(made.get(strategy, ()))))
        return family

    def _trips(self, snapshot: Snapshot) -> Metric:
        family = CounterMetricFamily(
            "circuit_breaker_trips", "Times a breaker went from closed to open", labels=(*BASE, "breaker")
        )
        for held, _ in snapshot.breakers:
            family.add_metric((*base_labels(self._desk.identity), held.name), held.trips)
        return family

    def _of_the_seeds(self, snapshot: Snapshot) -> Iterator[tuple[str, str, tuple[str, ...], list[Row]]]:
        """Names that runbooks and alerts already use, kept without a prefix."""
        connected = snapshot.exchange == "ok" and all(self._desk.streams.values())
        running = self._desk.is_alive() and snapshot.state is not EngineState.STOPPING
        yield "bot_running", "1 while the engine's loop turns", (), _one(running)
        yield "api_connected", "1 while the venue answers", (), _one(connected)
        yield "trading_halted", "1 while a halt stands", (), _one(snapshot.halted)
        yield "daily_pnl", "Equity less the day's first, in the quote coin", (), _one(_daily(snapshot))
        yield "last_heartbeat", "Unix time of the last turn of the loop", (), _one(self._heartbeat())
        yield "open_positions", "Positions held", (), _one(len(snapshot.positions))
        yield "drawdown", "Loss from the highest equity, as a ratio", (), _one(_drawdown(snapshot))
        yield "paper_trading_mode", "1 when no order reaches a market", (), _one(self._desk.identity.mode != "live")
        consistent = self._desk.safety.consistent
        text = "1 while settings, environment and process agree on whether money is real"
        yield "paper_mode_consistent", text, (), [] if consistent is None else _one(consistent)
        error = snapshot.balance_error if self._desk.identity.book == "paper" else None
        text = "Worth of what the account on paper and the ledger differ by, in the quote coin"
        yield "virtual_balance_error", text, (), [] if error is None else _one(error)
        lost = _daily_loss_limit(self._desk.limits, snapshot)
        yield "max_daily_loss", "Loss of the day that halts, in the quote coin", (), _one(lost)
        fall = self._desk.limits.max_drawdown_percent / HUNDRED
        yield "max_drawdown_limit", "Fall from the highest equity that halts, as a ratio", (), _one(fall)
        soft = self._desk.limits.soft_memory_bytes
        yield "memory_soft_limit_bytes", "Size of the process above which caches shrink", (), _one(soft)
        yield "keys_loaded", "Exchange keys this process holds", (), _one(self._desk.keys_loaded)
        standing = [(held.name, each, now) for held, now in snapshot.breakers for each in BreakerState]
        rows: list[Row] = [((name, each.value), float(each is now)) for name, each, now in standing]
        text = "1 for the state the breaker is in, 0 for the others"
        yield "circuit_breaker_state", text, ("breaker", "state"), rows
        clocks: list[Row] = [((each.value,), float(each is snapshot.clock)) for each in ClockState]
        yield "clock_state", "1 for how far the venue's clock is from ours, 0 for the others", ("state",), clocks

    def _standing(self, snapshot: Snapshot) -> Iterator[tuple[str, str, tuple[str, ...], list[Row]]]:
        who = self._desk.identity
        text = "1 while the market is open, by the hours of the settings; 1 where it has none"
        yield "market_open", text, ("exchange",), [((who.exchange,), float(snapshot.market_open))]
        build = (who.version, who.revision, platform.python_version())
        yield (
            "tradingbot_build_info",
            "Always 1; the version in labels",
            ("version", "revision", "python"),
            [(build, 1.0)],
        )
        pairs: list[Row] = [((who.exchange, symbol, name), 1.0) for symbol, name in who.deciders.items()]
        yield "tradingbot_info", "Always 1; what is traded in labels", ("exchange", "symbol", "strategy"), pairs
        on: list[Row] = [((name,), float(name not in snapshot.disabled)) for name in who.strategies]
        yield "tradingbot_strategy_enabled", "1 while that strategy may enter", ("strategy",), on
        states: list[Row] = [((state.value,), float(snapshot.state is state)) for state in EngineState]
        yield "tradingbot_state", "1 for the state the engine is in, 0 for the others", ("state",), states
        kinds: list[Row] = [((kind.value,), float(any(h.kind is kind for h in snapshot.halts))) for kind in HaltKind]
        yield "tradingbot_halted", "1 while a halt of that kind stands", ("kind",), kinds
        yield "tradingbot_trading_active", "1 while this process may open positions", (), _one(snapshot.trading_active)
        yield "tradingbot_epoch", "The epoch held, 0 without one", (), _one(snapshot.epoch or 0)
        yield "tradingbot_highest_epoch", "The highest epoch seen", (), _one(snapshot.highest_epoch)
        yield "tradingbot_database_up", "1 while the ledger answers", (), _one(snapshot.database == "ok")
        yield (
            "tradingbot_blocks",
            "Reasons that keep entries back and clear by themselves",
            (),
            _one(len(snapshot.blocks)),
        )
        yield (
            "tradingbot_foreign_activity",
            "1 while others trade on the account or coins miss",
            (),
            _one(bool(snapshot.outside)),
        )
        compared = snapshot.reconciled_at.timestamp() if snapshot.reconciled_at else 0.0
        text = "Venue time at which ledger and account were last compared at an interval, 0 before it"
        yield "last_reconcile_timestamp_seconds", text, (), _one(compared)
        text = "Markets of which that comparison found ledger and account to differ"
        yield "tradingbot_reconcile_differences", text, (), _one(len(snapshot.differences))
        yield "tradingbot_open_orders", "Orders that may still fill", (), _one(snapshot.open_orders)
        yield "tradingbot_bars", "Closed bars seen since the start", (), _one(snapshot.bars_seen)
        yield from self._ages(snapshot)

    def _ages(self, snapshot: Snapshot) -> Iterator[tuple[str, str, tuple[str, ...], list[Row]]]:
        """When the process last heard of what it decides by, and that it lives."""
        seen = snapshot.data_seen_at.timestamp() if snapshot.data_seen_at else 0.0
        yield "tradingbot_market_data_timestamp_seconds", "Venue time of the newest candle, 0 before it", (), _one(seen)
        text = "As tradingbot_market_data_timestamp_seconds"
        yield "market_data_last_update_timestamp_seconds", text, (), _one(seen)
        age, text = snapshot.filters_age_seconds, "Venue time since the venue told its steps and bounds"
        yield "exchange_filters_age_seconds", text, (), [] if age is None else _one(age)
        yield "tradingbot_last_tick_timestamp_seconds", "As last_heartbeat", (), _one(self._heartbeat())

    def _heartbeat(self) -> float:
        return self._desk.now().timestamp() - self._desk.heartbeat_age()


def _money(snapshot: Snapshot) -> Iterator[tuple[str, str, tuple[str, ...], list[Row]]]:
    held = snapshot.positions
    realised = sum((each.position.realised for each in held), ZERO)
    unrealised = sum((each.unrealised for each in held), ZERO)
    yield (
        "tradingbot_equity_quote",
        "Money and positions at the newest price, in the quote coin",
        (),
        _one(snapshot.equity),
    )
    yield "total_equity", "As tradingbot_equity_quote", (), _one(snapshot.equity)
    yield "tradingbot_cash_quote", "Free money, in the quote coin", (), _one(snapshot.cash)
    yield "tradingbot_pnl_realized_quote", "Result of what was sold of the positions held", (), _one(realised)
    yield "tradingbot_pnl_unrealized_quote", "Result of what is held, at the newest price", (), _one(unrealised)
    yield "tradingbot_drawdown_ratio", "As drawdown", (), _one(_drawdown(snapshot))


def _positions(snapshot: Snapshot) -> Iterator[tuple[str, str, tuple[str, ...], list[Row]]]:
    held = snapshot.positions
    sizes: list[Row] = [((each.position.symbol,), float(each.position.quantity)) for each in held]
    covered: list[Row] = [((each.position.symbol,), float(each.covered)) for each in held]
    results: list[Row] = [((each.position.symbol,), float(each.unrealised)) for each in held]
    worth: list[Row] = [((each.position.symbol,), float(each.position.quantity * each.mark)) for each in held]
    yield "position_notional", "Worth of the position at the newest price, in the quote coin", ("symbol",), worth
    yield "tradingbot_position_base", "Quantity held, in the base coin", ("symbol",), sizes
    yield "position_size", "As tradingbot_position_base", ("symbol",), sizes
    yield "tradingbot_position_covered_base", "Quantity under a stop at the venue", ("symbol",), covered
    yield "unrealized_pnl", "Result of the position at the newest price", ("symbol",), results


def _account(account: Account | None) -> Iterator[tuple[str, str, tuple[str, ...], list[Row]]]:
    """By the ledger, asked at most every ten seconds; nothing while it does not answer, nor where nothing is known."""
    ratio = win_ratio(account.trades) if account else None
    yearly = sharpe(account.closes) if account else None
    served = account is not None and account.connections is not None
    yield (
        "total_pnl",
        "What all trades have brought, in the quote coin",
        (),
        _one(total(account.trades)) if account else [],
    )
    yield "win_rate", "Share of the trades that brought something", (), [] if ratio is None else _one(ratio)
    yield "sharpe_ratio", "Yearly Sharpe ratio of the daily returns", (), [] if yearly is None else _one(yearly)
    yield "database_size_bytes", "Size of the ledger's database", (), _one(account.size_bytes) if account else []
    connections = _one(account.connections or 0) if account and served else []
    yield "database_connections_active", "Sessions of the database server", (), connections


def _cache(symbols: int, size_bytes: int) -> Iterator[tuple[str, str, tuple[str, ...], list[Row]]]:
    yield "cache_symbols", "Markets whose bars are on the disk", (), _one(symbols)
    yield "cache_size_bytes", "Size of the bars on the disk", (), _one(size_bytes)


def _market_data(desk: Desk) -> Iterator[tuple[str, str, tuple[str, ...], list[Row]]]:
    """Nothing of what the ledger was never told."""
    updated, now = desk.account.updated if desk.account else {}, desk.now()
    ages: list[Row] = [(key, max(0.0, (now - at).total_seconds())) for key, at in sorted(updated.items())]
    text = "Time since the ledger was told filters, fees or universe of an exchange"
    yield "market_data_age_seconds", text, ("exchange", "part"), ages


def _adoption(snapshot: Snapshot) -> Iterator[tuple[str, str, tuple[str, ...], list[Row]]]:
    """Nothing until this process was given an epoch."""
    took = snapshot.adoption
    counts = ("adopted", "cancelled", "recovered", "unknown")
    orders: list[Row] = [((name,), float(getattr(took, name))) for name in counts] if took else []
    yield "tradingbot_adoption_orders", "Orders of the newest adoption, by what became of them", ("result",), orders
    yield (
        "tradingbot_adoption_seconds",
        "How long the newest adoption took",
        (),
        _one(took.milliseconds / 1000) if took else [],
    )
    done: list[Row] = [((word,), float(took.result == word)) for word in ADOPTIONS] if took else []
    yield "tradingbot_adoption_state", "1 for how far the newest adoption is, 0 for the others", ("state",), done
    yield "tradingbot_unresolved_orders", "Writes without a final outcome", (), _one(snapshot.unresolved)


def _daily(snapshot: Snapshot) -> Decimal:
    return snapshot.equity - snapshot.day_start_equity


def _daily_loss_limit(limits: ShownLimits, snapshot: Snapshot) -> Decimal:
    """The tighter of the two rules, as it is on this day."""
    return min(limits.max_daily_loss, snapshot.day_start_equity * limits.max_daily_loss_percent / HUNDRED)


def _drawdown(snapshot: Snapshot) -> Decimal:
    peak = snapshot.peak_equity
    return max(peak - snapshot.equity, ZERO) / peak if peak > ZERO else ZERO


def _one(value: Decimal | float | bool) -> list[Row]:
    return [((), float(value))]

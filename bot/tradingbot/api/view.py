"""Snapshots as JSON, pure. Decimals are strings, times RFC 3339 in UTC (contracts 4)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tradingbot.api.desk import Identity
from tradingbot.domain.breaker import Breaker, BreakerState
from tradingbot.domain.halt import Halt, cause, most_restrictive
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.lease import LeaseState
from tradingbot.domain.order import Fill, Order, OrderRecord
from tradingbot.domain.snapshot import Adoption, EngineState, HeldPosition, LastDecision, Snapshot
from tradingbot.domain.trade import Account, by_strategy, total

Json = Mapping[str, Any]
SIX = Decimal("0.000001")


def status(identity: Identity, snapshot: Snapshot, account: Account | None = None) -> Json:
    """The body of ``/status``; *account* is what the ledger told last."""
    return {
        **who(identity),
        "epoch": snapshot.epoch,
        "holder": snapshot.holder,
        "state": snapshot.state.value,
        "trading_active": snapshot.trading_active,
        "ledger_id": snapshot.ledger_id,
        "highest_epoch": snapshot.highest_epoch,
        "halts": [halt(each) for each in snapshot.halts],
        "blocks": list(snapshot.blocks),
        "recovering_until": snapshot.recovering_until and instant(snapshot.recovering_until),
        **money(snapshot),
        "positions": [position(each) for each in snapshot.positions],
        "open_orders": snapshot.open_orders,
        "unresolved": snapshot.unresolved,
        "journal": snapshot.journal,
        "schema": {"code": snapshot.schema[0], "ledger": snapshot.schema[1]},
        "exchange": snapshot.exchange,
        "database": snapshot.database,
        "clock": snapshot.clock.value,
        "circuit_breakers": [breaker(*each) for each in snapshot.breakers],
        "strategies": strategies(identity, snapshot, account),
        "shadow": {
            "compared": snapshot.shadow.compared,
            "differing": snapshot.shadow.differing,
            "quantity_difference_percent": decimal(snapshot.shadow.quantity_difference_percent),
        },
        "adoption": snapshot.adoption and adoption(snapshot.adoption),
        "outside": list(snapshot.outside),
        "reconciliation": {
            "at": snapshot.reconciled_at and instant(snapshot.reconciled_at),
            "differences": list(snapshot.differences),
        },
        "flat": snapshot.flat,
        "last_decision": snapshot.last_decision and decision(snapshot.last_decision),
        "wishes": {"enter": snapshot.wishes[0], "exit": snapshot.wishes[1]},
        "refused": [{"reason": e.reason, "times": e.times, "message": e.message} for e in snapshot.refused],
        "last_orders": [order(each) for each in snapshot.last_orders],
        "market_data": market_data(snapshot, account),
        "started_at": snapshot.started_at and instant(snapshot.started_at),
    }


def market_data(snapshot: Snapshot, account: Account | None) -> Json:
    """What is known of the markets: how they move, and when each part of what venues say of them was told."""
    updated = account.updated if account else {}
    return {
        "open": snapshot.market_open,
        "volatility": {symbol: round(ratio, 6) for symbol, ratio in snapshot.volatility},
        "filters_age_seconds": snapshot.filters_age_seconds,
        "updated": {f"{exchange} {part}": instant(at) for (exchange, part), at in sorted(updated.items())},
    }


def strategies(identity: Identity, snapshot: Snapshot, account: Account | None) -> list[Json]:
    """Each with what it has brought; null while the ledger has not told, or where it is not asked."""
    made = by_strategy(account.trades) if account else {}
    return [
        {
            "name": name,
            "enabled": name not in snapshot.disabled,
            "symbols": [symbol for symbol, decides in identity.deciders.items() if decides == name],
            "trades": len(made.get(name, ())) if account else None,
            "pnl": decimal(total(made.get(name, ()))) if account else None,
        }
        for name in identity.strategies
    ]


def breaker(held: Breaker, state: BreakerState) -> Json:
    return {
        "name": held.name,
        "state": state.value,
        "failures": len(held.failed_at),
        "opened_at": held.opened_at and instant(held.opened_at),
        "last_error": held.last_error or None,
        "kind": held.kind or None,
        "trips": held.trips,
    }


def who(identity: Identity) -> Json:
    return {
        "bot": identity.bot,
        "namespace": identity.namespace,
        "mode": identity.mode,
        "book": identity.book,
        "colour": identity.colour,
        "revision": identity.revision,
        "instance": identity.instance,
        "version": identity.version,
    }


def money(snapshot: Snapshot) -> Json:
    return {
        "equity": decimal(snapshot.equity),
        "cash": decimal(snapshot.cash),
        "currency": snapshot.currency,
        "trading": {"halted": snapshot.halted, "active": snapshot.trading_active},
        "portfolio": {
            "balance": decimal(snapshot.equity),
            "daily_pnl": decimal(snapshot.equity - snapshot.day_start_equity),
            "open_positions": len(snapshot.positions),
        },
        "performance": {"max_drawdown": decimal(drawdown(snapshot))},
    }


def adoption(value: Adoption) -> Json:
    return {
        "epoch": value.epoch,
        "result": value.result,
        "adopted": value.adopted,
        "cancelled": value.cancelled,
        "recovered": value.recovered,
        "unknown": value.unknown,
        "milliseconds": decimal(value.milliseconds),
    }


def drawdown(snapshot: Snapshot) -> Decimal:
    """The fall from the highest equity, as a ratio of six digits."""
    fall = max(snapshot.peak_equity - snapshot.equity, ZERO)
    return (fall / snapshot.peak_equity).quantize(SIX) if snapshot.peak_equity > ZERO else ZERO


def health(snapshot: Snapshot, alive: bool, uptime_seconds: float) -> Json:
    """The body of ``/health``."""
    ruling = most_restrictive(snapshot.halts)
    return {
        "status": verdict(snapshot, alive),
        "trading_active": snapshot.trading_active,
        "halted": snapshot.halted,
        "haltReason": next((each.reason for each in snapshot.halts if each.kind is ruling), None),
        "state": snapshot.state.value,
        "epoch": snapshot.epoch,
        "blocks": list(snapshot.blocks),
        "database": snapshot.database,
        "exchange": snapshot.exchange,
        "data_age_seconds": snapshot.data_age_seconds,
        "last_data_update": snapshot.data_seen_at and instant(snapshot.data_seen_at),
        "uptime_seconds": round(uptime_seconds, 3),
        "active_positions": len(snapshot.positions),
        "balance": decimal(snapshot.equity),
        "checks": {
            "heartbeat": {"status": "ok" if alive else "the loop has not turned for 30 s"},
            "database": {"status": snapshot.database},
            "exchange": {"status": snapshot.exchange},
        },
    }


def verdict(snapshot: Snapshot, alive: bool) -> str:
    """healthy, degraded (works, but a person or the market keeps it from trading), or unhealthy.

    What is unknown is unhealthy: a bot that has not yet reached its ledger is not well.
    """
    if not alive or snapshot.database != "ok" or snapshot.exchange != "ok":
        return "unhealthy"
    if snapshot.halted or snapshot.blocks or snapshot.state not in (EngineState.TRADING, EngineState.STANDBY):
        return "degraded"
    return "healthy"


def halt(value: Halt) -> Json:
    return {
        "id": value.id,
        "kind": value.kind.value,
        "source": value.source,
        "cause": cause(value.id),
        "reason": value.reason,
        "since": instant(value.since),
        "limit": value.limit,
    }


def position(held: HeldPosition) -> Json:
    inner = held.position
    return {
        "symbol": inner.symbol,
        "quantity": decimal(inner.quantity),
        "average_price": decimal(inner.average_price),
        "cost": decimal(inner.cost),
        "mark": decimal(held.mark),
        "unrealised": decimal(held.unrealised),
        "realised": decimal(inner.realised),
        "fees": decimal(inner.fees_quote),
        "stop_price": held.stop_price and decimal(held.stop_price),
        "covered": decimal(held.covered),
        "dust": held.dust,
        "opened_at": inner.opened_at and instant(inner.opened_at),
    }


def order(record: OrderRecord) -> Json:
    """One row of orders; a cancel shows the client id of its target."""
    write, request = record.write, record.write.request
    shared = {
        "client_id": write.client_id,
        "symbol": request.symbol,
        "status": record.status.value,
        "at": instant(write.timestamp),
        "epoch": write.epoch,
        "reason": request.reason,
        "message": record.message,
    }
    if not isinstance(request, Order):
        return {**shared, "type": "cancel", "target": request.client_id}
    return {
        **shared,
        "side": request.side.value,
        "type": request.type.value,
        "purpose": request.purpose.value,
        "quantity": decimal(request.quantity),
        "filled": decimal(record.filled),
        "price": None if request.price is None else decimal(request.price),
        "stop_price": None if request.stop_price is None else decimal(request.stop_price),
        "venue_id": record.venue_id,
    }


def trade(fill: Fill) -> Json:
    return {
        "symbol": fill.symbol,
        "trade_id": fill.trade_id,
        "client_id": fill.client_id,
        "side": fill.side.value,
        "quantity": decimal(fill.quantity),
        "price": decimal(fill.price),
        "commission": decimal(fill.commission),
        "commission_asset": fill.commission_asset,
        "maker": fill.maker,
        "at": instant(fill.at),
    }


def decision(last: LastDecision) -> Json:
    return {"symbol": last.symbol, "bar": instant(last.bar), "action": last.action, "reason": last.reason}


def lease(state: LeaseState) -> Json:
    """The body of ``/fence/status`` (contracts 8.1)."""
    row = state.row
    return {
        "ledger_id": row.ledger_id,
        "epoch": row.epoch,
        "holder": row.holder,
        "instance": row.instance,
        "revision": row.revision,
        "successor": row.successor,
        "order_left_ms": state.order_left_ms,
        "released": row.released_at is not None,
        "hold_left_ms": state.hold_left_ms,
        "guard_ms": state.guard_ms,
        "heartbeats": [
            {"instance": sign.instance, "role": sign.role, "silent_ms": sign.silent_ms} for sign in state.signs
        ],
    }


def decimal(value: Decimal) -> str:
    """*value* in full, without an exponent and without zeros that say nothing."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")

"""What people read of the past: results of days and windows, the account, and how the process itself is."""

import gc
import resource
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tradingbot.api import view
from tradingbot.api.answers import BadQuery, Json, error
from tradingbot.api.desk import Desk
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.trade import Trade, sharpe, total, win_ratio

Endpoint = Callable[[Request], Awaitable[Response]]
MOST_DAYS = 3650
SHOWN_TYPES = 20


def report_routes(desk: Desk) -> Iterator[tuple[str, Endpoint]]:
    """Path and endpoint of everything that is only read."""
    yield "/api/reports/performance", _performance(desk)
    yield "/api/reports/daily-pnl", _daily(desk)
    yield "/api/reports/trading-summary/today", _today(desk)
    yield "/api/metrics/performance", _metrics(desk)
    yield "/api/metrics/memory", _memory
    yield "/api/portfolio/summary", _portfolio(desk)
    yield "/api/health/detailed", _detailed(desk)
    yield "/api/health/safety", _safety(desk)
    yield "/api/health/websockets", _streams(desk)
    yield "/api/market-data/{exchange}/status", _market(desk)


def window(trades: Sequence[Trade], days: int) -> view.Json:
    """The results of *trades* in sum; of none, a share or an average is unknown."""
    ratio = win_ratio(trades)
    return {
        "days": days,
        "total_trades": len(trades),
        "win_rate": None if ratio is None else view.decimal((ratio * 100).quantize(view.SIX)),
        "total_pnl": view.decimal(total(trades)),
        "avg_pnl": view.decimal((total(trades) / len(trades)).quantize(view.SIX)) if trades else None,
    }


def by_day(trades: Sequence[Trade]) -> list[view.Json]:
    """The results of each day in UTC on which something was sold, newest first."""
    days: dict[str, list[Trade]] = {}
    for trade in trades:
        days.setdefault(trade.ended_at.astimezone(UTC).date().isoformat(), []).append(trade)
    return [
        {"trade_date": day, "trades": len(days[day]), "daily_pnl": view.decimal(total(days[day]))}
        for day in sorted(days, reverse=True)
    ]


def _performance(desk: Desk) -> Endpoint:
    async def answer(request: Request) -> Response:
        days = _days(request, "30")
        since = desk.now() - timedelta(days=days)
        return Json(window(await desk.ask(lambda ledger: ledger.results(since)), days))

    return answer


def _daily(desk: Desk) -> Endpoint:
    async def answer(request: Request) -> Response:
        since = desk.now() - timedelta(days=_days(request, "7"))
        return Json(by_day(await desk.ask(lambda ledger: ledger.results(since))))

    return answer


def _today(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        midnight = desk.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        trades = await desk.ask(lambda ledger: ledger.results(midnight))
        wins = sum(trade.pnl > ZERO for trade in trades)
        summary = {
            "since": view.instant(midnight),
            "trades": len(trades),
            "wins": wins,
            "losses": len(trades) - wins,
            "pnl": view.decimal(total(trades)),
            "fees": view.decimal(sum((trade.fees for trade in trades), ZERO)),
        }
        return Json(summary)

    return answer


def _metrics(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        account = await desk.ask(lambda ledger: ledger.account())
        ratio, yearly = win_ratio(account.trades), sharpe(account.closes)
        snapshot = desk.commands.snapshot()
        return Json(
            {
                "sharpe_ratio": None if yearly is None else view.decimal(yearly.quantize(view.SIX)),
                "win_rate": None if ratio is None else view.decimal(ratio.quantize(view.SIX)),
                "total_trades": len(account.trades),
                "total_pnl": view.decimal(total(account.trades)),
                "max_drawdown": view.decimal(view.drawdown(snapshot)),
                "total_equity": view.decimal(snapshot.equity),
            }
        )

    return answer


async def _memory(_: Request) -> Response:
    return Json(memory())


def resident_bytes() -> int:
    """How large this process is."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def memory() -> view.Json:
    """Counting every object holds the process up for some milliseconds, so it is only done when asked for."""
    kinds = Counter(type(each).__qualname__ for each in gc.get_objects())
    return {
        "rss_bytes": resident_bytes(),
        "objects": kinds.total(),
        "top": [{"type": name, "objects": count} for name, count in kinds.most_common(SHOWN_TYPES)],
        "gc": [{"generation": level, **each} for level, each in enumerate(gc.get_stats())],
    }


def _portfolio(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        snapshot = desk.commands.snapshot()
        return Json(
            {
                "isVirtual": desk.identity.mode != "live",
                "mode": desk.identity.mode,
                "equity": view.decimal(snapshot.equity),
                "cash": view.decimal(snapshot.cash),
                "currency": snapshot.currency,
                "positions": [view.position(each) for each in snapshot.positions],
            }
        )

    return answer


def _detailed(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        snapshot = desk.commands.snapshot()
        began = desk.monotonic()
        await desk.ask(lambda ledger: ledger.orders(None, 1))
        took = desk.monotonic() - began
        alive = desk.is_alive()
        components: dict[str, Any] = {
            "database": {"status": snapshot.database, "latency_ms": round(took * 1000, 3)},
            "exchange": {"status": snapshot.exchange, "last_update": _instant(snapshot.data_seen_at)},
            "engine": {"status": snapshot.state.value, "heartbeat_age_seconds": round(desk.heartbeat_age(), 3)},
        }
        return Json({"status": view.verdict(snapshot, alive), "components": components})

    return answer


def _safety(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        snapshot, safety = desk.commands.snapshot(), desk.safety
        return Json(
            {
                "paperTradingMode": desk.identity.mode != "live",
                "mode": desk.identity.mode,
                "realTradesBlocked": desk.real_trades_blocked,
                "paperModeConsistent": safety.consistent,
                "checkedAt": _instant(safety.checked_at),
                "differences": list(safety.differences),
                "halted": snapshot.halted,
                "halts": [view.halt(each) for each in snapshot.halts],
            }
        )

    return answer


def _streams(desk: Desk) -> Endpoint:
    async def answer(_: Request) -> Response:
        return Json(
            {
                "streams": [{"name": name, "connected": up} for name, up in sorted(desk.streams.items())],
                "last_message_age_seconds": desk.commands.snapshot().data_age_seconds,
            }
        )

    return answer


def _market(desk: Desk) -> Endpoint:
    async def answer(request: Request) -> Response:
        asked, own = request.path_params["exchange"], desk.identity.exchange
        if asked != own:
            return error(404, f'exchange "{asked[:40]}" is not traded on by this bot: write {own}')
        snapshot = desk.commands.snapshot()
        return Json(
            {
                "exchange": own,
                "connected": snapshot.exchange == "ok" and all(desk.streams.values()),
                "status": snapshot.exchange,
                "symbols": list(desk.identity.symbols),
                "last_update": _instant(snapshot.data_seen_at),
                "age_seconds": snapshot.data_age_seconds,
            }
        )

    return answer


def _days(request: Request, usual: str) -> int:
    text = request.query_params.get("days", usual)
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MOST_DAYS):
        raise BadQuery(f'days "{text[:20]}" is not a number from 1 to {MOST_DAYS}: write one')
    return int(text)


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else view.instant(moment)

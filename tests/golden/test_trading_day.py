"""A trading day as readable text: what was decided, sent, filled, covered and earned. GOLDEN_UPDATE=1 rewrites it."""

import asyncio
import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from trading import LIMITS, Replay, recorded, replay
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.intent import Decision
from tradingbot.domain.order import Order, OrderRecord, VenueWrite
from tradingbot.strategy import strategy_of

STEP = timedelta(minutes=1)
FOLDER = Path(__file__).parent / "trading_day"
TIGHT = replace(
    LIMITS,
    max_order_notional=Decimal(4000),
    max_position_notional=Decimal(4000),
    order_fraction_percent=Decimal(40),
    stop_loss_percent=Decimal("0.2"),
    max_daily_loss=Decimal(40),
)
DAYS = {
    "sma-cross-on-bybit": ("BTCUSDT-1m", "sma_cross", {"fast": "10", "slow": "50"}, LIMITS),
    "rsi-with-tight-stops-until-the-daily-loss": ("BTCUSDT-1m", "rsi", {"period": "9"}, TIGHT),
}


def told(day: Replay) -> str:
    """The day, line by line; bars on which nothing was wanted are left out."""
    ledger = day.ledger
    lines = []
    for record in reversed(ledger.orders()):
        lines.append((record.write.timestamp, 1, sent(record)))
        fills = [fill for fill in ledger.fills() if fill.client_id == record.write.client_id]
        lines += [
            (
                record.write.timestamp,
                2,
                f"  filled   {plain(f.quantity)} at {plain(f.price)} in bar {f.bar:%H:%M},"
                f" fee {plain(f.commission)} {f.commission_asset}",
            )
            for f in fills
        ]
    lines += [
        (decision.bar + STEP, 0, wanted(decision, write)) for decision, write in ledger.decisions if decision.intent
    ]
    shown = day.engine.snapshot()
    end = [
        "",
        f"decided {shown.bars_seen} bars, wanted something on {sum(d.intent is not None for d, _ in ledger.decisions)}",
        f"equity {plain(round(shown.equity, 8))} {shown.currency}, cash {plain(round(shown.cash, 8))},"
        f" result {plain(round(shown.equity - 10000, 8))}",
        *[f"halted: {halt.id}: {halt.reason}" for halt in shown.halts],
    ]
    return "\n".join([text for _, _, text in sorted(lines, key=lambda line: line[:2])] + end) + "\n"


def wanted(decision: Decision, write: VenueWrite | None) -> str:
    intent = decision.intent
    assert intent is not None
    came = (
        f"refused: {decision.refusal.message}" if decision.refusal else f"sent as {write.client_id if write else '-'}"
    )
    return f"{decision.bar:%H:%M} {intent.action.value:5} at {plain(intent.price)}: {intent.reason}; {came}"


def sent(record: OrderRecord) -> str:
    request = record.write.request
    assert isinstance(request, Order)
    stop = f", stop at {plain(request.stop_price)}" if request.stop_price else ""
    over = f", replaces {request.replaces}" if request.replaces else ""
    filled = f" ({plain(record.filled)})" if record.filled not in (ZERO, request.quantity) else ""
    return (
        f"  {record.write.timestamp:%H:%M} {request.purpose.value:5} {record.write.client_id} {request.side.value}"
        f" {plain(request.quantity)} {request.type.value}{stop}{over} -> {record.status.value}{filled}"
        + (f": {record.message}" if record.message else "")
    )


def plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@pytest.mark.parametrize("name", DAYS)
def test_the_day_is_as_it_was(name):
    """Same candles, same strategy, same limits: the same day to the last digit. The difference is read in review."""
    file, strategy, parameters, limits = DAYS[name]
    day = replay(recorded(file), strategy_of(strategy, parameters), limits=limits)
    asyncio.run(day.engine.run())
    golden = FOLDER / f"{name}.txt"
    if os.environ.get("GOLDEN_UPDATE"):
        golden.write_text(told(day))
    assert told(day) == golden.read_text()

"""What a sell has brought, and what a row of them amounts to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from tradingbot.domain.instrument import ZERO

DAYS_A_YEAR = 365  # crypto has no weekends
LEAST_CLOSES = 3


@dataclass(frozen=True, slots=True)
class Trade:
    """A position, or a part of it, that one order has sold: *pnl* is what it brought after the fees of both sides."""

    symbol: str
    pnl: Decimal
    fees: Decimal
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger's database tells in one look; *closes* are the last equities of its days, oldest first.

    *connections* is None where there is no server to count them.
    """

    trades: tuple[Trade, ...]
    closes: tuple[Decimal, ...]
    size_bytes: int
    connections: int | None


def total(trades: Sequence[Trade]) -> Decimal:
    return sum((trade.pnl for trade in trades), ZERO)


def win_ratio(trades: Sequence[Trade]) -> Decimal | None:
    """The share of *trades* that brought something; None without any."""
    return Decimal(sum(trade.pnl > ZERO for trade in trades)) / len(trades) if trades else None


def sharpe(closes: Sequence[Decimal]) -> Decimal | None:
    """The yearly Sharpe ratio of the daily returns between *closes*; None where they are too few, or never differ."""
    if len(closes) < LEAST_CLOSES or min(closes) <= ZERO:
        return None
    returns = [after / before - 1 for before, after in pairwise(closes)]
    mean = sum(returns, ZERO) / len(returns)
    variance = sum(((each - mean) ** 2 for each in returns), ZERO) / (len(returns) - 1)
    return mean / variance.sqrt() * Decimal(DAYS_A_YEAR).sqrt() if variance > ZERO else None

"""What a sell has brought, and what a row of them amounts to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Context, Decimal, localcontext
from itertools import pairwise

from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import Fill, Side

DAYS_A_YEAR = 365  # crypto has no weekends
LEAST_CLOSES = 3
# Wide enough for every digit of a sum of products; only a share of a cost is rounded, for each division adds digits.
WHOLE = Context(prec=80)
DIGITS = 18


@dataclass(frozen=True, slots=True)
class Trade:
    """A position, or a part of it, that one order has sold: *pnl* is what it brought after the fees of both sides.

    *strategy* has entered it; empty where nobody's decision stands behind the buy.
    """

    symbol: str
    pnl: Decimal
    fees: Decimal
    ended_at: datetime
    strategy: str = ""


@dataclass(frozen=True, slots=True)
class Walked:
    """What the fills of *symbol* leave behind: what is held, cost and fees of it in the quote coin, who bought last."""

    symbol: str
    held: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    strategy: str = ""


def walk(before: Walked, fill: Fill, strategy: str = "") -> tuple[Walked, Trade | None]:
    """What is left after *fill*, the next in time, and what it brought if it sold; added up no digit is lost.

    *strategy* has decided it, if it is a buy; who sells does not matter: a stop is nobody's decision.
    """
    base, _, quote = before.symbol.partition("/")
    fee = fill.commission if fill.commission_asset == quote else ZERO
    fee_base = fill.commission if fill.commission_asset == base else ZERO
    with localcontext(WHOLE):
        if fill.side is Side.BUY:
            paid, held = fill.quantity * fill.price, before.held + fill.quantity - fee_base
            bought = replace(before, held=held, cost=before.cost + paid, fees=before.fees + fee)
            return replace(bought, strategy=strategy or before.strategy), None
        gone = fill.quantity + fee_base
        after = Walked(before.symbol, before.held - gone)
        if after.held > ZERO:
            left = after.held / before.held
            cost, costs = round(before.cost * left, DIGITS), round(before.fees * left, DIGITS)
            after = replace(after, cost=cost, fees=costs, strategy=before.strategy)
        fees = before.fees - after.fees + fee
        gain = fill.quantity * fill.price - (before.cost - after.cost) - fees
    return after, Trade(before.symbol, gain, fees, fill.at, before.strategy)


def together(first: Trade, second: Trade) -> Trade:
    """What two fills of one order have brought."""
    with localcontext(WHOLE):
        pnl, fees = first.pnl + second.pnl, first.fees + second.fees
    return replace(first, pnl=pnl, fees=fees, ended_at=max(first.ended_at, second.ended_at))


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger's database tells in one look; *closes* are the last equities of its days, oldest first.

    *connections* is None where there is no server to count them. *updated* is when an exchange last told a part of its
    market data (filters, fees, universe), by the ledger's clock.
    """

    trades: tuple[Trade, ...]
    closes: tuple[Decimal, ...]
    size_bytes: int
    connections: int | None
    updated: Mapping[tuple[str, str], datetime] = field(default_factory=dict)


def total(trades: Sequence[Trade]) -> Decimal:
    with localcontext(WHOLE):
        return sum((trade.pnl for trade in trades), ZERO)


def by_strategy(trades: Sequence[Trade]) -> Mapping[str, tuple[Trade, ...]]:
    """*trades* by who has entered them."""
    found: dict[str, list[Trade]] = {}
    for trade in trades:
        found.setdefault(trade.strategy, []).append(trade)
    return {strategy: tuple(each) for strategy, each in found.items()}


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

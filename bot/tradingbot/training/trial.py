"""What a strategy would have brought on recorded candles, by the rules of the paper venue for market orders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from tradingbot.domain.candle import Candle
from tradingbot.domain.intent import Action, Intent
from tradingbot.domain.window import Window

# Of the paper venue.
FEE = Decimal("0.001")
HUNDREDTH = Decimal("0.01")


class Rule(Protocol):
    """A strategy with its parameters."""

    @property
    def bars(self) -> int: ...

    @property
    def decide(self) -> Callable[[Window, Decimal], Intent | None]: ...


@dataclass(frozen=True, slots=True)
class Figures:
    """*trades* counts positions that were left; what is held at the end is worth its last close."""

    return_percent: Decimal
    drawdown_percent: Decimal
    trades: int


@dataclass(frozen=True, slots=True)
class Purse:
    """All is coins or all is money: nothing is sized, so that only the decisions are compared."""

    money: Decimal = Decimal(1)
    coins: Decimal = Decimal(0)
    trades: int = 0

    def after(self, wish: Action | None, price: Decimal) -> "Purse":
        """The purse once *wish* was carried out at *price*."""
        if wish is Action.ENTER and not self.coins:
            return Purse(Decimal(0), self.money * (1 - FEE) / price, self.trades)
        if wish is Action.EXIT and self.coins:
            return Purse(self.coins * price * (1 - FEE), Decimal(0), self.trades + 1)
        return self

    def worth(self, price: Decimal) -> Decimal:
        return self.money + self.coins * price


def tried(rule: Rule, candles: Sequence[Candle], begin: int) -> Figures:
    """*rule* decides on each closed bar from *begin* on, and acts at the next open; the bars before are its past."""
    closes = [float(candle.close) for candle in candles]

    def decided(number: int, coins: Decimal) -> Action | None:
        first = number + 1 - rule.bars
        wanted = rule.decide(Window(candles[first : number + 1], closes[first : number + 1]), coins)
        return wanted.action if wanted else None

    return _followed(decided, candles, begin)


def held(candles: Sequence[Candle], begin: int) -> Figures:
    """What deciding once, on the bar at *begin*, and holding ever since would have brought."""
    return _followed(lambda number, _: Action.ENTER if number == begin else None, candles, begin)


def _followed(decided: Callable[[int, Decimal], Action | None], candles: Sequence[Candle], begin: int) -> Figures:
    purse, wish = Purse(), None
    highest, fall = Decimal(1), Decimal(0)
    for number in range(begin, len(candles)):
        candle = candles[number]
        purse = purse.after(wish, candle.open)
        worth = purse.worth(candle.close)
        highest = max(highest, worth)
        fall = max(fall, 1 - worth / highest)
        wish = decided(number, purse.coins)
    return Figures(_percent(purse.worth(candles[-1].close) - 1), _percent(fall), purse.trades)


def joined(each: Sequence[Figures]) -> Figures:
    """The same money in each market: the mean of the returns, the deepest fall, all trades."""
    mean = (sum((one.return_percent for one in each), Decimal(0)) / len(each)).quantize(HUNDREDTH)
    return Figures(mean, max(one.drawdown_percent for one in each), sum(one.trades for one in each))


def _percent(ratio: Decimal) -> Decimal:
    return (ratio * 100).quantize(HUNDREDTH)

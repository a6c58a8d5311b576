"""For benches and chaos only: a decision on every beat of a timer, so that who trades can be seen at any instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from tradingbot.domain.errors import Misconfigured
from tradingbot.strategy.parameters import known, whole

# So far below the market a buy rests without filling, and the venue still takes it.
RESTS_AT = Decimal("0.9")


class Style(StrEnum):
    """What its orders are like."""

    RESTING = "resting"
    PASSING = "passing"
    MARKET = "market"


class Step(StrEnum):
    """What one beat does."""

    BUY = "buy"  # at the market
    SELL = "sell"
    PLACE = "place"  # a small buy that rests
    TAKE_BACK = "take_back"  # the oldest of those


@dataclass(frozen=True, slots=True)
class Metronome:
    """*positions* orders of *notional* each are kept resting, and a position worth *holds* beside them.

    One whose style is passing takes each order back in the beat it was placed in: between beats its book is empty.
    """

    every: timedelta
    notional: Decimal
    positions: int
    style: Style
    holds: Decimal


def parse(parameters: Mapping[str, str]) -> Metronome:
    known(parameters, frozenset({"every_ms", "notional", "positions", "style", "holds"}))
    style = parameters.get("style", Style.RESTING)
    if style not in tuple(Style):
        raise Misconfigured(f"strategy.parameters.style is {style!r}; write {', '.join(Style)}")
    return Metronome(
        every=timedelta(milliseconds=whole(parameters, "every_ms", 20)),
        notional=_amount(parameters, "notional", "10"),
        positions=1 if style == Style.PASSING else whole(parameters, "positions", 5),
        style=Style(style),
        holds=_amount(parameters, "holds", "0"),
    )


def step(parameters: Metronome, resting: Sequence[str], flat: bool) -> Step:
    """The next step with so many orders *resting*."""
    if parameters.style is Style.MARKET:
        return Step.BUY if flat else Step.SELL
    if flat and parameters.holds:
        return Step.BUY
    return Step.PLACE if len(resting) < parameters.positions else Step.TAKE_BACK


def _amount(parameters: Mapping[str, str], name: str, default: str) -> Decimal:
    text = parameters.get(name, default)
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise Misconfigured(f"strategy.parameters.{name} is {text!r}; give an amount of the quote coin")
    return amount

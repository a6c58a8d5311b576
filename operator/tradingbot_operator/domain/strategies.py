"""The strategies the bot of this release has, and how their parameters are written: held to the bot by a contract test.

A wrong parameter would end the new process after the old one was stopped, so it is refused before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Number:
    """A number from *least* to *most*; *default* where it is not given."""

    least: str
    most: str
    default: str
    whole: bool = False

    def fits(self, text: str) -> bool:
        form = r"[0-9]{1,9}" if self.whole else r"[0-9]{1,9}([.][0-9]{1,9})?"
        return re.fullmatch(form, text) is not None and Decimal(self.least) <= Decimal(text) <= Decimal(self.most)

    def __str__(self) -> str:
        return f"a {'whole ' if self.whole else ''}number from {self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class Strategy:
    """*ordered* names two numbers of which the first must be less, or with *equal* at most, the second."""

    numbers: Mapping[str, Number]
    ordered: tuple[str, str]
    equal: bool = False
    required: tuple[str, ...] = ()


STRATEGIES: Mapping[str, Strategy] = {
    "ml_basic": Strategy(
        {"enter": Number("0", "1", "0.55"), "exit": Number("0", "1", "0.45")},
        ordered=("exit", "enter"),
        equal=True,
        required=("model", "sha256"),
    ),
    "rsi": Strategy(
        {
            "period": Number("2", "5000", "14", whole=True),
            "lower": Number("0", "100", "30"),
            "upper": Number("0", "100", "70"),
        },
        ordered=("lower", "upper"),
    ),
    "sma_cross": Strategy(
        {"fast": Number("1", "5000", "10", whole=True), "slow": Number("2", "5000", "50", whole=True)},
        ordered=("fast", "slow"),
    ),
}


# For benches and chaos; its process judges its parameters, and it never trades with money.
BENCH = ("metronome",)


def complaint(name: str, parameters: Mapping[str, str]) -> str | None:
    """What is wrong with a strategy and its parameters, as one sentence with field, value and cure; or None."""
    strategy = STRATEGIES.get(name)
    if name in BENCH:
        return None
    if strategy is None:
        return f"spec.strategy.name: '{name}' is not known; use {', '.join(STRATEGIES)}, or name an image that has it"
    for missing in (each for each in strategy.required if not parameters.get(each)):
        return f"spec.strategy.parameters.{missing}: missing; {name} cannot work without it"
    for field, value in parameters.items():
        if sentence := _misfit(strategy, field, value):
            return f"spec.strategy.parameters.{field}: '{value}' {sentence}"
    return _disorder(strategy, parameters)


def _misfit(strategy: Strategy, field: str, value: str) -> str | None:
    if field in strategy.required:
        return None
    number = strategy.numbers.get(field)
    if number is None:
        return f"is given to an unknown parameter; use {', '.join(sorted((*strategy.numbers, *strategy.required)))}"
    return None if number.fits(value) else f"does not fit; write {number}"


def _disorder(strategy: Strategy, parameters: Mapping[str, str]) -> str | None:
    low, high = ((name, parameters.get(name, strategy.numbers[name].default)) for name in strategy.ordered)
    gap = Decimal(high[1]) - Decimal(low[1])
    if gap > 0 or (gap == 0 and strategy.equal):
        return None
    limit = "at most" if strategy.equal else "less than"
    return f"spec.strategy.parameters.{low[0]}: '{low[1]}' is too much; write {limit} {high[0]}, which is {high[1]}"

"""Walk-forward: the parameters that did best on the first part are judged on the rest, which had no say in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tradingbot.domain.candle import Candle
from tradingbot.domain.errors import Misconfigured
from tradingbot.training.trial import Figures, Rule, held, joined, tried

# Of the bars; the rest judges.
CHOOSES = Decimal("0.7")
LEAST = 100

Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    first: datetime
    last: datetime
    figures: Figures

    def told(self) -> dict[str, Any]:
        return {
            "from": self.first.strftime("%Y-%m-%dT%H:%MZ"),
            "to": self.last.strftime("%Y-%m-%dT%H:%MZ"),
            "return_percent": str(self.figures.return_percent),
            "drawdown_percent": str(self.figures.drawdown_percent),
            "trades": self.figures.trades,
        }


@dataclass(frozen=True, slots=True)
class Lesson:
    """*refused* combinations make no strategy. *holding*: what buying at the start of the judged part had brought."""

    parameters: Parameters
    tried: int
    refused: int
    chosen: Part
    judged: Part
    holding: Decimal

    def told(self) -> dict[str, Any]:
        """As people and other programs read it; small enough for the last word of a container."""
        return {
            "parameters": dict(self.parameters),
            "tried": self.tried,
            "refused": self.refused,
            "chosen_on": self.chosen.told(),
            "judged_on": {**self.judged.told(), "holding_percent": str(self.holding)},
        }


def learnt(
    markets: Sequence[Sequence[Candle]], points: Sequence[Parameters], build: Callable[[Parameters], Rule]
) -> Lesson:
    """The best of *points* on the first part of *markets*, and what it brought on the rest.

    Of two that brought the same, the one that fell less is better, then the one named first. Raises Misconfigured when
    no point makes a strategy, or when the candles are too few to choose and to judge by.
    """
    rules, why = _built(points, build)
    if not rules:
        raise Misconfigured(f"--grid: none of {len(points)} combinations makes a strategy: {why}")
    past = max(rule.bars for _, rule in rules)
    for candles in markets:
        if len(candles) < past + LEAST:
            needs = f"{past + LEAST} are the fewest for a strategy that looks at {past}"
            raise Misconfigured(f"the recording has {len(candles)} bars and {needs}: give a longer one")
    splits = [past + int((len(candles) - past) * CHOOSES) for candles in markets]
    first = [candles[:split] for candles, split in zip(markets, splits, strict=True)]
    # All begin at the same bar, however far each one looks back.
    results = [(point, rule, joined([tried(rule, candles, past - 1) for candles in first])) for point, rule in rules]
    point, rule, chosen = min(results, key=lambda each: (-each[2].return_percent, each[2].drawdown_percent))
    rest = list(zip(markets, splits, strict=True))
    judged = joined([tried(rule, candles, split) for candles, split in rest])
    holding = joined([held(candles, split) for candles, split in rest]).return_percent
    begin, split, end = markets[0][past - 1].open_time, markets[0][splits[0]].open_time, markets[0][-1].close_time
    counts = (len(rules), len(points) - len(rules))
    return Lesson(point, *counts, Part(begin, split, chosen), Part(split, end, judged), holding)


def _built(
    points: Sequence[Parameters], build: Callable[[Parameters], Rule]
) -> tuple[list[tuple[Parameters, Rule]], str]:
    """The points that make a strategy, each with it, and why the last other one makes none."""
    rules, why = [], ""
    for point in points:
        try:
            rules.append((point, build(point)))
        except Misconfigured as error:
            why = str(error)
    return rules, why

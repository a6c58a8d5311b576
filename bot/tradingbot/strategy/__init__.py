"""What to want on a closed bar: pure functions of bars, the quantity held and parameters. No I/O, no clock, no mode."""

from tradingbot.strategy.registry import Strategy, strategy_of

__all__ = ["Strategy", "strategy_of"]

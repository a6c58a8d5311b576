"""How a strategy words its wish."""

from tradingbot.domain.candle import Candle
from tradingbot.domain.intent import Action, Intent


def wish(candle: Candle, strategy: str, action: Action, reason: str) -> Intent:
    """An intent on the closed *candle*; the newest datum behind it is that bar's close."""
    return Intent(
        symbol=candle.symbol,
        strategy=strategy,
        bar=candle.open_time,
        action=action,
        price=candle.close,
        seen_at=candle.close_time,
        reason=reason,
    )

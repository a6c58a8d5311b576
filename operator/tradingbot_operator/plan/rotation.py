"""When the tokens of a bot's API are followed by new ones."""

from datetime import datetime, timedelta

from tradingbot_operator.domain.observed import TokenSecret

LIFETIME = timedelta(days=7)


def due(tokens: TokenSecret | None, now: datetime) -> TokenSecret | None:
    """The Secret whose tokens are to be followed by new ones now, or None."""
    return tokens if tokens is not None and now >= tokens.made + LIFETIME else None


def seconds_left(tokens: TokenSecret | None, now: datetime) -> float | None:
    """How long until the next rotation, of tokens made now if they are due; None while there are none."""
    if tokens is None:
        return None
    left = tokens.made + LIFETIME - now
    return (left if left > timedelta(0) else LIFETIME).total_seconds()

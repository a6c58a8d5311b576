"""Asks a bot's process what it is doing. No answer is unknown, never "not trading"."""

import aiohttp

from tradingbot_operator.cluster.reading import report
from tradingbot_operator.domain.names import OPS_PORT
from tradingbot_operator.domain.observed import Report

PATIENCE = aiohttp.ClientTimeout(total=3)
UNREADABLE = (ValueError, KeyError, AttributeError, TypeError, ArithmeticError)


async def ask(session: aiohttp.ClientSession, ip: str, port: int = OPS_PORT) -> Report | None:
    """What the pod at *ip* says of itself, or None when it does not say."""
    host = f"[{ip}]" if ":" in ip else ip
    try:
        async with session.get(f"http://{host}:{port}/status", timeout=PATIENCE) as answer:
            return report(await answer.json(content_type=None)) if answer.status == 200 else None
    # With hundreds of attempts that time out, uvloop says of a new socket that its number is still in use.
    except (TimeoutError, aiohttp.ClientError, RuntimeError, *UNREADABLE):
        return None

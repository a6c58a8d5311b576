"""``atb test-provider``, ``atb exchange ping``: does the venue give us candles, does it answer at all."""

import asyncio
import importlib
import json
import time
from typing import Annotated

import typer

from tradingbot import __version__
from tradingbot.cli import tables
from tradingbot.cli.caching import cache
from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.local import local_environment, local_settings
from tradingbot.domain.candle import TIMEFRAMES, Candle
from tradingbot.settings import Settings

data = typer.Typer(help="Market data.", rich_markup_mode=None)
data.add_typer(cache, name="cache-manager")

exchange = typer.Typer(help="The venue.", rich_markup_mode=None)

QUOTES = ("USDT", "USDC", "BUSD", "USD", "EUR", "BTC", "ETH", "BNB")
COLUMNS = ("open_time", "open", "high", "low", "close", "volume", "closed")
SHOWN = 5


@data.command("test-provider")
def ask_provider(
    name: Annotated[str | None, typer.Argument(help="Exchange; by default the one of the settings.")] = None,
    symbol: Annotated[str | None, typer.Argument(help="Market, as BTC/USDT, BTC-USDT or BTCUSDT.")] = None,
    timeframe: Annotated[str | None, typer.Argument(help="Length of a bar, for example 1h.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    steps: Annotated[bool, typer.Option("--steps", help="Go step by step first, up to the rights of the key.")] = False,
) -> None:
    """Ask the venue for the newest candles; exit 69 when it does not answer."""
    settings = local_settings()
    market = (
        name or settings.exchange.name,
        parse_symbol(symbol) if symbol else settings.exchange.symbols[0],
        timeframe or settings.strategy.timeframe,
    )
    if market[2] not in TIMEFRAMES:
        raise Failed(Exit.USAGE, f'TIMEFRAME "{market[2]}" is unknown: write {", ".join(TIMEFRAMES)}')
    if steps:
        _walk(settings, market[0])
    began = time.monotonic()
    # By name, because the commands that ask the trader must not pay for loading the venues.
    candles = asyncio.run(importlib.import_module("tradingbot.start.adapters").newest_candles(settings, market, SHOWN))
    took = time.monotonic() - began
    rows = [_row(candle) for candle in candles]
    answer = {"exchange": market[0], "symbol": market[1], "timeframe": market[2], "seconds": round(took, 3)}
    text = f"{market[0]} answered in {took:.2f} s: {market[1]} {market[2]}\n" + tables.table(rows, COLUMNS)
    typer.echo(json.dumps({**answer, "candles": rows}, indent=2) + "\n" if as_json else text, nl=False)


def _walk(settings: Settings, name: str) -> None:
    """Each step is told; the first that does not go further ends the command."""
    walk = importlib.import_module("tradingbot.start.walk")
    # As the trader of this pod names itself (contracts 5).
    agent = f"tradingbot/{__version__} pod/{local_environment().pod_uid}"
    found = asyncio.run(walk.walked(settings, name, agent))
    for step in found:
        typer.echo(f"{'ok' if step.ok else 'FAIL':<4}  {step.name}: {step.message}", err=True)
    if not found[-1].ok:
        code = Exit.MISCONFIGURED if found[-1].name == walk.RIGHTS else Exit.UNREACHABLE
        raise Failed(code, f"{name}: step {found[-1].name} fails: {found[-1].message}")


@exchange.command()
def ping(
    name: Annotated[str | None, typer.Argument(help="Exchange; by default the one of the settings.")] = None,
) -> None:
    """Ask the venue for nothing, from here, and tell how long it took; exit 69 when it does not answer."""
    settings = local_settings()
    asked = name or settings.exchange.name
    began = time.monotonic()
    asyncio.run(importlib.import_module("tradingbot.start.adapters").pinged(settings, asked))
    typer.echo(f"{asked} answered in {(time.monotonic() - began) * 1000:.0f} ms")


def parse_symbol(text: str) -> str:
    """*text* as base/quote."""
    parts = text.upper().replace("-", "/").split("/")
    if len(parts) == 2 and all(parts):
        return "/".join(parts)
    quote = next((quote for quote in QUOTES if len(parts) == 1 and parts[0].endswith(quote)), None)
    base = parts[0].removesuffix(quote) if quote else ""
    if not base:
        raise Failed(Exit.USAGE, f'SYMBOL "{text}" is not a market: write for example BTC/USDT')
    return f"{base}/{quote}"


def _row(candle: Candle) -> dict[str, object]:
    prices = {name: str(getattr(candle, name)) for name in ("open", "high", "low", "close", "volume")}
    return {"open_time": candle.open_time.isoformat(), **prices, "closed": candle.closed}

"""``atb data prefill-cache``: the verb, and the way its lists are written."""

import asyncio
import importlib
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from tradingbot.cli import tables
from tradingbot.cli.caching import row
from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.local import local_settings
from tradingbot.cli.provider import parse_symbol
from tradingbot.domain.candle import TIMEFRAMES
from tradingbot.start.ending import LAST_WORD, leave_word

LISTS = ("--symbols", "--timeframes")
YEAR = timedelta(days=365)
COLUMNS = ("exchange", "symbol", "timeframe", "bars", "bytes", "first", "last")


def spread(arguments: Sequence[str]) -> list[str]:
    """``--symbols A B`` as ``--symbols A --symbols B``, for a parser that takes one value at a time."""
    said: list[str] = []
    flag, given = "", False
    for each in arguments:
        if each.startswith("-"):
            flag, given = each if each in LISTS else "", False
        elif flag and given:
            said.append(flag)
        given = given or not each.startswith("-")
        said.append(each)
    return said


class Spreading(TyperCommand):
    """A command whose lists may be written as the runbooks write them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, spread(args))


Symbols = Annotated[list[str] | None, typer.Option("--symbols", help="Markets; those of the settings by default.")]
Timeframes = Annotated[
    list[str] | None, typer.Option("--timeframes", help="Lengths of bars; that of the strategy by default.")
]
Years = Annotated[int | None, typer.Option("--years", min=1, max=20, help="How far back; data.history by default.")]

LastWord = Annotated[bool, typer.Option("--last-word", help="Only numbers of bars, also as the container's last word.")]


def prefill_cache(
    symbols: Symbols = None,
    timeframes: Timeframes = None,
    years: Years = None,
    last_word: LastWord = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Ask the venue for the past of markets and keep it for trainings and replays; exit 78 where it has no room."""
    settings = local_settings()
    lengths = timeframes or [settings.strategy.timeframe]
    for each in lengths:
        if each not in TIMEFRAMES:
            raise Failed(Exit.USAGE, f'--timeframes "{each}" is unknown: write {", ".join(TIMEFRAMES)}')
    markets = [parse_symbol(each) for each in symbols] if symbols else settings.exchange.symbols
    # By name, because the commands that ask the trader must not pay for loading the venues.
    prefilling = importlib.import_module("tradingbot.start.prefilling")
    wanted = prefilling.Wanted(
        tuple(dict.fromkeys(markets)), tuple(dict.fromkeys(lengths)), years * YEAR if years else settings.data.history
    )
    found = asyncio.run(prefilling.prefilled(settings, wanted))
    if last_word:
        told = json.dumps({f"{each.symbol} {each.timeframe}": each.bars for each in found})
        leave_word(told, LAST_WORD)
        typer.echo(told)
        return
    rows = [row(each) for each in found]
    typer.echo(json.dumps(rows, indent=2) + "\n" if as_json else tables.table(rows, COLUMNS), nl=False)

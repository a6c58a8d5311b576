"""``atb data cache-manager``: the bars that this pod keeps on its volume."""

import importlib
import json
from datetime import timedelta
from typing import Annotated, Any

import typer

from tradingbot.cli import tables
from tradingbot.cli.local import local_settings
from tradingbot.start.files import candles_folder

cache = typer.Typer(help="Bars kept on the state volume.", rich_markup_mode=None)
COLUMNS = ("exchange", "symbol", "timeframe", "bars", "bytes", "first", "last", "age_seconds", "expired")


@cache.command()
def info(as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False) -> None:
    """List what is kept: how many bars of which markets, in how many bytes, written how long ago."""
    settings = local_settings()
    found = _files().entries(candles_folder(settings.paths.data))
    lasts = settings.data.cache_ttl.total_seconds()
    rows = [{**row(each), "expired": each.age_seconds > lasts} for each in found]
    symbols, size = len({(each.exchange, each.symbol) for each in found}), sum(each.size for each in found)
    answer = {"symbols": symbols, "bytes": size, "entries": rows}
    text = f"{symbols} symbols in {size} bytes\n" + tables.table(rows, COLUMNS)
    typer.echo(json.dumps(answer, indent=2) + "\n" if as_json else text, nl=False)


@cache.command()
def clear() -> None:
    """Remove everything that is kept; the next start asks the venue for it."""
    _cleared(timedelta.min)


@cache.command("clear-old")
def clear_old(
    hours: Annotated[int, typer.Option("--hours", min=0, max=100_000, help="Since the last write.")] = 168,
) -> None:
    """Remove what was not written for so many hours."""
    _cleared(timedelta(hours=hours))


@cache.command("purge-expired")
def purge_expired() -> None:
    """Remove what is too old to be believed at a start (data.cache_ttl)."""
    _cleared(local_settings().data.cache_ttl)


def _cleared(older_than: timedelta) -> None:
    count = _files().cleared(candles_folder(local_settings().paths.data), older_than)
    typer.echo(f"{count} entries removed")


def _files() -> Any:
    # By name, because the commands that ask the trader must not pay for loading the venues.
    return importlib.import_module("tradingbot.venues.candle_files")


def row(entry: Any) -> dict[str, object]:
    """One file of the cache, as it is shown."""
    return {
        "exchange": entry.exchange or "unreadable",
        "symbol": entry.symbol or entry.path.name,
        "timeframe": entry.timeframe,
        "bars": entry.bars,
        "bytes": entry.size,
        "first": entry.first and entry.first.isoformat(),
        "last": entry.last and entry.last.isoformat(),
        "age_seconds": max(0, round(entry.age_seconds)),
    }

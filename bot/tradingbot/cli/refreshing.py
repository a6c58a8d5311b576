"""``atb data fetch-filters``, ``refresh-fees``, ``universe``: what a venue tells of its markets, into the ledger."""

import asyncio
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.local import local_settings
from tradingbot.domain.listing import Listed
from tradingbot.settings import Settings
from tradingbot.start.credentials import ledger_url
from tradingbot.start.ending import LAST_WORD, leave_word

Exchange = Annotated[str | None, typer.Argument(metavar="NAME", help="Exchange; by default that of the settings.")]
Named = Annotated[str | None, typer.Option("--exchange", help="Exchange; by default that of the settings.")]
Whole = Annotated[bool, typer.Option("--universe", help="Of all its markets, not only those of the settings.")]
LastWord = Annotated[bool, typer.Option("--last-word", help="Leave the answer as the container's last word too.")]
Out = Annotated[Path | None, typer.Option("--out", "--output", help="Write it to this file too, as JSON.")]


def fetch_filters(name: Exchange = None, universe: Whole = False, out: Out = None, last_word: LastWord = False) -> None:
    """Put the steps and bounds of markets into table exchange_filters."""
    settings, exchange, found = _asked(name)
    listed = found if universe else _own(settings, exchange, found)
    _recorded(settings, exchange, ("filters", listed), universe)
    steps = {each.instrument.symbol: _steps(each) for each in listed}
    _told(f"filters of {len(listed)} markets", {"exchange": exchange, "filters": steps}, out, last_word)


def refresh_fees(name: Exchange = None, out: Out = None, last_word: LastWord = False) -> None:
    """Put the fees of all markets into table fee_schedules, with where they are known from."""
    settings, exchange, listed = _asked(name)
    _recorded(settings, exchange, ("fees", listed), True)
    fees = {
        each.instrument.symbol: {
            "maker": str(each.fees.maker),
            "taker": str(each.fees.taker),
            "source": each.fees.source,
        }
        for each in listed
    }
    _told(f"fees of {len(listed)} markets", {"exchange": exchange, "fees": fees}, out, last_word)


def list_universe(exchange: Named = None, out: Out = None, last_word: LastWord = False) -> None:
    """Put every market that is traded now into table universe_symbols."""
    settings, name, listed = _asked(exchange)
    _recorded(settings, name, ("universe", listed), True)
    symbols = sorted(each.instrument.symbol for each in listed)
    _told(f"{len(symbols)} markets", {"exchange": name, "symbols": symbols}, out, last_word)


def _asked(name: str | None) -> tuple[Settings, str, tuple[Listed, ...]]:
    settings = local_settings()
    exchange = name or settings.exchange.name
    # By name, because the commands that ask the trader must not pay for loading the venues.
    listing = importlib.import_module("tradingbot.start.refreshing").listing(settings, exchange)
    return settings, exchange, asyncio.run(listing)


def _own(settings: Settings, exchange: str, found: Sequence[Listed]) -> list[Listed]:
    known = {each.instrument.symbol: each for each in found}
    lost = [symbol for symbol in settings.exchange.symbols if symbol not in known]
    if lost:
        raise Failed(Exit.REFUSED, f"{exchange} does not trade {', '.join(lost)} now: see exchange.symbols")
    return [known[symbol] for symbol in settings.exchange.symbols]


def _recorded(settings: Settings, exchange: str, told: tuple[str, Sequence[Listed]], whole: bool) -> None:
    part, listed = told
    market = importlib.import_module("tradingbot.ledger.market")
    market.record(ledger_url(settings), exchange, part, listed, whole)


def _steps(listed: Listed) -> dict[str, str]:
    names: Sequence[str] = importlib.import_module("tradingbot.ledger.market").STEPS
    steps = {name: format(getattr(listed.instrument, name), "f") for name in names}
    return {**steps, "order_types": " ".join(sorted(listed.instrument.order_types))}


def _told(what: str, body: dict[str, Any], out: Path | None, last_word: bool) -> None:
    if out is not None:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(json.dumps(body, indent=1) + "\n")
        except OSError as error:
            raise Failed(
                Exit.REFUSED, f"--out {out} cannot be written ({error.strerror}): name a file that can"
            ) from None
    done = f"{what} of {body['exchange']} are in the ledger"
    if last_word:
        leave_word(done, LAST_WORD)
    typer.echo(done)

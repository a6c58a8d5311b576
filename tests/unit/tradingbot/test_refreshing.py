"""What the verbs that put a venue's words into the ledger refuse, and how."""

from dataclasses import replace
from pathlib import Path

import pytest

import bots
from trading import instrument
from tradingbot.cli.program import run
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.listing import PUBLISHED, Fees, Listed
from tradingbot.start import refreshing
from tradingbot.venues.market import listing

FEES = Fees(instrument().price_step, instrument().price_step, PUBLISHED)
BTC = Listed(instrument(), FEES)


class Feed:
    """A fake of a venue's public data that lists what it was given."""

    def __init__(self, found: tuple[Listed, ...]) -> None:
        self.found = found

    async def listing(self) -> tuple[Listed, ...]:
        return self.found


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pod of BTC/USDT and ETH/USDT at a venue that lists BTC/USDT; it has no ledger yet."""
    rendered = bots.settings(tmp_path, exchange={"symbols": ["BTC/USDT", "ETH/USDT"]})
    for name, text in bots.mounted(tmp_path, rendered).items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(refreshing, "feed_of", lambda *_: Feed((BTC,)))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["fetch-filters"], 1, "binance does not trade ETH/USDT now: see exchange.symbols"),
        (["fetch-filters", "bitstamp"], 78, 'NAME "bitstamp" is not spoken here: write binance'),
        (["refresh-fees"], 69, "unable to open database file"),
        (["universe", "--exchange", "kraken"], 69, "unable to open database file"),
        (["universe", "kraken"], 2, "Got unexpected extra argument"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(
    arguments: list[str], code: int, sentence: str, pod: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A market that is not traded, an unknown venue, no ledger, wrong words."""
    assert run(["data", *arguments]) == code
    assert sentence in capsys.readouterr().err
    assert not (pod / "data/state/ledger.sqlite").exists()


def test_a_list_without_a_market_is_no_list(pod: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """It would empty what is known."""
    monkeypatch.setattr(refreshing, "feed_of", lambda *_: Feed(()))
    assert run(["data", "universe"]) == 69
    assert "binance names no market that is traded: try again later" in capsys.readouterr().err


def test_rows_of_another_form_and_closed_markets_are_left_out() -> None:
    """The others are listed in the order they were told."""

    def listed(row: dict) -> Listed | None:
        return replace(BTC, fees=row["fees"]) if row["open"] else None

    rows = [{"open": True, "fees": FEES}, {"open": False}, {"shut": 1}, None, {"open": True, "fees": FEES}]
    assert listing(rows, listed) == (BTC, BTC)
    with pytest.raises(VenueUnavailable):
        listing([1], _away)


def _away(_: object) -> Listed | None:
    raise VenueUnavailable("away")

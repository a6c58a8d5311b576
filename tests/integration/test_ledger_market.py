"""What venues tell of their markets, in the tables that runbooks read, on each engine."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ledgers import Place, claimed, each_place, migrated_file, running_server  # noqa: F401
from trading import instrument
from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.domain.listing import Fees, Listed
from tradingbot.ledger import market
from tradingbot.ledger.connect import connect, reading

FEES = Fees(Decimal("0.001"), Decimal("0.002"), "published")


def listed(symbol: str, **changes: object) -> Listed:
    base, _, quote = symbol.partition("/")
    return Listed(replace(instrument(), symbol=symbol, base=base, quote=quote, **changes), FEES)


@pytest.mark.parametrize(
    ("part", "query", "row"),
    [
        ("fees", "SELECT maker, taker, source FROM fee_schedules", ("0.001", "0.002", "published")),
        ("universe", "SELECT base, quote, exchange FROM universe_symbols", ("BTC", "USDT", "binance")),
        ("filters", "SELECT price_step, minimum_notional, symbol FROM exchange_filters", ("0.01", "5", "BTC/USDT")),
    ],
)
def test_each_part_has_its_table(place: Place, part: str, query: str, row: tuple[str, ...]) -> None:
    """Exact in both engines, and no trader is fenced by it."""
    ledger = place.open()
    lease = claimed(ledger)
    market.record(place.url, "binance", part, [listed("BTC/USDT")], True)
    assert [tuple(map(str, each)) for each in place.raw(query)] == [row]
    assert ledger.retire(lease, ledger.account().updated["binance", part])


def test_a_whole_list_takes_the_place_of_the_one_before(place: Place) -> None:
    """What is not listed any more is gone; another exchange's rows stay, and a few markets alone remove nothing."""
    place.open()
    many = [listed(f"C{number}/USDT") for number in range(600)]
    market.record(place.url, "binance", "universe", many, True)
    market.record(place.url, "kraken", "universe", [listed("BTC/USD")], True)
    market.record(place.url, "binance", "universe", [listed("C7/USDT"), listed("NEW/USDT")], True)
    rows = place.raw("SELECT exchange, symbol FROM universe_symbols ORDER BY exchange, symbol")
    assert rows == [("binance", "C7/USDT"), ("binance", "NEW/USDT"), ("kraken", "BTC/USD")]
    market.record(place.url, "binance", "universe", [listed("C8/USDT")], False)
    assert place.raw("SELECT count(*) FROM universe_symbols") == [(4,)]


def test_the_newest_word_stands_with_its_time(place: Place) -> None:
    """Told again, a row is changed and not doubled, and the time goes on."""
    place.open()
    market.record(place.url, "binance", "filters", [listed("BTC/USDT")], False)
    before = told(place)["binance", "filters"]
    market.record(place.url, "binance", "filters", [listed("BTC/USDT", price_step=Decimal("0.5"))], False)
    assert [tuple(map(str, row)) for row in place.raw("SELECT price_step FROM exchange_filters")] == [("0.5",)]
    assert told(place)["binance", "filters"] > before
    assert list(told(place)) == [("binance", "filters")]


def told(place: Place) -> dict[tuple[str, str], object]:
    engine = connect(place.url, read_only=True)
    with reading(engine) as connection:
        found = dict(market.updated(connection))
    engine.dispose()
    return found


def test_without_a_ledger_nothing_is_made(tmp_path) -> None:
    """A wrong path, and a file that is no ledger."""
    path = tmp_path / "ledger.sqlite"
    with pytest.raises(LedgerUnavailable, match="unable to open database file"):
        market.record(f"sqlite:///{path}", "binance", "fees", [listed("BTC/USDT")], True)
    assert not path.exists()
    path.touch()
    with pytest.raises(LedgerUnavailable, match="no tables for market data yet: start the bot, or run atb db migrate"):
        market.record(f"sqlite:///{path}", "binance", "fees", [listed("BTC/USDT")], True)

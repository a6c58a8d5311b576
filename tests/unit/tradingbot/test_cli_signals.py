"""What is listed of the strategies' wishes."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tradingbot.cli.signals import shown

ROW = {
    "bar": datetime(2026, 11, 21, 12, tzinfo=UTC),
    "strategy": "sma_cross",
    "symbol": "BTC/USDT",
    "action": "enter",
    "price": Decimal("20000.10"),
    "stop_price": None,
    "seen_at": datetime(2026, 11, 21, 12, 1, tzinfo=UTC),
    "reason": "fast over slow",
    "refusal": None,
    "client_id": None,
}


def test_a_signal_is_told_with_what_it_rested_on() -> None:
    """Money in full, what is not there as nothing, and a short name for all of it."""
    told = shown(ROW)
    assert (told["price"], told["stop_price"], told["bar"]) == ("20000.10", None, "2026-11-21 12:00:00+00:00")
    assert told["inputs"] == "edcbcb130cdb"


@pytest.mark.parametrize(("field", "same"), [("bar", True), ("refusal", True), ("price", False), ("reason", False)])
def test_only_other_inputs_have_another_name(field: str, same: bool) -> None:
    """A loop that wishes the same on the same data at another bar is seen by its name."""
    assert (shown({**ROW, field: "other"})["inputs"] == shown(ROW)["inputs"]) is same

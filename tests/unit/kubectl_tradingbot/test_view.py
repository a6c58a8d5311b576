"""What the plugin says of a bot, from the resource and the bot's own words."""

import io

from rich.console import Console

from kubectl_tradingbot.domain.view import standing, view_of
from kubectl_tradingbot.main import traded
from kubectl_tradingbot.table import page, positions, short


def resource(conditions=(), **status):
    return {
        "metadata": {"name": "btc", "namespace": "trading", "generation": 2},
        "spec": {"mode": "paper"},
        "status": {"observedGeneration": 2, "conditions": list(conditions), **status},
    }


def condition(type_, status, message=""):
    return {"type": type_, "status": status, "message": message, "reason": "R"}


LIVE = {
    "state": "trading",
    "epoch": 3,
    "equity": "10012.50",
    "currency": "USDT",
    "positions": [{"symbol": "BTC/USDT", "quantity": "0.05000000"}],
    "last_orders": [
        {
            "client_id": "tq3v9zk0003000000a",
            "symbol": "BTC/USDT",
            "side": "buy",
            "type": "market",
            "status": "filled",
            "quantity": "0.05",
            "price": "17000.10",
            "at": "2026-11-21T10:00:00Z",
        }
    ],
}


def test_a_bot_the_operator_has_not_seen_is_said_to_be_unseen():
    """No condition yet means that nobody has looked, not that all is well."""
    assert standing(view_of(resource(), None)) == "not seen by the operator yet"


def test_a_halt_is_named_before_readiness():
    """A halted bot is Ready, and the halt is what a person must see."""
    view = view_of(resource([condition("Ready", "True"), condition("Halted", "True", "spread looks wrong")]), None)
    assert standing(view) == "halted: spread looks wrong"


def test_a_stalled_bot_shows_its_sentence():
    """Stalled carries the sentence that names field, value and cure."""
    view = view_of(resource([condition("Stalled", "True", "spec.exchange.name: x is not known")]), None)
    assert standing(view) == "stalled: spec.exchange.name: x is not known"


def test_a_ready_bot_shows_what_it_says_of_itself():
    """The bot's own state is more exact than the condition."""
    assert standing(view_of(resource([condition("Ready", "True")]), LIVE)) == "trading"


def test_a_bot_has_traded_once_an_order_filled():
    """An open order is not a trade; a filled one is."""
    opened = {**LIVE, "last_orders": [{**LIVE["last_orders"][0], "status": "open"}]}
    assert traded([view_of(resource(), LIVE)])
    assert not traded([view_of(resource(), opened)])
    assert not traded([])


def test_numbers_lose_only_trailing_zeros():
    """A table shows the value, not the venue's padding."""
    assert [short("0.05000000"), short("10"), short("17000.10"), short(None)] == ["0.05", "10", "17000.1", "-"]
    assert positions([]) == "flat"


def test_the_page_of_one_bot_names_position_equity_and_orders():
    """One screen answers the three questions of a newcomer."""
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(
        page([view_of(resource([condition("Ready", "True")], active={"colour": "blue", "revision": "ab" * 10}), LIVE)])
    )
    text = console.export_text()
    assert text.splitlines()[1].split() == [
        "trading/btc",
        "paper",
        "trading",
        "blue",
        "abababab",
        "3",
        "0.05",
        "BTC",
        "10012.5",
        "USDT",
    ]
    assert "tq3v9zk0003000000a" in text

"""Flags and environment become settings, or one sentence."""

from decimal import Decimal
from pathlib import Path

import pytest

from exchange_simulator.domain.account import Balance
from exchange_simulator.main import settings
from exchange_simulator.market.clock import Mode, Pace
from exchange_simulator.settings import BadFlag, account, accounts, pace


def test_without_flags_the_contract_s_defaults_hold():
    """Port 8080 on all addresses, wall time, seed 7, the demo account alone."""
    made = settings(["serve"], {})
    assert (made.port, made.listen, made.pace, made.seed, made.start_ms) == (8080, "0.0.0.0", Pace(Mode.WALL), 7, None)
    assert [one.key for one in made.accounts] == ["simulator-demo"]
    assert made.data.name == "data"


def test_flags_win_over_environment():
    """Every flag has a variable of its name."""
    environment = {
        "SIMULATOR_PORT": "1", "SIMULATOR_SPEED": "60", "SIMULATOR_DATA": "/x", "SIMULATOR_SEED": "3",
        "SIMULATOR_START": "9", "SIMULATOR_TAKER_FEE": "0.002", "SIMULATOR_LISTEN": "127.0.0.1",
        "SIMULATOR_ACCOUNT": "a:b:USDT=1",
    }  # fmt: skip
    made = settings(["serve", "--port", "2", "--account", "c:d"], environment)
    assert (made.port, made.pace, made.data, made.seed) == (2, Pace(Mode.FREE, 60.0), Path("/x"), 3)
    assert (made.start_ms, made.fees.taker, made.listen) == (9, Decimal("0.002"), "127.0.0.1")
    assert [one.key for one in made.accounts] == ["simulator-demo", "c"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1", Pace(Mode.WALL)),
        ("1.0", Pace(Mode.WALL)),
        ("60", Pace(Mode.FREE, 60.0)),
        ("0.5", Pace(Mode.FREE, 0.5)),
        ("lockstep", Pace(Mode.LOCKSTEP)),
    ],
)
def test_a_speed_is_wall_free_or_lockstep(text, wanted):
    """One is wall time."""
    assert pace(text) == wanted


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", "100001"])
def test_a_speed_that_is_none_is_refused(text):
    """The sentence names the flag and the value."""
    with pytest.raises(BadFlag, match=f"--speed '{text}'"):
        pace(text)


def test_an_account_is_key_secret_and_balances():
    """Balances are exact decimals and may be left out."""
    made = account("k:s:USDT=10000.01,BTC=0")
    assert made.balances == {"USDT": Balance(Decimal("10000.01")), "BTC": Balance(Decimal(0))}
    assert account("k:s").balances == account("k:s:").balances == {}


@pytest.mark.parametrize(
    "text", ["k", ":s", "k:", "k:s:USDT=1:x", "k:s:USDT=", "k:s:USDT=-1", "k:s:USDT=inf", "k:s:USDT=nan"]
)
def test_an_account_that_is_none_is_refused(text):
    """The sentence names the flag and the value."""
    with pytest.raises(BadFlag, match="--account"):
        account(text)


def test_the_demo_account_may_be_replaced():
    """A later account of the same key wins."""
    (made,) = accounts(["simulator-demo:other:USDT=5"])
    assert (made.secret, made.balance("USDT").free) == ("other", Decimal(5))


@pytest.mark.parametrize(
    "flags",
    [[], ["sell"], ["serve", "--maker-fee", "1"], ["serve", "--maker-fee", "nan"], ["serve", "--taker-fee", "x"]],
)
def test_wrong_flags_are_refused(flags):
    """As a BadFlag, never as an exit from within."""
    with pytest.raises(BadFlag):
        settings(flags, {})

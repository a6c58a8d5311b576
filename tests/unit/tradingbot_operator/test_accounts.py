"""One market of one account belongs to one bot: who came first keeps it, and the second is told."""

from dataclasses import replace

import pytest

import make_operator as make
from tradingbot_operator.cluster.accounts import Accounts
from tradingbot_operator.domain.observed import Keys
from tradingbot_operator.plan.checks import Case, first_refusal

DATA = {"apiKey": "a2V5", "secret": "c2VjcmV0"}
EXCHANGE = make.SANDBOX["exchange"]


def bot(name, status=None, suspend=False, **exchange):
    made = make.bot({**make.SANDBOX, "exchange": {**EXCHANGE, **exchange}, "suspend": suspend})
    return replace(made, name=name, status=status or {})


@pytest.fixture
def accounts():
    made = Accounts()
    assert made.rival(bot("first"), DATA, runs=False) == ""
    return made


def test_the_second_bot_on_a_market_of_the_same_key_is_told_who_was_first(accounts):
    """The first one keeps it, however often it is looked at."""
    assert accounts.rival(bot("second"), DATA, runs=False) == "trading/first"
    assert accounts.rival(bot("first"), DATA, runs=True) == ""


@pytest.mark.parametrize(
    ("exchange", "data"),
    [({"shared": True}, DATA), ({"symbols": ["ETH/USDT"]}, DATA), ({}, {"apiKey": "b3RoZXI="})],
    ids=["shared", "another market", "another key"],
)
def test_no_two_bots_meet_on_different_markets_or_keys_or_when_shared(accounts, exchange, data):
    """Only the same key and the same market at once are refused."""
    assert accounts.rival(bot("second", **exchange), data, runs=False) == ""


def test_a_market_is_free_again_when_its_bot_is_gone_or_suspended(accounts):
    """Neither trades there any more."""
    accounts.rival(bot("first", suspend=True), DATA, runs=True)
    assert accounts.rival(bot("second"), DATA, runs=False) == ""
    accounts.forget(("trading", "second"))
    assert accounts.rival(bot("third"), DATA, runs=False) == ""


def test_after_a_restart_of_the_operator_who_was_refused_lets_the_other_be_heard_first():
    """The refused one waits a turn; who runs is taken as it is."""
    refused = {"conditions": [{"type": "Stalled", "reason": "DuplicateAccount"}]}
    accounts = Accounts()
    assert accounts.rival(bot("second", refused), DATA, runs=False) == "another bot"
    assert accounts.rival(bot("first"), DATA, runs=True) == ""
    assert accounts.rival(bot("second", refused), DATA, runs=False) == "trading/first"
    accounts.forget(("trading", "first"))
    assert accounts.rival(bot("second", refused), DATA, runs=False) == ""


def test_a_rival_is_a_reason_to_act_on_nothing():
    """The sentence names field, rival and cure."""
    keys = Keys("keys", True, (), "0123456789", "trading/first")
    refusal = first_refusal(Case(bot("second").spec, make.SITE, keys))
    assert refusal is not None
    assert refusal.reason == "DuplicateAccount"
    assert refusal.message == (
        "spec.exchange.credentialsSecretRef: trading/first trades BTC/USDT with the same key;"
        " use another account or another market, or set exchange.shared to true"
    )

"""What a spec may say, and the sentence for what it may not."""

import pytest

import make_operator as make
from tradingbot_operator.domain.bot import parse
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.spec import BotSpec


def rejection(spec, **metadata):
    bot = parse(make.body(spec, **metadata))
    assert isinstance(bot.spec, Rejection)
    return bot.spec.message


def with_(base, **parts):
    return {**base, **parts}


def test_three_fields_are_enough():
    """Exchange, symbols and strategy make a paper bot with every other part at its default."""
    spec = parse(make.body()).spec
    assert isinstance(spec, BotSpec)
    assert (spec.mode, spec.database.mode, spec.engine.check_interval) == ("paper", "embedded", "15s")


def test_live_bot_with_everything_is_accepted():
    """Ledger, keys, limits and contacts make a live bot."""
    assert isinstance(parse(make.body(make.LIVE)).spec, BotSpec)
    assert isinstance(parse(make.body(make.ANALYSED)).spec, BotSpec)


@pytest.mark.parametrize(
    "changes",
    [
        {
            "exchange": {
                **make.SANDBOX["exchange"],
                "name": "kraken",
                "credentialsSecretRef": {"blue": "b", "green": "g"},
            }
        },
        {"exchange": {**make.SANDBOX["exchange"], "name": "kraken"}, "rollout": {"strategy": "Recreate"}},
        {"exchange": {**make.SANDBOX["exchange"], "name": "kucoin"}},
    ],
)
def test_a_key_that_counts_is_accepted_for_one_process_at_a_time(changes):
    """A key for each colour, one colour at a time, or a venue whose keys do not count."""
    assert isinstance(parse(make.body({**make.SANDBOX, **changes})).spec, BotSpec)


@pytest.mark.parametrize("name", ["btc", "b", "a-1", "b" * 40])
def test_good_name_is_accepted(name):
    """Letters, digits and dashes, a letter first, at most forty."""
    assert isinstance(parse(make.body(name=name)).spec, BotSpec)


@pytest.mark.parametrize("name", ["1btc", "btc.main", "b" * 41, "btc-blue", "btc-data", "btc-", "Btc"])
def test_unusable_name_is_rejected(name):
    """A name that cannot name the bot's objects, or names another bot's, is refused with the cure."""
    assert rejection(None, name=name).startswith(f"metadata.name: '{name}' cannot name a bot; use at most 40")


EXCHANGE = make.MINIMAL["exchange"]

UNLIMITED = (
    "spec.risk: limits are missing in mode live; set order, position, drawdown, orders per minute and daily loss"
)
UNSAFE = (
    "spec.exchange.credentialsSecretRef: UnsafeKeyPermissions:"
    " this mode makes no private call; remove it, or set sandbox to true"
)
RISING = (
    "spec.exchange.credentialsSecretRef: kraken refuses a key that two colours count with;"
    " set blue and green, or rollout.strategy to Recreate"
)
CONTRADICTIONS = {
    "spec.database.mode: 'embedded' cannot fence a live bot; use postgres or managed": with_(make.LIVE, database={}),
    "spec.exchange.credentialsSecretRef: missing in mode live; name the Secret with the keys": with_(
        make.LIVE, exchange=EXCHANGE
    ),
    UNLIMITED: with_(make.LIVE, risk={"maxOrderNotional": "1"}),
    "spec.strategies: 'sma_cross, sma_cross' names a strategy twice; name each one once": with_(
        make.SEVERAL, strategies=[{"name": "sma_cross", "symbols": ["ETH/USDT"]}]
    ),
    "spec.strategies: 'ETH/USDT, ETH/USDT' gives a market to two strategies; list each one once": with_(
        make.SEVERAL, strategies=[{"name": name, "symbols": ["ETH/USDT"]} for name in ("rsi", "ml_basic")]
    ),
    "spec.strategies: 'SOL/USDT' is not in exchange.symbols; add it there": with_(
        make.SEVERAL, strategies=[{"name": "rsi", "symbols": ["SOL/USDT"]}]
    ),
    "spec.strategies: 'BTC/USDT, ETH/USDT' leaves no market to strategy; give it one": with_(
        make.SEVERAL, strategies=[{"name": "rsi", "symbols": ["BTC/USDT", "ETH/USDT"]}]
    ),
    "spec.risk.enabled: false does not go with mode live; set it to true, or use mode paper": with_(
        make.LIVE, risk={**make.LIVE["risk"], "enabled": False}
    ),
    "spec.contacts: empty in mode live; name whom to call when money is at risk": with_(make.LIVE, contacts=[]),
    "spec.exchange.sandbox: true does not go with mode 'sim'; set mode to paper": with_(make.SANDBOX, mode="sim"),
    "spec.exchange.endpoint: missing, and the venue's own is one of real money;"
    " write the address of the venue's sandbox": with_(
        make.SANDBOX, exchange={**make.SANDBOX["exchange"], "endpoint": None}
    ),
    "spec.exchange.endpoint: 'https://api.kraken.com:443' is a place of real money;"
    " write the address of the venue's sandbox": with_(
        make.SANDBOX, exchange={**make.SANDBOX["exchange"], "endpoint": "https://api.kraken.com:443"}
    ),
    "spec.mode: live trades real money; set safety.acknowledgeLiveRisk to true when that is meant": with_(
        make.LIVE, safety={"acknowledgeLiveRisk": False}
    ),
    UNSAFE: with_(make.MINIMAL, exchange={**EXCHANGE, "credentialsSecretRef": {"name": "keys"}}),
    "spec.exchange.credentialsSecretRef: set name for one key, or blue and green for one key per colour": with_(
        make.SANDBOX, exchange={**make.SANDBOX["exchange"], "credentialsSecretRef": {"blue": "keys"}}
    ),
    RISING: with_(make.SANDBOX, exchange={**make.SANDBOX["exchange"], "name": "kraken"}),
    "spec.exchange.symbols: a symbol is listed twice; list each once": with_(
        make.MINIMAL, exchange={**EXCHANGE, "symbols": ["BTC/USDT", "BTC/USDT"]}
    ),
    "spec.exchange.symbols: ETH/BTC is not quoted in USDT; trade it with another bot": with_(
        make.MINIMAL, exchange={**EXCHANGE, "symbols": ["BTC/USDT", "ETH/BTC"]}
    ),
    "spec.exchange.symbols: BTC/USDT is not quoted in EUR; trade it with another bot": with_(
        make.MINIMAL, capital={"currency": "EUR"}
    ),
    "spec.risk.maxOrderNotional: '3000' exceeds maxPositionNotional '2000'; use at most that": with_(
        make.MINIMAL, risk={"maxOrderNotional": "3000"}
    ),
    "spec.risk.maxOrderNotional: '1000' exceeds maxPositionNotional '999'; use at most that": with_(
        make.MINIMAL, risk={"maxPositionNotional": "999"}
    ),
    "spec.engine.checkInterval: '4s' is too short; use at least 5s": with_(
        make.MINIMAL, engine={"checkInterval": "4s"}
    ),
    "spec.engine.warmupBars: 200 exceeds maxBarsInMemory 199; use at most that": with_(
        make.MINIMAL, engine={"maxBarsInMemory": 199}
    ),
    "spec.database.postgres: goes with mode postgres and only with it; set both, or neither": with_(
        make.MINIMAL, database={"mode": "postgres"}
    ),
    "spec.rollout.gates: 'job' does not go with what it has of a job; gate job has one, and no other": with_(
        make.MINIMAL, rollout={"gates": [{"name": "smoke"}, {"name": "job"}]}
    ),
    "spec.rollout.analysis: 'path' needs either a query or a job; set one of them": with_(
        make.ANALYSED, rollout={"analysis": [{"name": "path"}]}
    ),
    "spec.rollout.analysis: 'errors' cannot tell two colours apart; set threshold, and use $colour": with_(
        make.ANALYSED, rollout={"analysis": [{"name": "errors", "query": "up", "threshold": "1"}]}
    ),
    "spec.monitoring.prometheus: missing, and spec.rollout.analysis has a query; set its address": with_(
        make.ANALYSED, monitoring={}
    ),
}


@pytest.mark.parametrize("sentence", sorted(CONTRADICTIONS))
def test_fields_that_contradict_each_other_are_rejected(sentence):
    """The sentence names field, value and cure."""
    assert rejection(CONTRADICTIONS[sentence]) == sentence


def test_one_key_per_colour_is_accepted():
    """Each colour may have a key of its own."""
    exchange = {**make.SANDBOX["exchange"], "credentialsSecretRef": {"blue": "keys-1", "green": "keys-2"}}
    assert isinstance(parse(make.body(with_(make.SANDBOX, exchange=exchange))).spec, BotSpec)


FORMS = {
    "spec.modus: this field is not known; remove it or correct its spelling": with_(make.MINIMAL, modus="paper"),
    "spec.strategy: this field is required; add it": {"exchange": EXCHANGE},
    "spec.mode: 'fast' cannot be used; input should be 'sim', 'dry-run', 'paper' or 'live'": with_(
        make.MINIMAL, mode="fast"
    ),
    "spec.capital.initial: '1,000' is not a decimal above zero; write digits with an optional fraction in quotes, "
    "such as 1000 or 0.5": with_(make.MINIMAL, capital={"initial": "1,000"}),
    "spec.capital.initial: '1000.5' cannot be used; input should be a valid string": with_(
        make.MINIMAL, capital={"initial": 1000.5}
    ),
}


@pytest.mark.parametrize("sentence", sorted(FORMS))
def test_value_in_a_wrong_form_is_rejected(sentence):
    """Unknown, missing and malformed fields are named with their value and how to write them."""
    assert rejection(FORMS[sentence]) == sentence


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("0.5", True),
        ("1000", True),
        ("0.50", True),
        ("0", False),
        ("0.0", False),
        ("01", False),
        ("-1", False),
        ("1e3", False),
        (".5", False),
        ("9" * 19, False),
    ],
)
def test_decimal_is_written_in_full_and_above_zero(text, good):
    """Money is plain digits; zero, signs and exponents are refused."""
    spec = parse(make.body(with_(make.MINIMAL, risk={"maxDailyLoss": text}))).spec
    assert isinstance(spec, BotSpec) == good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("100", True),
        ("100.0", True),
        ("0.25", True),
        ("99.99", True),
        ("100.1", False),
        ("101", False),
        ("0", False),
        ("2%", False),
    ],
)
def test_percentage_is_above_zero_and_at_most_a_hundred(text, good):
    """A share is a decimal without its sign."""
    spec = parse(make.body(with_(make.MINIMAL, risk={"maxDrawdownPercent": text}))).spec
    assert isinstance(spec, BotSpec) == good


@pytest.mark.parametrize(
    ("spec", "keeps"),
    [(make.MINIMAL, False), (make.SANDBOX, True), (make.LIVE, True), (with_(make.MINIMAL, mode="sim"), False)],
)
def test_state_is_kept_where_orders_are_at_a_venue(spec, keeps):
    """Live and sandbox bots keep what they wrote; the others lose nothing with their pod."""
    assert parse(make.body(spec)).spec.keeps_state is keeps


def test_bot_knows_that_it_is_being_deleted():
    """The time of its deletion is kept, since deadlines are counted from it."""
    assert parse(make.body()).deleted_at is None
    gone = parse(make.body(deletionTimestamp="2026-11-21T14:00:00Z"))
    assert gone.deleted_at == make.NOW
    assert gone.key == ("trading", "btc")

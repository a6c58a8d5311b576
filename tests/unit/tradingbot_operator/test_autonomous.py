"""Three parameters instead of all: what they stand for, and what may not be said beside them."""

import json
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_operator as make
from tradingbot.settings import parse_settings
from tradingbot_operator.domain.autonomous import LENGTH, MARKETS, derived, market, timeframe
from tradingbot_operator.domain.bot import parse_spec
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.revision import asked
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.render.settings import settings
from tradingbot_operator.render.workload import pod_template

Note = Callable[[str, str], None]
THREE = {"maxCapital": "10000", "timeframe": "5 mins", "symbols": "BTC/USD, ETH/USD"}
AUTONOMOUS = {"configMode": "autonomous", "autonomous": THREE}
WHOLE = {
    "exchange": {"name": "coinbase", "symbols": ["BTC/USD", "ETH/USD"]},
    "strategy": {"name": "sma_cross", "timeframe": "5m", "parameters": {"fast": "10", "slow": "50"}},
    "engine": {"checkInterval": "15s", "warmupBars": 200, "maxSignalsPerSec": "2.0"},
    "capital": {"initial": "10000", "currency": "USD"},
    "risk": {
        "maxOrderNotional": "1000",
        "maxPositionNotional": "1000",
        "maxOpenPositions": 2,
        "maxOrdersPerMinute": 10,
        "maxDailyLoss": "200",
        "maxDailyLossPercent": "2",
        "maxDrawdownPercent": "10",
        "stopLossPercent": "2",
        "orderFractionPercent": "10",
    },
}


def parsed(**changes: object) -> BotSpec | Rejection:
    return parse_spec({**AUTONOMOUS, **changes})


def three(**changes: str) -> BotSpec | Rejection:
    return parsed(autonomous={**THREE, **changes})


@pytest.mark.row("S1-164")
def test_mode_manager_turns_three_parameters_into_all(evidence: Note) -> None:
    """The very same spec as one that a person wrote down in expert mode, and the same revision but for the mode."""
    spec, written = parsed(), parse_spec({**WHOLE, "configMode": "expert"})
    assert isinstance(spec, BotSpec)
    assert isinstance(written, BotSpec)
    evidence("parse_spec(configMode: autonomous)", json.dumps(asked(spec)))
    assert asked(spec) == {**asked(written), "configMode": "autonomous"}
    assert asked(spec)["risk"] == WHOLE["risk"]


@pytest.mark.row("S1-166")
def test_autonomous_derives_valid_expert(evidence: Note) -> None:
    """Whatever the three parameters are, the bot's own settings take what is derived from them."""
    tried = 0
    for capital in ("1", "1.00000001", "99.99", "10000", "999999999999999.99999999"):
        for symbols in ("BTC/USD", "BTCUSDT,ETH-USDT , SOL/USDT", ", ".join(f"C{n}/EUR" for n in range(20))):
            spec = three(maxCapital=capital, symbols=symbols)
            assert isinstance(spec, BotSpec), spec
            bot = make.bot({**AUTONOMOUS, "autonomous": {**THREE, "maxCapital": capital, "symbols": symbols}})
            made = parse_settings(json.dumps(settings(bot, spec, make.SITE)))
            assert made.capital.initial == Decimal(capital)
            assert made.risk.max_daily_loss <= made.capital.initial / 50
            tried += 1
    evidence("parse_settings(render(derived))", f"{tried} of 15 accepted")
    assert tried == 15


@given(st.from_regex(MARKETS, fullmatch=True).map(str.strip), st.from_regex(LENGTH, fullmatch=True).map(str.strip))
def test_every_spelling_that_is_taken_names_markets_and_a_length(symbols: str, length: str) -> None:
    assert all(re.fullmatch("[A-Z0-9]{1,20}/[A-Z0-9]{1,20}", market(each)) for each in symbols.split(","))
    assert timeframe(length) in {"1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"}


@pytest.mark.parametrize("spelled", ["BTC/USDT", "BTC-USDT", "BTCUSDT", " BTCUSDT "])
def test_a_market_has_one_name_however_it_is_spelled(spelled: str) -> None:
    assert market(spelled) == "BTC/USDT"


@pytest.mark.parametrize("spelled", ["5m", "5 m", "5min", "5 mins", "5 minutes"])
def test_a_timeframe_has_one_name_however_it_is_spelled(spelled: str) -> None:
    assert timeframe(spelled) == "5m"


@pytest.mark.parametrize(("symbols", "venue"), [("BTC/USDT", "binance"), ("BTC/USD", "coinbase"), ("BTCEUR", "kraken")])
def test_the_venue_is_where_the_quote_coin_is_traded(symbols: str, venue: str) -> None:
    spec = three(symbols=symbols)
    assert isinstance(spec, BotSpec)
    assert spec.exchange.name == venue


def test_no_more_than_half_of_the_capital_is_at_work() -> None:
    """Five positions of a tenth each, however many markets there are."""
    spec = three(symbols=", ".join(f"C{n}/USD" for n in range(20)))
    assert isinstance(spec, BotSpec)
    assert (spec.risk.max_open_positions, spec.risk.max_position_notional) == (5, "1000")


REFUSED = {
    "spec.risk: is derived in configMode autonomous; remove it, or set configMode to expert": parsed(risk={}),
    "spec.exchange: is derived in configMode autonomous; remove it, or set configMode to expert": parsed(**WHOLE),
    "spec.autonomous: this field is required; add it": parse_spec({"configMode": "autonomous"}),
    "spec.autonomous: goes with configMode autonomous and only with it; set both, or neither": parse_spec(
        {**make.MINIMAL, "autonomous": THREE}
    ),
    "spec.autonomous.timeframe: '7 mins' is not the length of a candle; write 1, 3, 5, 15 or 30 mins, 1 or 4 hours,"
    " or 1 day": three(timeframe="7 mins"),
    "spec.autonomous.maxCapital: '0.5' is not an amount of at least 1; write digits with an optional fraction in"
    " quotes, such as 10000": three(maxCapital="0.5"),
    "spec.exchange.symbols: ETH/EUR is not quoted in USD; trade it with another bot": three(symbols="BTC/USD, ETH/EUR"),
    "spec.exchange: this field is required; add it": parse_spec({"configMode": "expert"}),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_does_not_go_together_is_refused_with_the_cure(sentence: str) -> None:
    found = REFUSED[sentence]
    assert isinstance(found, Rejection)
    assert found.message == sentence


def test_a_live_bot_is_never_autonomous() -> None:
    """Its keys and limits are written down by a person."""
    found = parsed(mode="live")
    assert isinstance(found, Rejection)
    assert "mode live" in found.message or "live bot" in found.message


@pytest.mark.parametrize("mode", [None, "expert", "autonomous"])
def test_the_pod_tells_how_it_was_configured_where_somebody_said_so(mode: str | None) -> None:
    """A bot of which nobody said it has the pod it had before."""
    spec = {None: make.MINIMAL, "expert": {**make.MINIMAL, "configMode": "expert"}, "autonomous": AUTONOMOUS}[mode]
    bot = make.bot(spec)
    assert isinstance(bot.spec, BotSpec)
    (container,) = pod_template(bot, bot.spec, make.SITE, ("r", "c"))["spec"]["containers"]
    told = [each["value"] for each in container["env"] if each["name"] == "TRADING_MODE_TYPE"]
    assert told == ([mode] if mode else [])


def test_the_three_parameters_stand_for_the_same_in_every_release() -> None:
    """Who changes a number here replaces every autonomous bot when its operator is upgraded: do not."""
    spec = parsed()
    assert isinstance(spec, BotSpec)
    assert spec.autonomous is not None
    assert derived(spec.autonomous) == WHOLE

"""What is generated from the operator's models is what stands in the repository, and what it runs is what it shows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import charts
import make_operator as make
from tradingbot.settings import parse_settings
from tradingbot.strategy.ml_basic import Model
from tradingbot.strategy.registry import NAMES, strategy_of
from tradingbot_operator.crd.text import files
from tradingbot_operator.domain.bot import parse
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.strategies import STRATEGIES, complaint
from tradingbot_operator.reference.pages import PAGES
from tradingbot_operator.render.settings import settings as rendered

COMMAND = str(Path(sys.executable).with_name("tradingbot-operator"))
SAMPLES = charts.ROOT / "manifests" / "samples"
MODEL = Model("0", (0.1,), 0.0, make.NOW, make.NOW)
PAGE_FILES = {
    "conditions": "conditions.md",
    "metrics": "operator-metrics.md",
    "settings": "operator-settings.md",
    "tradingbot": "tradingbot.md",
    "bottask": "bottask.md",
    "handover": "../handover-table.md",
}


@pytest.mark.parametrize("name", ["tradingbots.yaml", "bottasks.yaml"])
def test_definition_in_the_repository_is_fresh(name):
    """manifests/crds holds what the models give; `make manifests` writes it."""
    assert (charts.ROOT / "manifests" / "crds" / name).read_text() == files()[name]


def test_command_prints_both_definitions():
    """`tradingbot-operator crds` is the one source of the definitions."""
    answer = subprocess.run([COMMAND, "crds"], capture_output=True, text=True, check=True)
    plurals = [each["spec"]["names"]["plural"] for each in yaml.safe_load_all(answer.stdout)]
    assert plurals == ["tradingbots", "bottasks"]


@pytest.mark.parametrize("page", sorted(PAGES))
def test_page_in_the_repository_is_fresh(page):
    """docs/reference holds what the operator says of itself."""
    assert (charts.ROOT / "docs" / "reference" / PAGE_FILES[page]).read_text() == PAGES[page]()


def _settings_of(spec):
    bot = parse(make.body(spec))
    assert not isinstance(bot.spec, Rejection), bot.spec
    return json.dumps(rendered(bot, bot.spec, make.SITE))


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_settings_of_a_sample_load_in_the_bot(path):
    """What the operator renders, the bot's own settings accept."""
    for item in filter(None, yaml.safe_load_all(path.read_text())):
        if item["kind"] == "TradingBot":
            loaded = parse_settings(_settings_of(item["spec"]))
            assert loaded.exchange.symbols == tuple(item["spec"]["exchange"]["symbols"])


numbers = st.integers(0, 6000).map(str) | st.decimals("0", "120", places=3).map(str)
parameters = st.dictionaries(
    st.sampled_from(["fast", "slow", "period", "lower", "upper", "enter", "exit", "other"]), numbers, max_size=3
)


@settings(max_examples=500, deadline=None)
@given(name=st.sampled_from([*STRATEGIES, "other"]), given_=parameters)
def test_strategy_the_operator_accepts_can_be_started_by_the_bot(name, given_):
    """The operator knows the bot's strategies and how their parameters are written: neither more nor, by much, less."""
    required = {"model": "m", "sha256": "0"} if name == "ml_basic" else {}
    if complaint(name, {**given_, **required}) is None:
        assert strategy_of(name, {**given_, **required}, MODEL).name == name


def test_operator_knows_every_strategy_of_the_bot():
    """One list on both sides."""
    assert tuple(STRATEGIES) == NAMES


decimals = st.decimals("0.01", "100000", places=2).map(lambda number: f"{number.normalize():f}")
percents = st.decimals("0.01", "100", places=2).map(lambda number: f"{number.normalize():f}")
coins = st.text("ABCXYZ0123456789", min_size=1, max_size=20)
spans = st.builds("{}{}".format, st.integers(5, 999999), st.sampled_from("smh"))
optional = st.none()


def _part(**fields):
    """A part of a spec with any of its fields."""
    return st.fixed_dictionaries({}, optional=fields)


specs = st.fixed_dictionaries(
    {
        "exchange": st.fixed_dictionaries(
            {
                "name": st.from_regex(r"[a-z0-9]{1,40}", fullmatch=True),
                "symbols": st.lists(coins.map("{}/USDT".format), min_size=1, max_size=5, unique=True),
            },
            optional={"endpoint": st.just("http://venue:8080/api"), "proxy": st.just("socks5://proxy:1080")},
        ),
        "strategy": st.fixed_dictionaries(
            {"name": st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True)},
            optional={
                "timeframe": st.sampled_from(["1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"]),
                "parameters": st.dictionaries(st.sampled_from(["fast", "slow", "period"]), st.text(max_size=20)),
            },
        ),
    },
    optional={
        "mode": st.sampled_from(["sim", "dry-run", "paper"]),
        "engine": _part(
            checkInterval=spans,
            warmupBars=st.integers(1, 5000),
            maxBarsInMemory=st.integers(100, 10000),
            softMemoryLimitMb=st.integers(64, 4096),
        ),
        "capital": _part(initial=decimals),
        "risk": _part(
            maxOrderNotional=decimals,
            maxPositionNotional=decimals,
            maxOpenPositions=st.integers(1, 1000),
            maxOrdersPerMinute=st.integers(1, 6000),
            maxDailyLoss=decimals,
            maxDailyLossPercent=percents,
            maxDrawdownPercent=percents,
            staleAfter=spans,
            stopLossPercent=percents,
            orderFractionPercent=percents,
        ),
        "tradingDay": _part(
            reset=st.times().map(lambda each: each.strftime("%H:%M")),
            timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
            hours=st.sampled_from(["Mon-Fri 09:30-16:00", "Sun 00:00-23:59"]),
            holidays=st.lists(st.dates().map(str), max_size=3),
        ),
        "logging": _part(level=st.sampled_from(["debug", "info", "warning", "error"])),
    },
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(specs)
def test_settings_of_any_accepted_spec_load_in_the_bot(spec):
    """Whatever the operator does not reject, the bot can start with."""
    bot = parse(make.body(spec))
    if not isinstance(bot.spec, Rejection):
        loaded = parse_settings(json.dumps(rendered(bot, bot.spec, make.SITE)))
        assert loaded.strategy.name == spec["strategy"]["name"]

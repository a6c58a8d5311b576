"""The chart of one bot: it renders what the user set and nothing else."""

import json
from typing import Any

import pytest

import charts
from tradingbot_operator.domain.bot import parse
from tradingbot_operator.domain.spec import BotSpec

CHART = "tradingbot"
LIVE = {
    "mode": "live",
    "exchange": {"name": "binance", "symbols": ["BTC/USDT"], "credentialsSecretRef": {"name": "keys"}},
    "strategy": {"name": "sma_cross"},
    "risk": {
        "maxOrderNotional": "500",
        "maxPositionNotional": "1000",
        "maxDrawdownPercent": "8",
        "maxDailyLoss": "100",
        "maxOrdersPerMinute": 5,
    },
    "safety": {"acknowledgeLiveRisk": True},
    "database": {
        "mode": "postgres",
        "postgres": {"ownerSecretRef": {"name": "owner"}, "fencerSecretRef": {"name": "fencer"}},
    },
    "contacts": [{"name": "desk", "email": "desk@example.org"}],
}


def live(**changes: Any) -> tuple[str, str]:
    """The flags of a live bot with *changes*; None leaves a part out."""
    values = {name: value for name, value in (LIVE | changes).items() if value is not None}
    return "--set-json", json.dumps(values)


def bot(*flags: str, release: str = "btc") -> dict[str, Any]:
    return charts.one(charts.objects(CHART, *flags, release=release, namespace="trading"), "TradingBot")


def probes(*flags: str, release: str = "btc") -> dict[str, list[str]]:
    """The arguments of each test pod by its name."""
    found = charts.objects(CHART, *flags, release=release, namespace="trading")
    return {item["metadata"]["name"]: item["spec"]["containers"][0]["args"] for item in found if item["kind"] == "Pod"}


def test_only_what_was_set_is_rendered():
    """A field without a value is absent, so that the release does not own it."""
    assert bot(*charts.PAPER)["spec"] == {
        "exchange": {"name": "binance", "symbols": ["BTC/USDT"]},
        "strategy": {"name": "sma_cross"},
    }


def test_three_parameters_make_a_release():
    """Neither exchange nor strategy is asked for, and the notes say what is traded."""
    three = {"maxCapital": "10000", "timeframe": "5 mins", "symbols": "BTC/USD, ETH/USD"}
    flags = ("--set-json", json.dumps({"configMode": "autonomous", "autonomous": three}))
    assert bot(*flags)["spec"] == {"configMode": "autonomous", "autonomous": three}
    assert "Trades BTC/USD, ETH/USD with at most 10000" in charts.notes(CHART, *flags, release="btc")


def test_false_is_a_value():
    """suspend: false is rendered when it was set: it is not the same as absent."""
    assert bot(*charts.PAPER, "--set", "suspend=false")["spec"]["suspend"] is False


def test_the_release_names_the_bot():
    """Release and namespace are the bot's; both can be set apart."""
    metadata = bot(*charts.PAPER)["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("btc", "trading")
    metadata = bot(*charts.PAPER, "--set", "fullnameOverride=eth,namespaceOverride=research")["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("eth", "research")


def test_no_incident_annotation_is_rendered():
    """What people write in an incident stays theirs: an upgrade or rollback of the release cannot take it away."""
    assert "tradingbot.io/" not in charts.rendered(CHART, *live(), release="btc").replace("tradingbot.io/v1alpha1", "")


@pytest.mark.parametrize("flags", [charts.PAPER, live()], ids=["paper", "live"])
def test_rendered_bot_is_understood_by_the_operator(flags):
    """The operator's own model accepts what the chart renders."""
    rendered = bot(*flags)
    rendered["metadata"]["uid"] = "0"
    assert isinstance(parse(rendered).spec, BotSpec)


def test_every_part_of_the_bot_is_probed():
    """helm test asks the API, the ledger, the venue, the metrics and the operator."""
    assert probes(*charts.PAPER, "--set", "tests.seconds=5") == {
        "btc-test-api": ["http://btc.trading.svc:8000/api/health", "--within", "5"],
        "btc-test-database": ["http://btc.trading.svc:9090/health", "--member", "database=ok", "--within", "5"],
        "btc-test-exchange": ["http://btc.trading.svc:9090/health", "--member", "exchange=ok", "--within", "5"],
        "btc-test-metrics": ["http://btc.trading.svc:9090/metrics", "--text", "tradingbot_", "--within", "5"],
        "btc-test-operator": ["http://tradingbot-operator.tradingbot-system.svc:9090/readyz", "--within", "5"],
    }


def test_suspended_bot_has_only_its_operator_to_probe():
    """Without a pod there is nothing else to ask."""
    assert probes(*charts.PAPER, "--set", "suspend=true").keys() == {"btc-test-operator"}


def test_probes_can_be_left_out():
    """Somebody who tests another way renders no test pod."""
    assert probes(*charts.PAPER, "--set", "tests.enabled=false") == {}


def test_probes_run_in_the_bots_image():
    """The image that trades is the one that is asked, so nothing else must be pulled."""
    found = charts.objects(CHART, *charts.PAPER, "--set", "image=localhost/tradingbot:0.2.0", release="btc")
    assert {pod["containers"][0]["image"] for _, pod in charts.pods(found)} == {"localhost/tradingbot:0.2.0"}


def test_longest_name_leaves_room_for_the_probes():
    """Every object of a bot with 40 characters has a valid name."""
    found = charts.objects(CHART, *charts.PAPER, release="b" * 40)
    assert max(len(item["metadata"]["name"]) for item in found) <= 63


NO_STRATEGY = "strategy.name is not set: say how the bot decides, for example --set strategy.name=sma_cross"
REFUSED = [
    ("exchange.symbols={BTC/USDT},strategy.name=rsi", "at '/exchange': missing property 'name'"),
    ("exchange.name=binance,exchange.symbols={BTC/USDT}", NO_STRATEGY),
    (
        "strategy.name=rsi",
        "exchange.name is not set: say where the bot trades, for example --set exchange.name=binance",
    ),
    ("mode=turbo", "at '/mode': value must be one of 'sim', 'dry-run', 'paper', 'live'"),
    ("risk.maxDailyLoss=200", "at '/risk/maxDailyLoss': got number, want string"),
    ("exchange.symbols={btc-usdt}", "at '/exchange/symbols/0': 'btc-usdt' does not match pattern"),
    ("exchange.apiKey=abc", "at '/exchange': additional properties 'apiKey' not allowed"),
    ("risk.maxLoss=abc", "at '/risk': additional properties 'maxLoss' not allowed"),
    ("suspend=yes", "at '/suspend': got string, want boolean"),
    ("replicas=2", "additional properties 'replicas' not allowed"),
    ("tests.seconds=0", "at '/tests/seconds': minimum: got 0, want 1"),
]


@pytest.mark.parametrize(("value", "sentence"), REFUSED)
def test_wrong_value_is_refused_by_name(value, sentence):
    """A value the operator would refuse is refused before anything is written, and the refusal names it."""
    assert sentence in charts.refusal(CHART, "--set", value, release="btc")


def without(part: str, *fields: str) -> dict[str, Any]:
    """That *part* of a live bot without *fields*."""
    return {part: {name: value for name, value in LIVE[part].items() if name not in fields}}


NO_LIMIT = "mode is live and risk.maxOrderNotional is not set: set the limit, in quotes"
NO_FENCE = "mode is live and database.mode is embedded: only postgres and managed can fence a second trader"
LIVE_REFUSED = {
    "contacts": ({"contacts": None}, "mode is live and contacts is empty: say who is called when the bot stops"),
    "daily loss": (without("risk", "maxDailyLoss"), "mode is live and the loss of a day is not limited: set"),
    "order size": (without("risk", "maxOrderNotional"), NO_LIMIT),
    "risk": ({"risk": None}, NO_LIMIT),
    "keys": (without("exchange", "credentialsSecretRef"), "mode is live and exchange.credentialsSecretRef is not set"),
    "database": ({"database": None}, NO_FENCE),
    "embedded": ({"database": {"mode": "embedded"}}, NO_FENCE),
}


@pytest.mark.parametrize(("changes", "sentence"), LIVE_REFUSED.values(), ids=LIVE_REFUSED)
def test_live_bot_needs_all_of_its_safety(changes, sentence):
    """A live bot without limits, keys, a fencing ledger or somebody to call is refused, with the cure."""
    assert sentence in charts.refusal(CHART, *live(**changes), release="btc")


@pytest.mark.row("S1-011")
def test_live_bot_whose_emergency_contact_is_not_ready_is_refused(evidence):
    """Nobody to call: `helm template` ends with an error that says so; with one the contact is in the spec."""
    refusal = charts.refusal(CHART, *live(contacts=None), release="btc")
    evidence("helm template btc charts/tradingbot --set mode=live ... without contacts", refusal)
    assert "mode is live and contacts is empty: say who is called when the bot stops" in refusal
    assert bot(*live())["spec"]["contacts"] == [{"name": "desk", "email": "desk@example.org"}]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("b" * 41, "has 41 characters and 40 are the most"),
        ("btc-blue", "ends in -blue, which the operator uses for a bot's own objects"),
        ("btc-data", "ends in -data, which the operator uses for a bot's own objects"),
        ("1inch", "begins with a digit and cannot name a Service"),
    ],
)
def test_name_the_operator_could_not_use_is_refused(name, sentence):
    """A release whose name cannot be a bot's is refused with the cure."""
    refusal = charts.refusal(CHART, *charts.PAPER, release=name)
    assert sentence in refusal
    assert "set fullnameOverride" in refusal


def test_notes_of_a_live_bot_shout():
    """Nobody installs a live bot without reading so, with its limits."""
    text = charts.notes(CHART, *live(), release="btc")
    assert "mode LIVE, REAL ORDERS WITH REAL MONEY." in text
    assert "maxDailyLoss             100" in text


def test_notes_of_a_paper_bot_give_the_next_three_commands():
    """After the installation a person reads the mode, the limits and what to do next."""
    text = charts.notes(CHART, *charts.PAPER, release="btc")
    assert "mode PAPER, no order leaves the bot." in text
    assert [line.split()[:2] for line in text.split("Next:\n")[1].splitlines() if line] == [
        ["kubectl", "get"],
        ["helm", "test"],
        ["kubectl", "annotate"],
    ]


def test_notes_of_a_suspended_sandbox_bot():
    """A suspended bot says that no pod runs; a sandbox bot says where its orders go."""
    sandbox = "exchange.sandbox=true,exchange.credentialsSecretRef.name=demo,suspend=true"
    text = charts.notes(CHART, *charts.PAPER, "--set", sandbox, release="btc")
    assert "mode PAPER, orders go to the venue's sandbox." in text
    assert "It is SUSPENDED: no pod runs until suspend is false or absent." in text

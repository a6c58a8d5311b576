"""Samples, charts and install.yaml are accepted by a real API server that refuses unknown fields."""

from datetime import UTC, datetime

import pytest

import apiserver
import applied
import charts
from tradingbot.strategy.ml_basic import Model
from tradingbot.strategy.registry import strategy_of
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.domain.task import TaskSpec

SAMPLES = charts.ROOT / "manifests" / "samples"
CRDS = charts.ROOT / "manifests" / "crds"
FILES = sorted(path.name for path in SAMPLES.glob("*.yaml"))
MODELS = {"TradingBot": BotSpec, "BotTask": TaskSpec}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An API server that serves our kinds and has the namespaces of the samples and charts."""
    with apiserver.running(tmp_path_factory.mktemp("apiserver")) as running:
        for path in sorted(CRDS.glob("*.yaml")):
            for definition in applied.documents(path.read_text()):
                assert applied.apply(running, definition)[0] in {200, 201}
        for name in ("default", "trading", "tradingbot-system", "exchange-simulator"):
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            assert applied.apply(running, namespace)[0] in {200, 201}
        yield running


def refused(server, objects, namespace="default"):
    """What the API server says against any of *objects*."""
    answers = [(item, applied.apply(server, item, namespace)) for item in objects]
    return [
        f"{item['kind']}/{item['metadata']['name']}: {answer.get('message')}"
        for item, (code, answer) in answers
        if code not in {200, 201}
    ]


@pytest.mark.parametrize("name", FILES)
def test_sample_is_accepted(server, name):
    """Each sample can be applied as it stands."""
    assert refused(server, applied.documents((SAMPLES / name).read_text())) == []


def test_each_mode_has_a_sample():
    """One bot that replays, one that only decides, one on paper, one in a sandbox, one with money."""
    bots = [
        item["spec"]
        for name in FILES
        for item in applied.documents((SAMPLES / name).read_text())
        if item["kind"] == "TradingBot"
    ]
    assert {BotSpec.model_validate(each).book for each in bots} == {"sim", "dry-run", "paper", "sandbox", "live"}


@pytest.mark.parametrize("name", FILES)
def test_sample_is_understood_by_the_operator(name):
    """The operator's models accept each sample."""
    for item in applied.documents((SAMPLES / name).read_text()):
        if item["kind"] in MODELS:
            assert MODELS[item["kind"]].model_validate(item["spec"]) is not None


@pytest.mark.parametrize("name", FILES)
def test_strategy_of_a_sample_is_one_the_bot_has(name):
    """The bot knows the strategy of each sample and every parameter given to it."""
    model = Model("", (0.0,), 0.0, datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC))
    for item in applied.documents((SAMPLES / name).read_text()):
        if item["kind"] == "TradingBot":
            wanted = item["spec"]["strategy"]
            assert strategy_of(wanted["name"], wanted.get("parameters", {}), model).name == wanted["name"]


@pytest.mark.parametrize("name", FILES)
def test_sample_begins_by_saying_what_it_shows(name):
    """Whoever opens a sample reads first what it is for."""
    assert (SAMPLES / name).read_text().startswith("# ")


@pytest.mark.parametrize("name", [name for name in FILES if name != "exchange-simulator.yaml"])
def test_sample_names_only_secrets_it_brings_or_the_user_must(name):
    """A Secret that a paper sample names is in the same file; a live one's is never in the repository."""
    objects = applied.documents((SAMPLES / name).read_text())
    brought = {item["metadata"]["name"] for item in objects if item["kind"] == "Secret"}
    for item in objects:
        spec = item["spec"] if item["kind"] == "TradingBot" else {}
        reference = spec.get("exchange", {}).get("credentialsSecretRef")
        if reference:
            assert (reference["name"] in brought) is (spec["mode"] != "live")


def test_the_plain_sample_needs_three_fields():
    """exchange.name, exchange.symbols and strategy.name make a bot."""
    (bot,) = applied.documents((SAMPLES / "paper-plain.yaml").read_text())
    assert bot["spec"] == {
        "exchange": {"name": "binance", "symbols": ["BTC/USDT"]},
        "strategy": {"name": "sma_cross"},
    }


def test_operator_chart_is_accepted(server):
    """Every object of the operator's chart is one the API knows, field for field."""
    assert refused(server, charts.objects("tradingbot-operator")) == []


def test_namespaced_operator_is_accepted(server):
    """So is every object of one that watches named namespaces."""
    flags = ("--set", "networkPolicy.enabled=true,watchNamespaces={trading}")
    assert refused(server, charts.objects("tradingbot-operator", *flags, release="narrow")) == []


def test_bot_chart_is_accepted(server):
    """The bot and its test pods are ones the API knows, field for field."""
    found = charts.objects("tradingbot", *charts.PAPER, release="btc", namespace="trading")
    assert refused(server, found, "trading") == []


def test_install_file_is_accepted(server):
    """The all-in-one file can be applied where nothing of the product is."""
    text = (charts.ROOT / "manifests" / "install.yaml").read_text()
    assert refused(server, applied.documents(text)) == []


def bare(name, spec, *left_out):
    """A pod of *spec* in the restricted namespace, without the fields *left_out*."""
    kept = {field: value for field, value in spec.items() if field not in left_out}
    metadata = {"name": name, "namespace": "restricted"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"restartPolicy": "Never", **kept}}


def test_chart_pods_are_admitted_to_a_restricted_namespace(server):
    """A namespace that enforces the restricted standard takes every pod of the charts, and refuses one that is not."""
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": "restricted", "labels": enforce}
    applied.apply(server, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    found = charts.objects("tradingbot-operator") + charts.objects("tradingbot", *charts.PAPER)
    specs = [spec for _, spec in charts.pods(found)]
    # No controller makes ServiceAccounts here.
    pods = [bare(f"pod-{number}", spec, "serviceAccountName") for number, spec in enumerate(specs)]
    assert refused(server, pods) == []
    loose = bare("loose", specs[0], "serviceAccountName", "securityContext")
    assert "violates PodSecurity" in refused(server, [loose])[0]

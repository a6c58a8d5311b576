"""Releases against a real API server: what install, upgrade, rollback and uninstall leave behind."""

import base64
import json
import re

import pytest

import apiserver
import applied
import charts

BOT = "/apis/tradingbot.io/v1alpha1/namespaces/trading/tradingbots/btc"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tradingbots.tradingbot.io"
CRDS = str(charts.CHARTS / "tradingbot-crds")
CHART = str(charts.CHARTS / "tradingbot")
SYSTEM = {"namespace": "tradingbot-system"}
VALUES = {"exchange": {"name": "binance", "symbols": ["BTC/USDT"]}, "strategy": {"name": "sma_cross"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An API server with the three releases' namespaces and the definitions installed by Helm."""
    with apiserver.running(tmp_path_factory.mktemp("helm")) as running:
        for name in ("trading", "tradingbot-system"):
            applied.apply(running, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        helm(running, "install", "tradingbot-crds", CRDS, namespace="tradingbot-system")
        for kind in ("TradingBot", "BotTask"):
            applied.served(running, "tradingbot.io/v1alpha1", kind)
        yield running


@pytest.fixture
def release(server):
    """The release `btc` in its first revision; it is gone afterwards."""
    helm(server, "install", "btc", CHART, "--set-json", json.dumps(VALUES))
    yield "btc"
    helm(server, "uninstall", "btc")
    assert server.request("GET", BOT)[0] == 404


def attempt(server, *arguments, namespace="trading"):
    """What Helm answers, whatever its exit code."""
    command = (*arguments, "--namespace", namespace, "--kubeconfig", str(server.kubeconfig))
    return charts.run(*command)


def helm(server, *arguments, namespace="trading"):
    done = attempt(server, *arguments, namespace=namespace)
    assert done.returncode == 0, done.stderr
    return done.stdout


def upgrade(server, **changes):
    values = json.dumps({**VALUES, **changes})
    return helm(server, "upgrade", "btc", CHART, "--set-json", values)


def merge(server, patch, manager):
    """Somebody writes the bot under the name *manager*."""
    path = f"{BOT}?fieldManager={manager}"
    code, answer = server.request("PATCH", path, patch, "application/merge-patch+json")
    assert code == 200, answer


def bot(server):
    return server.request("GET", BOT)[1]


def test_rollback_brings_the_old_spec_back(server, release):
    """After a rollback the bot asks for what it asked for before, and nothing the newer revision added stays."""
    upgrade(server, risk={"maxOpenPositions": 2})
    assert bot(server)["spec"]["risk"] == {"maxOpenPositions": 2}
    helm(server, "rollback", release, "1")
    assert bot(server)["spec"] == VALUES


def test_an_incident_annotation_outlives_upgrade_and_rollback(server, release):
    """What a person annotates in an incident is no field of the chart."""
    merge(server, {"metadata": {"annotations": {"tradingbot.io/halt": "spread looks wrong"}}}, "kubectl-annotate")
    upgrade(server, mode="dry-run")
    helm(server, "rollback", release, "1")
    assert bot(server)["metadata"]["annotations"]["tradingbot.io/halt"] == "spread looks wrong"


def test_a_field_the_chart_does_not_render_stays_somebody_elses(server, release):
    """suspend, which this release never set, keeps the value a person gave it."""
    merge(server, {"spec": {"suspend": True}}, "kubectl-patch")
    upgrade(server, mode="dry-run")
    helm(server, "rollback", release, "1")
    assert bot(server)["spec"]["suspend"] is True


def test_a_patched_field_of_the_chart_stops_the_rollback_until_forced(server, release):
    """A rollback that would undo what a person wrote into a rendered field is refused; --force-conflicts cures it."""
    upgrade(server, mode="dry-run")
    upgrade(server, mode="paper")
    merge(server, {"spec": {"mode": "sim"}}, "kubectl-patch")
    refused = attempt(server, "rollback", release, "2")
    assert refused.returncode != 0
    assert 'conflict with "kubectl-patch"' in refused.stderr
    assert bot(server)["spec"]["mode"] == "sim"
    helm(server, "rollback", release, "2", "--force-conflicts")
    assert bot(server)["spec"]["mode"] == "dry-run"


def test_what_the_definition_refuses_the_release_reports(server, release):
    """A combination only the API server can judge fails the upgrade with its sentence, and the bot stays as it was."""
    values = json.dumps({**VALUES, "mode": "sim", "exchange": {**VALUES["exchange"], "sandbox": True}})
    done = attempt(server, "upgrade", release, CHART, "--set-json", values)
    assert done.returncode != 0
    assert "exchange.sandbox is true and mode is 'sim'; set mode to paper, or sandbox to false" in done.stderr
    assert bot(server)["spec"] == VALUES


def test_the_operators_release_never_touches_the_definitions(server):
    """Install, upgrade, rollback and uninstall of the operator leave the definitions as they were."""
    before = server.request("GET", DEFINITION)[1]["metadata"]["resourceVersion"]
    chart = str(charts.CHARTS / "tradingbot-operator")
    helm(server, "install", "tradingbot-operator", chart, **SYSTEM)
    helm(server, "upgrade", "tradingbot-operator", chart, "--set", "logLevel=debug", **SYSTEM)
    helm(server, "rollback", "tradingbot-operator", "1", **SYSTEM)
    helm(server, "uninstall", "tradingbot-operator", "--no-hooks", **SYSTEM)
    assert server.request("GET", DEFINITION)[1]["metadata"]["resourceVersion"] == before


def test_uninstalling_the_definitions_keeps_them_and_every_bot(server, release):
    """The release of the definitions can go; the definitions and the bots stay, and it can be installed again."""
    helm(server, "uninstall", "tradingbot-crds", **SYSTEM)
    assert bot(server)["spec"] == VALUES
    helm(server, "install", "tradingbot-crds", CRDS, **SYSTEM)


@pytest.mark.parametrize("chart", ["tradingbot-crds", "tradingbot-operator", "tradingbot"])
def test_packaged_chart_renders_the_same(chart, tmp_path):
    """A chart packed into an archive renders what the folder renders: nothing it needs is left out."""
    charts.run("package", str(charts.CHARTS / chart), "--destination", str(tmp_path))
    flags = charts.PAPER if chart == "tradingbot" else ()
    archive = str(tmp_path / f"{chart}-0.1.0.tgz")
    packed = charts.run("template", chart, archive, "--namespace", "tradingbot-system", *flags)
    assert packed.stdout == charts.rendered(chart, *flags)


def test_password_of_grafana_is_random_and_kept(server):
    """Made where Grafana runs, never the default, and the same after every upgrade; without being asked for, none."""
    chart, asked = str(charts.CHARTS / "tradingbot-operator"), "grafana.adminSecret.enabled=true"
    there = "grafana.adminSecret.namespace=trading"
    secret = "/api/v1/namespaces/trading/secrets/tradingbot-operator-grafana-admin"
    helm(server, "install", "tradingbot-operator", chart, **SYSTEM)
    assert server.request("GET", secret)[0] == 404
    held = []
    for level in ("info", "debug", "info"):
        helm(server, "upgrade", "tradingbot-operator", chart, "--set", f"{asked},{there},logLevel={level}", **SYSTEM)
        held.append(server.request("GET", secret)[1]["data"])
    helm(server, "uninstall", "tradingbot-operator", "--no-hooks", **SYSTEM)
    assert held[0] == held[1] == held[2]
    opened = {name: base64.b64decode(value).decode() for name, value in held[0].items()}
    assert opened["admin-user"] == "admin"
    assert re.fullmatch("[0-9A-Za-z]{40}", opened["admin-password"])

"""Each admission policy refuses its sample on a real API server, and lets the rest through."""

import time

import pytest

import apiserver
import applied
import charts
import make_operator as make
from tradingbot_operator.crd.definitions import bottasks, tradingbots

POLICIES = charts.ROOT / "manifests" / "policies"
GROUP = "/apis/tradingbot.io/v1alpha1/namespaces"
MERGE = "application/merge-patch+json"
# Policies are compiled after they are stored; until then they refuse nothing.
EFFECTIVE_WITHIN_SECONDS = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An API server with both definitions, all policies in force, and a namespace for paper only."""
    with apiserver.running(tmp_path_factory.mktemp("apiserver")) as running:
        for definition in (tradingbots(), bottasks()):
            applied.established(running, definition)
        for name, labels in (("default", {}), ("paper", {"tradingbot.io/paper-only": "true"})):
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
            assert applied.apply(running, namespace)[0] in {200, 201}
        for path in sorted(POLICIES.glob("*.yaml")):
            for item in applied.documents(path.read_text()):
                code, answer = applied.apply(running, item)
                assert code == 201, answer
        _wait_until_in_force(running)
        yield running


def _wait_until_in_force(server):
    deadline = time.monotonic() + EFFECTIVE_WITHIN_SECONDS
    probes = (
        lambda: _create(server, make.LIVE, "probe", "paper", "?dryRun=All"),
        lambda: _create(server, make.MINIMAL, "a.b", "default", "?dryRun=All"),
        lambda: _task(server, {"bot": "b", "type": "backup", "requestedBy": "somebody"}, "?dryRun=All"),
    )
    while any(probe()[0] == 201 for probe in probes):
        assert time.monotonic() < deadline, "the policies did not come into force"
        time.sleep(0.2)


def _create(server, spec, name, namespace="default", query=""):
    body = {"apiVersion": "tradingbot.io/v1alpha1", "kind": "TradingBot", "metadata": {"name": name}, "spec": spec}
    return server.request("POST", f"{GROUP}/{namespace}/tradingbots{query}", body)


def _task(server, spec, query=""):
    body = {"apiVersion": "tradingbot.io/v1alpha1", "kind": "BotTask", "metadata": {"name": "task"}, "spec": spec}
    return server.request("POST", f"{GROUP}/default/bottasks{query}", body)


def _reported(server, name, trading, **status):
    """A bot whose TradingActive condition is *trading*."""
    assert _create(server, make.MINIMAL, name)[0] == 201
    condition = {
        "type": "TradingActive",
        "status": trading,
        "reason": "Test",
        "message": "as the operator would report it",
        "lastTransitionTime": "2026-11-21T14:00:00Z",
    }
    path = f"{GROUP}/default/tradingbots/{name}"
    patch = {"status": {"conditions": [condition], **status}}
    assert server.request("PATCH", path + "/status", patch, MERGE)[0] == 200
    return path


def test_live_bot_is_refused_in_a_paper_only_namespace(server):
    """In a namespace labelled for paper no bot trades with money."""
    code, answer = _create(server, make.LIVE, "live", "paper")
    assert code == 403
    assert "spec.mode: 'live' is not allowed in namespace 'paper'" in answer["message"]
    assert "use mode paper, or another namespace" in answer["message"]


def test_paper_bot_is_accepted_in_a_paper_only_namespace_and_live_elsewhere(server):
    """The label forbids nothing else, and nowhere else."""
    assert _create(server, make.MINIMAL, "paper", "paper", "?dryRun=All")[0] == 201
    assert _create(server, make.LIVE, "live", "default", "?dryRun=All")[0] == 201


def test_trading_bot_is_not_deleted_without_a_reason(server):
    """A bot that trades is deleted only by someone who wrote down why."""
    path = _reported(server, "trading", "True")
    code, answer = server.request("DELETE", path)
    assert code == 403
    assert "TradingBot 'trading' is trading; suspend or halt it first" in answer["message"]
    reason = {"metadata": {"annotations": {"tradingbot.io/delete": "moved to another cluster"}}}
    assert server.request("PATCH", path, reason, MERGE)[0] == 200
    assert server.request("DELETE", path)[0] == 200


def test_blank_reason_is_no_reason(server):
    """An empty annotation does not open the guard."""
    path = _reported(server, "blank", "True")
    server.request("PATCH", path, {"metadata": {"annotations": {"tradingbot.io/delete": "  "}}}, MERGE)
    assert server.request("DELETE", path)[0] == 403


def test_silent_bot_with_a_ledger_is_not_deleted_without_a_reason(server):
    """Silence is not proof that nothing trades."""
    path = _reported(server, "silent", "Unknown", ledgerId="q3v9zk")
    code, answer = server.request("DELETE", path)
    assert code == 403
    assert "does not answer and may be trading" in answer["message"]


@pytest.mark.parametrize("trading", ["False", "Unknown"])
def test_bot_that_does_not_trade_is_deleted(server, trading):
    """A halted or suspended bot, or one that never opened a ledger, needs no reason."""
    path = _reported(server, f"idle-{trading.lower()}", trading)
    assert server.request("DELETE", path)[0] == 200


def test_unseen_bot_is_deleted(server):
    """A bot without any status can go."""
    assert _create(server, make.MINIMAL, "unseen")[0] == 201
    assert server.request("DELETE", f"{GROUP}/default/tradingbots/unseen")[0] == 200


def test_nobody_asks_in_anothers_name(server):
    """requestedBy is the caller, or is left out."""
    code, answer = _task(server, {"bot": "btc", "type": "backup", "requestedBy": "alice"})
    assert code == 403
    assert "spec.requestedBy: 'alice' is not you, 'admin'" in answer["message"]
    assert _task(server, {"bot": "btc", "type": "backup", "requestedBy": "admin"}, "?dryRun=All")[0] == 201
    assert _task(server, {"bot": "btc", "type": "backup"}, "?dryRun=All")[0] == 201


def test_operator_may_name_another(server):
    """Tasks of a schedule are made by the operator in the name of whoever wrote the schedule."""
    operator = "system:serviceaccount:tradingbot-system:tradingbot-operator"
    body = {
        "apiVersion": "tradingbot.io/v1alpha1",
        "kind": "BotTask",
        "metadata": {"name": "scheduled"},
        "spec": {"bot": "btc", "type": "backup", "requestedBy": "schedule"},
    }
    headers = {"Impersonate_User": operator, "Impersonate_Group": "system:masters"}
    code, _ = server.request("POST", f"{GROUP}/default/bottasks?dryRun=All", body, **headers)
    assert code == 201


@pytest.mark.parametrize("image", ["localhost/tradingbot", "localhost/tradingbot:latest", "registry:5000/tradingbot"])
def test_moving_image_is_refused_in_live(server, image):
    """A live bot never runs an image that can change under it."""
    code, answer = _create(server, {**make.LIVE, "image": image}, "live", query="?dryRun=All")
    assert code == 422
    assert f"spec.image: '{image}' may change under a live bot; name a version" in answer["message"]


@pytest.mark.parametrize("image", ["localhost/tradingbot:0.1.0", "registry:5000/tradingbot@sha256:" + "0" * 64])
def test_named_image_is_accepted_in_live(server, image):
    """A version or a digest is enough."""
    assert _create(server, {**make.LIVE, "image": image}, "live", query="?dryRun=All")[0] == 201


def test_moving_image_is_accepted_in_paper(server):
    """Without money at risk any image will do."""
    assert _create(server, {**make.MINIMAL, "image": "localhost/tradingbot:latest"}, "p", query="?dryRun=All")[0] == 201


def test_name_with_a_dot_is_refused(server):
    """A Service cannot be named with dots, so a bot cannot either."""
    code, answer = _create(server, make.MINIMAL, "btc.main", query="?dryRun=All")
    assert code == 422
    assert "metadata.name: 'btc.main' cannot name a Service" in answer["message"]

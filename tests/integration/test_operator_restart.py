"""A restart of the operator over bots at rest: nothing is written, and what is not as it was asked to be is mended."""

import pytest

import make_operator as make
import operators
from operators import MERGE, bot, create_bot, deployment, eventually, found, patch_bot, state

TRADING = "/api/v1/namespaces/trading"
APPS = "/apis/apps/v1/namespaces/trading"
KINDS = (
    f"{TRADING}/services",
    f"{TRADING}/configmaps",
    f"{TRADING}/secrets",
    f"{TRADING}/persistentvolumeclaims",
    f"{TRADING}/events",
    f"{APPS}/deployments",
    f"{APPS}/controllerrevisions",
    "/apis/networking.k8s.io/v1/namespaces/trading/networkpolicies",
    operators.BOTS.format("trading"),
)
FORMS = {
    "plain": make.MINIMAL,
    "sandbox": {**make.SANDBOX, "storage": {"size": "20480Mi"}},
    "amounts": {**make.MINIMAL, "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"cpu": 2}}},
    "placed": {
        **make.MINIMAL,
        "pod": {
            "labels": {"team": "desk"},
            "annotations": {"note": "x"},
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "trading", "operator": "Exists", "effect": "NoSchedule"}],
            "imagePullSecrets": [{"name": "registry"}],
            "imagePullPolicy": "Always",
        },
    },
    "suspended": {**make.MINIMAL, "suspend": True},
    "refused": {**make.MINIMAL, "database": {"mode": "managed"}},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with operators.prepared(tmp_path_factory.mktemp("apiserver")) as running:
        yield running


@pytest.fixture
def operator(server, tmp_path):
    with operators.operator(server, tmp_path) as made:
        made.start()
        yield made


def versions(server):
    """The version of everything there is: any write changes one of them."""
    return {
        (path, each["metadata"]["name"]): each["metadata"]["resourceVersion"]
        for path in KINDS
        for each in server.request("GET", path)[1]["items"]
    }


def looked_at(operator):
    """Passes that ended well."""
    return sum(
        operator.metric(f'tradingbot_operator_reconcile_total{{kind="TradingBot",result="{result}"}}')
        for result in ("done", "stalled")
    )


def rested(server, names):
    """Each bot's status speaks of its spec."""
    eventually(lambda: all((bot(server, name).get("status") or {}).get("observedGeneration") == 1 for name in names))


def again(operator, count):
    """Another process has looked at every bot."""
    assert operator.stop() == 0
    operator.start(poll_seconds="30", audit_seconds="300")
    eventually(lambda: looked_at(operator) >= count and operator.metric("tradingbot_operator_queue_depth") == 0)


def test_restart_over_bots_at_rest_writes_nothing(server, operator):
    """Whatever their form: what is there is compared with what is asked, in the API server's own words."""
    for name, spec in FORMS.items():
        create_bot(server, name, spec)
    rested(server, FORMS)
    eventually(lambda: operator.metric("tradingbot_operator_queue_depth") == 0)
    before = versions(server)
    again(operator, len(FORMS))
    assert versions(server) == before
    assert sum(path.endswith("/deployments") for path, _ in before) == 5


def test_child_that_was_changed_while_no_operator_ran_is_set_right(server, operator):
    """A number in a Deployment, a label that is gone, a child that is gone: the next operator sees each."""
    create_bot(server, "drift", make.MINIMAL)
    rested(server, ["drift"])
    made = eventually(lambda: deployment(server, "drift"))
    assert operator.stop() == 0
    service, revision = f"{TRADING}/services/drift", made["metadata"]["labels"]["tradingbot.io/revision"]
    assert server.request("PATCH", f"{APPS}/deployments/drift-blue", {"spec": {"replicas": 3}}, MERGE)[0] == 200
    assert server.request("PATCH", service, {"spec": {"selector": {"tradingbot.io/colour": "green"}}}, MERGE)[0] == 200
    record = f"{APPS}/controllerrevisions/drift-{revision}"
    assert server.request("PATCH", record, {"metadata": {"labels": {"tradingbot.io/bot": None}}}, MERGE)[0] == 200
    config = made["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"]
    assert server.request("DELETE", f"{TRADING}/configmaps/{config}")[0] == 200
    operator.start(poll_seconds="30", audit_seconds="300")
    eventually(lambda: deployment(server, "drift")["spec"]["replicas"] == 1)
    eventually(lambda: found(server, service)["spec"]["selector"]["tradingbot.io/colour"] == "blue")
    eventually(lambda: found(server, record)["metadata"]["labels"].get("tradingbot.io/bot") == "drift")
    eventually(lambda: found(server, f"{TRADING}/configmaps/{config}"))


def test_field_that_is_no_longer_asked_for_goes_with_the_restart(server, operator):
    """Another operator had asked for more: its mark differs, so the object is written, and the field is gone."""
    create_bot(server, "less", make.MINIMAL)
    rested(server, ["less"])
    path = f"{TRADING}/services/less"
    eventually(lambda: found(server, path))
    assert operator.stop() == 0
    more = found(server, path)
    owned = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "less",
            "labels": more["metadata"]["labels"] | {"older": "yes"},
            "annotations": {"tradingbot.io/asked": "0" * 20},
            "ownerReferences": more["metadata"]["ownerReferences"],
        },
        "spec": {"selector": more["spec"]["selector"], "ports": more["spec"]["ports"]},
    }
    query = "?fieldManager=tradingbot-operator&force=true"
    assert server.request("PATCH", path + query, owned, "application/apply-patch+yaml")[0] == 200
    operator.start(poll_seconds="30", audit_seconds="300")
    eventually(lambda: "older" not in found(server, path)["metadata"]["labels"])


def test_spec_that_changed_while_no_operator_ran_is_applied(server, operator):
    """What was settled is no excuse."""
    create_bot(server, "changed", make.MINIMAL)
    rested(server, ["changed"])
    before = eventually(lambda: deployment(server, "changed"))
    assert operator.stop() == 0
    patch_bot(server, "changed", {"spec": {"logging": {"level": "debug"}}})
    operator.start(poll_seconds="30", audit_seconds="300")
    eventually(lambda: deployment(server, "changed")["spec"]["template"] != before["spec"]["template"])
    assert state(server, "changed", "Ready") == ("False", "PodNotReady")

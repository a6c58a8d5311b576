"""The operator works with the rights its chart gives it, and no more."""

import dataclasses

import pytest
import yaml

import applied
import charts
import make_operator as make
import operators
import postgres
from operators import bot, condition, create_bot, deployment, eventually, found, names, patch_bot, state
from prepared_ledgers import World

ACCOUNT = "system:serviceaccount:tradingbot-system:tradingbot-operator"
RIGHTS = {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
TOKENS = "/api/v1/namespaces/tradingbot-system/serviceaccounts/tradingbot-operator/token"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with operators.prepared(tmp_path_factory.mktemp("apiserver")) as running:
        for name in ("floor", "elsewhere"):
            operators.namespace(running, name)
        yield running


@pytest.fixture
def granted(server, tmp_path):
    """The API server as the chart's ServiceAccount may use it, given the chart's values; taken away at the end."""
    made = []

    def grant(*values):
        rights = [each for each in charts.objects("tradingbot-operator", *values) if each["kind"] in RIGHTS]
        for each in rights:
            if "hook" in str(each["metadata"].get("annotations", {})):
                continue
            code, answer = applied.apply(server, each, "tradingbot-system")
            assert code in {200, 201}, answer
            made.append(each)
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        code, answer = server.request("POST", TOKENS, body)
        assert code == 201, answer
        token = answer["status"]["token"]
        config = yaml.safe_load(server.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token}
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return dataclasses.replace(server, token=token, kubeconfig=path)

    yield grant
    for each in made:
        server.request("DELETE", applied.path(server, each, "tradingbot-system"))


def whole_life(server, namespace, operator):
    """Everything the operator does for a bot, from applied to gone."""
    create_bot(server, "life", make.SANDBOX, namespace)
    eventually(lambda: deployment(server, "life", namespace), operator.log)
    with operators.stand_in_bot("127.0.3.1"):
        pod = operators.stand_in_pod(server, "life", "127.0.3.1", namespace)
        eventually(lambda: state(server, "life", "TradingActive", namespace) == ("True", "Trading"), operator.log)
        halt = {"metadata": {"annotations": {"tradingbot.io/halt": "x"}}}
        patch_bot(server, "life", halt, namespace)
        where = f"/api/v1/namespaces/{namespace}/pods/{pod}"
        eventually(lambda: "tradingbot.io/halt" in found(server, where)["metadata"]["annotations"], operator.log)
        green = f"/apis/apps/v1/namespaces/{namespace}/deployments/life-green"
        for fast in ("3", "4", "5"):
            before = (found(server, green) or {"metadata": {"generation": 0}})["metadata"]["generation"]
            spec = {"strategy": {"parameters": {"fast": fast}}, "rollout": {"historyLimit": 2}}
            patch_bot(server, "life", {"spec": spec}, namespace)
            eventually(
                lambda seen=before: (
                    (found(server, green) or {"metadata": {"generation": 0}})["metadata"]["generation"] > seen
                ),
                operator.log,
            )
    revisions = f"/apis/apps/v1/namespaces/{namespace}/controllerrevisions"
    eventually(lambda: len(names(server, revisions)) <= 3, operator.log)
    service = f"/api/v1/namespaces/{namespace}/services/life-ops"
    old = found(server, service)["metadata"]["uid"]
    assert server.request("DELETE", service)[0] == 200
    eventually(lambda: (found(server, service) or {"metadata": {"uid": old}})["metadata"]["uid"] != old, operator.log)
    operators.remove_pod(server, pod, namespace)
    assert server.request("DELETE", f"{operators.BOTS.format(namespace)}/life")[0] == 200
    eventually(lambda: bot(server, "life", namespace) is None, operator.log)
    policies = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
    assert names(server, policies) == []


def failed_task(server, namespace, operator):
    tasks = operators.TASKS.format(namespace)
    spec = {"bot": "nobody", "type": "backup"}
    body = {"apiVersion": "tradingbot.io/v1alpha1", "kind": "BotTask", "metadata": {"name": "once"}, "spec": spec}
    assert server.request("POST", tasks, body)[0] == 201
    eventually(lambda: condition(found(server, f"{tasks}/once"), "Failed").get("reason") == "BotNotFound", operator.log)


def ledger_life(server, namespace, operator, folder):
    """Everything the operator does for a ledger on a server, up to the pod that may use it."""
    with postgres.server() as database:
        world = World(server, database, "ledgered", folder, namespace)
        world.establish()
        eventually(world.job, operator.log, 60)
        code, said = world.run_job()
        assert code == 0, said
        made = eventually(lambda: deployment(server, "ledgered", namespace), operator.log, 60)
        volumes = made["spec"]["template"]["spec"]["volumes"]
        mounted = [each["secret"]["secretName"] for each in volumes if each["name"] == "database"]
        assert mounted == ["ledgered-ledger"]
        assert server.request("DELETE", f"{operators.BOTS.format(namespace)}/ledgered")[0] == 200
        eventually(lambda: bot(server, "ledgered", namespace) is None, operator.log)


def test_rights_of_the_chart_are_enough_for_everything(server, granted, tmp_path):
    """With the ServiceAccount of the chart a bot lives its whole life, and nothing is refused."""
    with operators.operator(granted(), tmp_path) as operator:
        operator.start()
        whole_life(server, "trading", operator)
        failed_task(server, "trading", operator)
        assert operator.metric('tradingbot_operator_api_requests_total{code="403"') == 0
        assert "orbidden" not in operator.log()


def test_rights_on_some_namespaces_are_enough_for_those(server, granted, tmp_path):
    """An operator of some namespaces needs no rights on others, and leaves their bots alone."""
    with operators.operator(granted("--set", "watchNamespaces={floor}"), tmp_path) as operator:
        operator.start(watch_namespaces="floor")
        create_bot(server, "stranger", make.MINIMAL, "elsewhere")
        whole_life(server, "floor", operator)
        assert "status" not in bot(server, "stranger", "elsewhere") or state(
            server, "stranger", "Ready", "elsewhere"
        ) == (None, None)
        assert deployment(server, "stranger", "elsewhere") is None
        assert operator.metric('tradingbot_operator_api_requests_total{code="403"') == 0


def test_rights_of_the_chart_are_enough_for_a_ledger_on_a_server(server, granted, tmp_path):
    """Passwords, roles and the migration Job are made with them; no right on Secrets or Jobs goes beyond that."""
    with operators.operator(granted(), tmp_path) as operator:
        operator.start()
        ledger_life(server, "trading", operator, tmp_path)
        assert operator.metric('tradingbot_operator_api_requests_total{code="403"') == 0
        assert "orbidden" not in operator.log()


def test_rights_on_jobs_and_secrets_end_where_their_use_ends(server, granted):
    """The operator lists no Secret and changes no Job; a Job that asks a candidate it lists, makes and removes."""
    narrow = granted()
    core, batch = "/api/v1/namespaces/trading", "/apis/batch/v1/namespaces/trading"
    assert narrow.request("GET", f"{core}/secrets/keys")[0] == 200
    assert narrow.request("GET", f"{batch}/jobs/none")[0] == 404
    assert narrow.request("GET", f"{batch}/jobs")[0] == 200
    assert narrow.request("DELETE", f"{batch}/jobs/none")[0] == 404
    for verb, path in (
        ("GET", f"{core}/secrets"),
        ("DELETE", f"{core}/secrets/keys"),
        ("PATCH", f"{batch}/jobs/none"),
    ):
        assert narrow.request(verb, path, {}, "application/merge-patch+json")[0] == 403, (verb, path)

"""The operator's process against a real API server: election, loss, restart, upgrade, deletion, tasks, bad input."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import apiserver
import make_operator as make
import operators
from operators import MERGE, bot, condition, create_bot, deployment, eventually, found, names, patch_bot, state

TRADING = "/api/v1/namespaces/trading"
KEY_AGES = {"api_key_age_days", "api_key_age_limit_days"}
APPS = "/apis/apps/v1/namespaces/trading"
COMMAND = str(Path(sys.executable).with_name("tradingbot-operator"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One API server for this file; each test has an operator and bots of its own."""
    with operators.prepared(tmp_path_factory.mktemp("apiserver")) as running:
        yield running


@pytest.fixture
def operator(server, tmp_path):
    with operators.operator(server, tmp_path) as made:
        yield made


def test_deletion_is_orderly_and_keeps_the_claim(server, operator):
    """The pod is stopped first, the bot goes when it is gone, what was stored stays, and what was shared goes last."""
    operator.start()
    create_bot(server, "orderly", make.SANDBOX)
    eventually(lambda: deployment(server, "orderly"))
    pod = operators.stand_in_pod(server, "orderly", "127.0.2.1")
    assert server.request("DELETE", operators.BOTS.format("trading") + "/orderly")[0] == 200
    eventually(lambda: deployment(server, "orderly")["spec"]["replicas"] == 0)
    eventually(lambda: state(server, "orderly", "Ready") == ("False", "Deleting"))
    assert bot(server, "orderly")["metadata"]["finalizers"] == ["tradingbot.io/operator"]
    operators.remove_pod(server, pod)
    eventually(lambda: bot(server, "orderly") is None, operator.log)
    assert found(server, f"{TRADING}/persistentvolumeclaims/orderly-data")


def test_last_bot_takes_what_all_bots_shared_with_it(server, operator):
    """The policies of a namespace stay while one bot is left, and go with the last."""
    operators.namespace(server, "shared")
    policies = "/apis/networking.k8s.io/v1/namespaces/shared/networkpolicies"
    operator.start()
    for name in ("one", "two"):
        create_bot(server, name, make.MINIMAL, "shared")
        eventually(lambda each=name: deployment(server, each, "shared"))
    for name, left in (("one", ["tradingbot-bots"]), ("two", [])):
        assert server.request("DELETE", f"{operators.BOTS.format('shared')}/{name}")[0] == 200
        eventually(lambda each=name: bot(server, each, "shared") is None, operator.log)
        assert names(server, policies) == left


def test_deletion_lets_go_at_its_deadline_and_names_what_is_left(server, operator):
    """A pod that will not end does not hold its bot for ever; an Event says that it is still there."""
    operator.start()
    create_bot(server, "stuck", {**make.MINIMAL, "deletion": {"deadline": "1s"}})
    eventually(lambda: deployment(server, "stuck"))
    pod = operators.stand_in_pod(server, "stuck", "127.0.2.2")
    assert server.request("DELETE", operators.BOTS.format("trading") + "/stuck")[0] == 200
    eventually(lambda: bot(server, "stuck") is None, operator.log)
    events = server.request("GET", f"{TRADING}/events")[1]["items"]
    left = next(each for each in events if each["reason"] == "DeletionDeadlineExceeded")
    assert f"pod {pod}" in left["message"]


def test_second_operator_waits_and_takes_over_when_the_first_ends(server, operator, tmp_path):
    """One leads; another is not ready until the first has let go, and then sees every bot."""
    operator.start()
    create_bot(server, "handed", make.MINIMAL)
    eventually(lambda: deployment(server, "handed"))
    second = operators.Operator(server, tmp_path)
    second.launch(pod_name="second")
    try:
        eventually(lambda: second.ops("/livez")[0] == 200)
        assert second.ops("/readyz") == (503, '{"problem": "not the leader"}')
        assert operator.stop() == 0
        eventually(lambda: second.ops("/readyz")[0] == 200)
        assert found(server, operators.LEASE)["spec"]["holderIdentity"].startswith("second_")
        patch_bot(server, "handed", {"spec": {"suspend": True}})
        eventually(lambda: deployment(server, "handed")["spec"]["replicas"] == 0)
    finally:
        second.kill()


def test_operator_that_loses_the_lease_ends_at_once(server, operator):
    """Who is not the leader any more writes nothing more: the process is gone."""
    operator.start()
    patch = {"spec": {"holderIdentity": "somebody-else"}}
    assert server.request("PATCH", operators.LEASE, patch, MERGE)[0] == 200
    eventually(lambda: operator.process.poll() == 1, operator.log)


def test_killed_operator_leaves_bots_alone_and_its_successor_writes_nothing_new(server, operator):
    """After a crash nothing of a settled bot is written again: not its Deployment, not its status."""
    operator.start()
    create_bot(server, "settled", make.MINIMAL)
    eventually(lambda: deployment(server, "settled"))
    with operators.stand_in_bot("127.0.2.3"):
        operators.stand_in_pod(server, "settled", "127.0.2.3")
        eventually(lambda: state(server, "settled", "TradingActive") == ("True", "Trading"))
        before = bot(server, "settled"), deployment(server, "settled")
        operator.kill()
        # Its Lease was not released: the successor must wait until it has run out.
        assert server.request("PATCH", operators.LEASE, {"spec": {"holderIdentity": ""}}, MERGE)[0] == 200
        operator.start()
        every = len(names(server, "/apis/tradingbot.io/v1alpha1/tradingbots"))
        eventually(
            lambda: operator.metric('tradingbot_operator_reconcile_total{kind="TradingBot",result="done"}') >= every
        )
        assert bot(server, "settled") == before[0]
        assert deployment(server, "settled") == before[1]


def test_newer_operator_never_changes_the_pod_of_a_running_bot(server, operator):
    """Another default image is for new revisions; the recorded one runs on as it was recorded."""
    operator.start(bot_image="localhost/tradingbot:0.1.0")
    create_bot(server, "old", make.MINIMAL)
    before = eventually(lambda: deployment(server, "old"))
    assert operator.stop() == 0
    operator.start(bot_image="localhost/tradingbot:9.9.9")
    create_bot(server, "new", make.MINIMAL)
    fresh = eventually(lambda: deployment(server, "new"))
    assert fresh["spec"]["template"]["spec"]["containers"][0]["image"] == "localhost/tradingbot:9.9.9"
    patch_bot(server, "old", {"spec": {"contacts": [{"name": "ann", "email": "ann@example.org"}]}})
    eventually(lambda: bot(server, "old")["status"]["observedGeneration"] == 2)
    assert deployment(server, "old")["spec"]["template"] == before["spec"]["template"]
    patch_bot(server, "old", {"spec": {"logging": {"level": "debug"}}})
    eventually(
        lambda: deployment(server, "old")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":9.9.9")
    )


def test_bots_deleted_while_nobody_watched_are_forgotten(server, operator):
    """A bot whose end the watch missed is no longer counted among the fleet."""
    operator.start()
    create_bot(server, "ghost", make.MINIMAL)
    eventually(lambda: '"ghost"' in operators.fetch(f"http://127.0.0.1:{operator.http_port}/fleet")[1])
    path = operators.BOTS.format("trading") + "/ghost"
    operator.process.send_signal(signal.SIGSTOP)
    try:
        assert server.request("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)[0] == 200
        assert server.request("DELETE", path)[0] == 200
    finally:
        operator.process.send_signal(signal.SIGCONT)
    eventually(lambda: '"ghost"' not in operators.fetch(f"http://127.0.0.1:{operator.http_port}/fleet")[1])


def test_task_that_is_not_served_says_so_and_is_deleted_after_its_time(server, operator):
    """A task has one result, and does not stay for ever."""
    operator.start()
    create_bot(server, "asked", make.MINIMAL)
    tasks = operators.TASKS.format("trading")
    for name, spec in (
        ("kept", {"bot": "asked", "type": "drDrill"}),
        ("short", {"bot": "asked", "type": "backup", "ttlSecondsAfterFinished": 0}),
        ("nobody", {"bot": "nobody", "type": "backup"}),
        ("late", {"bot": "asked", "type": "flatten", "notAfter": "2020-01-01T00:00:00Z"}),
    ):
        body = {"apiVersion": "tradingbot.io/v1alpha1", "kind": "BotTask", "metadata": {"name": name}, "spec": spec}
        assert server.request("POST", tasks, body)[0] == 201

    def failed(name):
        seen = condition(found(server, f"{tasks}/{name}"), "Failed")
        return seen.get("status"), seen.get("reason")

    eventually(lambda: failed("kept") == ("True", "TypeNotServed"))
    eventually(lambda: failed("nobody") == ("True", "BotNotFound"))
    eventually(lambda: failed("late") == ("True", "Expired"))
    eventually(lambda: found(server, f"{tasks}/short") is None)
    assert condition(found(server, f"{tasks}/kept"), "Complete")["status"] == "False"


def test_metrics_are_well_formed(server, operator):
    """Every metric has the operator's prefix or a runbook's own name, and series of which a rate is taken exist."""
    operator.start()
    _, text = operator.ops("/metrics")
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert {name for name in families if not name.startswith("tradingbot_operator_")} <= KEY_AGES
    assert 'tradingbot_operator_reconcile_total{kind="TradingBot",result="error"} 0.0' in text
    assert operator.metric("tradingbot_operator_leader") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "--fast"], "error: unrecognized arguments: --fast"),
        (["start"], "invalid choice: 'start'"),
        ([], "error: the following arguments are required: VERB"),
        (["reference", "poems"], "invalid choice: 'poems'"),
    ],
)
def test_wrong_flags_get_one_sentence_and_a_usage_line(arguments, sentence):
    """No traceback for a typing error."""
    answer = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert sentence in answer.stderr
    assert answer.stderr.startswith("usage: tradingbot-operator")
    assert len(answer.stderr.strip().splitlines()) == 2


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("OPERATOR_WORKERS", "many", "should be a valid integer"),
        ("OPERATOR_LISTEN_OPS", "9090", "write host:port"),
        ("OPERATOR_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_bad_setting_is_named_with_value_and_cure(name, value, cure):
    """A setting that cannot be used ends the operator with one sentence."""
    answer = subprocess.run([COMMAND, "run"], env={name: value}, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"{name}: '{value}' cannot be used; ")
    assert cure in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_uninstall_is_refused_while_bots_exist(server):
    """Without the operator nobody takes their finalizer off, so they are named."""
    operators.namespace(server, "emptied")
    environment = {"KUBECONFIG": str(server.kubeconfig), "OPERATOR_WATCH_NAMESPACES": "emptied"}
    asked = [COMMAND, "preflight-uninstall"]
    assert subprocess.run(asked, env=environment, check=False).returncode == 0
    create_bot(server, "left", make.MINIMAL, "emptied")
    answer = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "emptied/left; delete them first" in answer.stderr
    assert "`helm rollback tradingbot-operator`" in answer.stderr


def test_uninstall_is_free_where_the_definition_is_gone(tmp_path):
    """Without the definition there is no bot, so the operator may go."""
    with apiserver.running(tmp_path) as bare:
        asked = [COMMAND, "preflight-uninstall"]
        answer = subprocess.run(asked, env={"KUBECONFIG": str(bare.kubeconfig)}, capture_output=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, b"")


def test_cluster_that_cannot_be_reached_is_one_sentence(tmp_path):
    """A missing kubeconfig is named, without a traceback."""
    environment = {"KUBECONFIG": str(tmp_path / "absent")}
    answer = subprocess.run([COMMAND, "run"], env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "KUBECONFIG" in answer.stderr

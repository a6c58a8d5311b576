"""The operator against a real API server: a bot is applied, runs, changes, is halted, drifts and ends."""

import base64
import json

import pytest

import make_operator as make
import operators
from operators import MERGE, bot, condition, create_bot, deployment, eventually, found, names, patch_bot, state
from tradingbot_operator.domain.revision import revision_name

TRADING = "/api/v1/namespaces/trading"
APPS = "/apis/apps/v1/namespaces/trading"


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    """One operator for the bots of this file; each test has bots of its own."""
    folder = tmp_path_factory.mktemp("operator")
    with operators.prepared(folder) as server, operators.operator(server, folder) as running:
        running.start()
        yield running


@pytest.fixture
def server(operator):
    return operator.server


def test_applied_bot_has_everything_it_needs(server):
    """Settings, token, claim, Services, policy, revision and Deployment exist soon after a bot was applied."""
    create_bot(server, "full", make.SANDBOX)
    made = eventually(lambda: deployment(server, "full"))
    template = made["spec"]["template"]
    config = next(v["configMap"]["name"] for v in template["spec"]["volumes"] if v["name"] == "settings")
    settings = json.loads(found(server, f"{TRADING}/configmaps/{config}")["data"]["settings.json"])
    assert settings["exchange"]["symbols"] == ["BTC/USDT"]
    assert found(server, f"{TRADING}/configmaps/{config}")["immutable"] is True
    secret = found(server, f"{TRADING}/secrets/full-api")
    assert sorted(secret["data"]) == ["operator-token", "token"]
    claim = found(server, f"{TRADING}/persistentvolumeclaims/full-data")
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"
    assert "ownerReferences" not in claim["metadata"]
    assert found(server, f"{TRADING}/services/full")["spec"]["selector"]["tradingbot.io/colour"] == "blue"
    assert found(server, f"{TRADING}/services/full-ops") is None
    assert found(server, "/apis/networking.k8s.io/v1/namespaces/trading/networkpolicies/tradingbot-bots")
    revision = template["metadata"]["labels"]["tradingbot.io/revision"]
    recorded = found(server, f"{APPS}/controllerrevisions/full-{revision}")
    assert recorded["revision"] == 1
    assert recorded["metadata"]["ownerReferences"][0]["controller"] is True


def test_bot_becomes_ready_with_its_pod_and_reports_what_its_process_says(server):
    """Ready follows the pod; epoch, ledger and trading follow the process, without any number that ticks."""
    create_bot(server, "ready", make.MINIMAL)
    eventually(lambda: deployment(server, "ready"))
    eventually(lambda: state(server, "ready", "Reconciling") == ("True", "Starting"))
    with operators.stand_in_bot("127.0.1.1"):
        operators.stand_in_pod(server, "ready", "127.0.1.1")
        eventually(lambda: state(server, "ready", "TradingActive") == ("True", "Trading"))
        seen = bot(server, "ready")
        assert state(server, "ready", "Ready") == ("True", "PodReady")
        assert condition(seen, "Reconciling") == {}
        assert state(server, "ready", "SingleWriter") == ("True", "LeaseHeld")
        assert seen["status"]["observedGeneration"] == 1
        assert seen["status"]["ledgerId"] == "q3v9zk"
        assert seen["status"]["highestEpoch"] == 4
        assert seen["status"]["active"]["colour"] == "blue"
        assert "equity" not in json.dumps(seen["status"])


def test_change_of_equity_writes_no_status(server):
    """A status changes only when its meaning does."""
    create_bot(server, "quiet", make.MINIMAL)
    eventually(lambda: deployment(server, "quiet"))
    with operators.stand_in_bot("127.0.1.2") as said:
        operators.stand_in_pod(server, "quiet", "127.0.1.2")
        eventually(lambda: state(server, "quiet", "TradingActive") == ("True", "Trading"))
        before = bot(server, "quiet")["metadata"]["resourceVersion"]
        said["equity"] = "9999"
        said["epoch"] = 5
        eventually(lambda: bot(server, "quiet")["status"]["active"]["epoch"] == 5)
        # The lease is read at each pass, the process every second: both are to have told of it.
        eventually(lambda: "epoch 5" in condition(bot(server, "quiet"), "TradingActive")["message"])
        after = bot(server, "quiet")["metadata"]["resourceVersion"]
        said["equity"] = "9998"
        marker = create_bot(server, "marker", make.MINIMAL)
        eventually(lambda: state(server, "marker", "Ready")[0])
        assert marker["metadata"]["resourceVersion"] > before
        assert bot(server, "quiet")["metadata"]["resourceVersion"] == after


def test_changed_spec_makes_a_new_revision_and_going_back_takes_the_old_one_again(server):
    """Equal requests are one revision; the one that comes back is the newest again."""
    create_bot(server, "turn", make.MINIMAL)
    first = eventually(lambda: deployment(server, "turn"))["spec"]["template"]
    old = first["metadata"]["labels"]["tradingbot.io/revision"]
    patch_bot(server, "turn", {"spec": {"strategy": {"parameters": {"fast": "5"}}}})

    def template():
        return deployment(server, "turn")["spec"]["template"]

    eventually(lambda: template()["metadata"]["labels"]["tradingbot.io/revision"] != old)
    assert len(names(server, f"{APPS}/controllerrevisions?labelSelector=tradingbot.io/bot=turn")) == 2
    patch_bot(server, "turn", {"spec": {"strategy": {"parameters": None}}})
    eventually(lambda: template()["metadata"]["labels"]["tradingbot.io/revision"] == old)
    assert template() == first
    assert found(server, f"{APPS}/controllerrevisions/turn-{old}")["revision"] == 3


def test_recorded_revision_is_never_overwritten_by_another_of_its_name(server):
    """A name taken by other content is counted, and the wanted revision gets another name."""
    owner = create_bot(server, "collide", {**make.MINIMAL, "suspend": True})
    eventually(lambda: deployment(server, "collide"))
    wanted = {**make.MINIMAL, "logging": {"level": "debug"}}
    taken = revision_name(make.bot(wanted).spec)
    reference = {"apiVersion": owner["apiVersion"], "kind": "TradingBot", "name": "collide", "controller": True}
    metadata = {"name": f"collide-{taken}", "ownerReferences": [{**reference, "uid": owner["metadata"]["uid"]}]}
    record = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata,
        "revision": 7,
        "data": {"hashVersion": "1", "spec": {"mode": "sim"}},
    }
    assert server.request("POST", f"{APPS}/controllerrevisions", record)[0] == 201
    patch_bot(server, "collide", {"spec": {"logging": {"level": "debug"}}})
    other = revision_name(make.bot(wanted).spec, 1)
    eventually(lambda: deployment(server, "collide")["metadata"]["labels"]["tradingbot.io/revision"] == other)
    assert bot(server, "collide")["status"]["collisionCount"] == 1
    kept = found(server, f"{APPS}/controllerrevisions/collide-{taken}")
    assert (kept["data"], kept["revision"]) == (record["data"], 7)
    eventually(lambda: state(server, "collide", "Stalled") == (None, None))
    assert bot(server, "collide")["status"]["collisionCount"] == 1


def test_revision_names_the_image_that_ran(server):
    """The image of the ready pod is written down once, and neither the Deployment nor the record's data changes."""
    create_bot(server, "image", make.MINIMAL)
    before = eventually(lambda: deployment(server, "image"))
    record = f"{APPS}/controllerrevisions/image-{before['metadata']['labels']['tradingbot.io/revision']}"
    recorded = eventually(lambda: found(server, record))
    pod = operators.stand_in_pod(server, "image", "127.0.1.11")
    operators.pod_status(server, pod, {**operators.ready("False"), "containerStatuses": [running("bot@sha256:a")]})
    operators.pod_status(server, pod, operators.ready("True"))

    def image():
        return found(server, record)["metadata"]["annotations"].get("tradingbot.io/image-id")

    eventually(lambda: image() == "bot@sha256:a")
    operators.pod_status(server, pod, {**operators.ready("False"), "containerStatuses": [running("bot@sha256:b")]})
    operators.pod_status(server, pod, operators.ready("True"))
    patch_bot(server, "image", {"spec": {"suspend": True}})
    eventually(lambda: deployment(server, "image")["spec"]["replicas"] == 0)
    assert image() == "bot@sha256:a"
    assert found(server, record)["data"] == recorded["data"]
    assert deployment(server, "image")["spec"]["template"] == before["spec"]["template"]


def running(image):
    started = {"running": {"startedAt": "2026-11-21T14:00:00Z"}}
    return {"name": "bot", "image": "x", "imageID": image, "ready": True, "restartCount": 0, "state": started}


def test_changed_keys_restart_the_pod_and_change_nothing_else(server):
    """Other content of the Secret is a new revision of the same request, found without an event."""
    keys = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "turning"}, "stringData": operators.KEYS}
    assert server.request("POST", f"{TRADING}/secrets", keys)[0] == 201
    exchange = {**make.SANDBOX["exchange"], "shared": True, "credentialsSecretRef": {"name": "turning"}}
    create_bot(server, "turned", {**make.SANDBOX, "exchange": exchange})
    first = eventually(lambda: deployment(server, "turned"))["spec"]["template"]
    old = eventually(lambda: bot(server, "turned").get("status", {}).get("keyFingerprint"))
    assert first["metadata"]["annotations"]["tradingbot.io/keys"] == old
    patch = {"stringData": {"secret": "another"}}
    assert server.request("PATCH", f"{TRADING}/secrets/turning", patch, MERGE)[0] == 200
    eventually(lambda: bot(server, "turned")["status"]["keyFingerprint"] != old, within=40)
    second = deployment(server, "turned")["spec"]["template"]
    assert second["metadata"]["annotations"]["tradingbot.io/keys"] == bot(server, "turned")["status"]["keyFingerprint"]
    assert second["spec"]["volumes"] == first["spec"]["volumes"]
    assert len(names(server, f"{APPS}/controllerrevisions?labelSelector=tradingbot.io/bot=turned")) == 2


def test_history_is_pruned_with_its_settings(server):
    """Revisions beyond the limit go, and with them the settings nothing else reads."""
    create_bot(server, "prune", {**make.MINIMAL, "rollout": {"historyLimit": 2}})
    for fast in ("3", "4", "5", "6"):
        before = eventually(lambda: deployment(server, "prune"))["metadata"]["generation"]
        patch_bot(server, "prune", {"spec": {"strategy": {"parameters": {"fast": fast}}}})
        eventually(lambda seen=before: deployment(server, "prune")["metadata"]["generation"] > seen)
    selector = "?labelSelector=tradingbot.io/bot=prune"
    eventually(lambda: len(names(server, f"{APPS}/controllerrevisions{selector}")) <= 3)
    assert len(names(server, f"{TRADING}/configmaps{selector}")) <= 3
    volumes = deployment(server, "prune")["spec"]["template"]["spec"]["volumes"]
    config = next(v["configMap"]["name"] for v in volumes if v["name"] == "settings")
    assert found(server, f"{TRADING}/configmaps/{config}")


def test_bad_spec_never_touches_a_running_bot(server):
    """A refused spec leaves the Deployment as it was; the bot is Stalled, and Ready stands for what still runs."""
    create_bot(server, "bad", make.MINIMAL)
    before = eventually(lambda: deployment(server, "bad"))
    with operators.stand_in_bot("127.0.1.3"):
        operators.stand_in_pod(server, "bad", "127.0.1.3")
        eventually(lambda: state(server, "bad", "Ready") == ("True", "PodReady"))
        patch_bot(server, "bad", {"spec": {"pod": {"labels": {"not a label!": "x"}}}})
        eventually(lambda: state(server, "bad", "Stalled") == ("True", "ApplyRefused"))
        seen = bot(server, "bad")
        assert "not a label!" in condition(seen, "Stalled")["message"]
        assert condition(seen, "Stalled")["observedGeneration"] == 2
        assert (condition(seen, "Ready")["status"], condition(seen, "Ready")["observedGeneration"]) == ("True", 1)
        assert state(server, "bad", "ConfigInSync") == ("False", "ApplyRefused")
        assert deployment(server, "bad")["metadata"]["generation"] == before["metadata"]["generation"]
        patch_bot(server, "bad", {"spec": {"pod": None}})
        eventually(lambda: state(server, "bad", "Stalled") == (None, None))
        assert condition(bot(server, "bad"), "Ready")["observedGeneration"] == 3


def test_live_bot_is_not_run_by_an_operator_that_does_not_allow_it(server):
    """Live trading is off by default: nothing is created, and the cure is named."""
    create_bot(server, "live", make.LIVE)
    eventually(lambda: state(server, "live", "Stalled") == ("True", "LiveNotAllowed"))
    assert "OPERATOR_ALLOW_LIVE=true" in condition(bot(server, "live"), "Stalled")["message"]
    assert deployment(server, "live") is None
    assert found(server, f"{TRADING}/secrets/live-api") is None


def test_ledger_that_is_not_served_is_said_so(server):
    """A bot on a server that the operator would have to run is not run on something else instead."""
    create_bot(server, "managed", {**make.MINIMAL, "database": {"mode": "managed"}})
    eventually(lambda: state(server, "managed", "Stalled") == ("True", "DatabaseModeUnavailable"))
    assert deployment(server, "managed") is None


def test_bot_whose_keys_are_missing_starts_when_they_come(server):
    """The Secret is named; once it is there the bot starts by itself."""
    exchange = {**make.SANDBOX["exchange"], "shared": True, "credentialsSecretRef": {"name": "later"}}
    create_bot(server, "keyless", {**make.SANDBOX, "exchange": exchange})
    eventually(lambda: state(server, "keyless", "Stalled") == ("True", "CredentialsMissing"))
    assert "Secret 'later' does not exist" in condition(bot(server, "keyless"), "Stalled")["message"]
    assert deployment(server, "keyless") is None
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "later"}, "stringData": operators.KEYS}
    assert server.request("POST", f"{TRADING}/secrets", secret)[0] == 201
    eventually(lambda: deployment(server, "keyless"), within=30)


def test_name_of_another_is_never_taken(server):
    """An object that exists and is not this bot's stops everything: nothing is overwritten, nothing is created."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "taken"},
        "spec": {"selector": {"app": "somebody"}, "ports": [{"port": 80}]},
    }
    assert server.request("POST", f"{TRADING}/services", service)[0] == 201
    create_bot(server, "taken", make.MINIMAL)
    eventually(lambda: state(server, "taken", "Stalled") == ("True", "NameTaken"))
    assert "Service taken exists" in condition(bot(server, "taken"), "Stalled")["message"]
    assert found(server, f"{TRADING}/services/taken")["spec"]["selector"] == {"app": "somebody"}
    assert deployment(server, "taken") is None
    assert found(server, f"{TRADING}/secrets/taken-api") is None


@pytest.mark.parametrize(
    "path", ["/api/v1/namespaces/trading/services/drift", "/apis/apps/v1/namespaces/trading/deployments/drift-blue"]
)
def test_deleted_child_comes_back(server, path):
    """What belongs to a bot and is deleted exists again: a Deployment at once, the rest by the audit."""
    if bot(server, "drift") is None:
        create_bot(server, "drift", make.MINIMAL)
    old = eventually(lambda: found(server, path))["metadata"]["uid"]
    assert server.request("DELETE", path)[0] == 200
    eventually(lambda: (found(server, path) or {"metadata": {"uid": old}})["metadata"]["uid"] != old)


def test_changed_child_is_set_right(server):
    """A field of a child that someone changed is what the bot asks for again."""
    create_bot(server, "edit", make.MINIMAL)
    eventually(lambda: deployment(server, "edit"))
    path = f"{APPS}/deployments/edit-blue"
    assert server.request("PATCH", path, {"spec": {"replicas": 3}}, MERGE)[0] == 200
    eventually(lambda: deployment(server, "edit")["spec"]["replicas"] == 1)
    path = f"{TRADING}/services/edit"
    patch = {"spec": {"selector": {"tradingbot.io/bot": "edit", "tradingbot.io/colour": "green"}}}
    assert server.request("PATCH", path, patch, MERGE)[0] == 200
    eventually(lambda: found(server, path)["spec"]["selector"]["tradingbot.io/colour"] == "blue")


def test_token_is_made_once_and_made_again_when_lost(server):
    """A token someone set is kept; a Secret that is gone is made anew."""
    create_bot(server, "token", make.MINIMAL)
    path = f"{TRADING}/secrets/token-api"
    eventually(lambda: found(server, path) and deployment(server, "token"))
    assert server.request("PATCH", path, {"data": {"token": "b3du"}}, MERGE)[0] == 200
    patch_bot(server, "token", {"spec": {"suspend": True}})
    eventually(lambda: deployment(server, "token")["spec"]["replicas"] == 0)
    assert found(server, path)["data"]["token"] == "b3du"
    assert server.request("DELETE", path)[0] == 200
    eventually(lambda: (found(server, path) or {"data": {"token": "b3du"}})["data"]["token"] != "b3du")


def lines(secret, key):
    return base64.b64decode(secret["data"][key]).decode().split("\n")


def test_old_tokens_are_followed_by_new_ones_and_stay_valid_beside_them(server):
    """A week after the last rotation each file has a second line; nothing is rotated twice, and no pod is disturbed."""
    create_bot(server, "rotate", make.MINIMAL)
    path = f"{TRADING}/secrets/rotate-api"
    before = eventually(lambda: deployment(server, "rotate"))
    old = eventually(lambda: found(server, path))
    noted = {"metadata": {"annotations": {"tradingbot.io/rotated-at": "2026-01-01T00:00:00Z"}}}
    assert server.request("PATCH", path, noted, MERGE)[0] == 200
    eventually(lambda: len(lines(found(server, path), "token")) == 2)
    new = found(server, path)
    for key in ("token", "operator-token"):
        assert lines(new, key)[1:] == lines(old, key)
        assert lines(new, key)[0] not in lines(old, key)
    assert new["metadata"]["annotations"]["tradingbot.io/rotated-at"] > "2026-01-01T00:00:00Z"
    patch_bot(server, "rotate", {"spec": {"suspend": True}})
    eventually(lambda: deployment(server, "rotate")["spec"]["replicas"] == 0)
    assert found(server, path)["data"] == new["data"]
    assert deployment(server, "rotate")["spec"]["template"] == before["spec"]["template"]


def test_halt_and_resume_reach_the_running_pod_without_a_new_one(server):
    """Orders written on the bot are copied onto its pod; taken back, they go from it too."""
    create_bot(server, "halt", make.MINIMAL)
    eventually(lambda: deployment(server, "halt"))
    path = f"{TRADING}/pods/{operators.stand_in_pod(server, 'halt', '127.0.1.4')}"
    template = deployment(server, "halt")["spec"]["template"]

    def notes():
        all_of_it = found(server, path)["metadata"]["annotations"].items()
        # Which halt it is, is a word that is new with each.
        return {k: v for k, v in all_of_it if k.startswith("tradingbot.io") and k != "tradingbot.io/halt-id"}

    order = "reduce: spread looks wrong"
    patch_bot(server, "halt", {"metadata": {"annotations": {"tradingbot.io/halt": order}}})
    eventually(lambda: notes() == {"tradingbot.io/halt": order, "tradingbot.io/halt-origin": "tradingbot"})
    patch_bot(server, "halt", {"metadata": {"annotations": {"tradingbot.io/resume": "h1 looked at it"}}})
    eventually(lambda: notes().get("tradingbot.io/resume") == "h1 looked at it")
    patch_bot(server, "halt", {"metadata": {"annotations": {"tradingbot.io/halt": None, "tradingbot.io/resume": None}}})
    eventually(lambda: notes() == {})
    assert deployment(server, "halt")["spec"]["template"] == template


def test_halt_on_a_pod_is_raised_to_its_bot_and_can_be_taken_back_there(server):
    """What a person wrote on a pod while the operator was away holds for the next pod too."""
    create_bot(server, "raised", make.MINIMAL)
    eventually(lambda: deployment(server, "raised"))
    path = f"{TRADING}/pods/{operators.stand_in_pod(server, 'raised', '127.0.1.5')}"
    order = {"metadata": {"annotations": {"tradingbot.io/halt": "operator was down"}}}
    assert server.request("PATCH", path, order, MERGE)[0] == 200
    annotations = lambda: bot(server, "raised")["metadata"].get("annotations") or {}  # noqa: E731
    eventually(lambda: annotations().get("tradingbot.io/halt") == "operator was down")
    eventually(lambda: "tradingbot.io/halt-origin" in found(server, path)["metadata"]["annotations"])
    patch_bot(server, "raised", {"metadata": {"annotations": {"tradingbot.io/halt": None}}})
    eventually(lambda: "tradingbot.io/halt" not in found(server, path)["metadata"]["annotations"])
    assert "tradingbot.io/halt" not in annotations()


def test_halt_on_a_namespace_reaches_every_pod_in_it(server):
    """One annotation halts all bots of a namespace."""
    operators.namespace(server, "floor")
    pods = []
    for name, ip in (("one", "127.0.1.6"), ("two", "127.0.1.7")):
        create_bot(server, name, make.MINIMAL, "floor")
        eventually(lambda each=name: deployment(server, each, "floor"))
        pods.append(operators.stand_in_pod(server, name, ip, "floor"))
    halt = {"metadata": {"annotations": {"tradingbot.io/halt": "flatten: exchange hacked"}}}
    assert server.request("PATCH", "/api/v1/namespaces/floor", halt, MERGE)[0] == 200
    for pod in pods:
        path = f"/api/v1/namespaces/floor/pods/{pod}"
        eventually(
            lambda where=path: (
                found(server, where)["metadata"]["annotations"].get("tradingbot.io/halt") == "flatten: exchange hacked"
            )
        )


def test_reported_halt_stands_in_the_status_and_the_bot_stays_ready(server):
    """A halted bot serves: it is Ready with reason Halted, and its halts are listed with their ids."""
    create_bot(server, "halted", make.MINIMAL)
    eventually(lambda: deployment(server, "halted"))
    halt = {"id": "h7", "kind": "halt", "source": "http", "reason": "drill", "since": "2026-11-21T14:00:00Z"}
    halt["cause"] = "Requested"
    with operators.stand_in_bot("127.0.1.8", state="halted", trading_active=False, halts=[halt]):
        operators.stand_in_pod(server, "halted", "127.0.1.8")
        eventually(lambda: state(server, "halted", "Halted") == ("True", "Halt"))
        seen = bot(server, "halted")
        assert seen["status"]["halts"] == [halt]
        assert state(server, "halted", "Ready") == ("True", "Halted")
        assert state(server, "halted", "TradingActive") == ("False", "Halted")
    eventually(lambda: state(server, "halted", "TradingActive") == ("Unknown", "NotReported"))
    assert state(server, "halted", "Halted") == ("True", "LastKnown")


def test_suspended_bot_is_ready_when_nothing_runs(server):
    """suspend scales to nothing; Ready says so once no pod is left."""
    create_bot(server, "rest", make.MINIMAL)
    eventually(lambda: deployment(server, "rest"))
    pod = operators.stand_in_pod(server, "rest", "127.0.1.9")
    patch_bot(server, "rest", {"spec": {"suspend": True}})
    eventually(lambda: deployment(server, "rest")["spec"]["replicas"] == 0)
    eventually(lambda: state(server, "rest", "Ready") == ("False", "Stopping"))
    operators.remove_pod(server, pod)
    eventually(lambda: state(server, "rest", "Ready") == ("True", "Suspended"))
    assert state(server, "rest", "TradingActive") == ("False", "NoPod")


def test_pod_that_cannot_start_is_said_in_the_nodes_words(server):
    """An image that cannot be had needs a person: the bot is Stalled, and well again when the pod is."""
    create_bot(server, "failing", make.MINIMAL)
    eventually(lambda: deployment(server, "failing"))
    pod = operators.stand_in_pod(server, "failing", "127.0.1.10")
    waiting = {"reason": "ErrImagePull", "message": "no such image"}
    broken = {
        "name": "bot",
        "image": "x",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": waiting},
    }
    operators.pod_status(server, pod, {**operators.ready("False"), "containerStatuses": [broken]})
    eventually(lambda: state(server, "failing", "Stalled") == ("True", "PodFailing"))
    assert f"pod {pod}: ErrImagePull: no such image" in condition(bot(server, "failing"), "Stalled")["message"]
    operators.pod_status(server, pod, operators.ready("True"))
    eventually(lambda: state(server, "failing", "Stalled") == (None, None))


def test_each_change_of_a_reason_is_told_once(server):
    """An Event for each new reason, and not the same one twice."""
    create_bot(server, "told", make.LIVE)
    eventually(lambda: state(server, "told", "Stalled") == ("True", "LiveNotAllowed"))

    def told():
        events = server.request("GET", f"{TRADING}/events")[1]["items"]
        return sorted(each["reason"] for each in events if each["involvedObject"]["name"] == "told")

    eventually(lambda: "LiveNotAllowed" in told())
    patch_bot(server, "told", {"spec": {"logging": {"level": "debug"}}})
    eventually(lambda: condition(bot(server, "told"), "Stalled")["observedGeneration"] == 2)
    assert told() == ["LiveNotAllowed"]

"""Rules every rendered object keeps, whatever the spec; the objects themselves are golden files."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_operator as make
from tradingbot_operator.domain.handover import Post
from tradingbot_operator.domain.plan import Run
from tradingbot_operator.domain.site import Tokens
from tradingbot_operator.render.bundle import Given, Layout, intent, render

RUN = Run("r" * 20, 3, 1)


def bundle(spec=None, run=RUN, recorded=None, **site):
    bot = make.bot(spec)
    known = {run.revision: recorded} if recorded else {}
    return render(bot, bot.spec, run, make.layout(run), Given(make.site(**site), make.TOKENS, known))


def one(spec=None, kind="Deployment", **given):
    return next(each for each in bundle(spec, **given).held if each["kind"] == kind)


def pod(spec=None, **given):
    return one(spec, **given)["spec"]["template"]["spec"]


def test_pod_comes_after_all_it_needs():
    """Settings, claim and record exist before the Deployment does."""
    kinds = [each["kind"] for each in bundle(make.SANDBOX).held]
    assert kinds == [
        "ConfigMap",
        "PersistentVolumeClaim",
        "Service",
        "NetworkPolicy",
        "ControllerRevision",
        "Deployment",
    ]


def test_both_colours_have_an_address_of_their_own_once_there_are_two():
    """Ready or not: an unready colour is the one to look at. With one colour it would tell no more than the other."""
    bot, layout = make.bot(), make.layout(RUN)
    both = Layout((*layout.posts, Post("green", RUN.revision, 0)))
    held = render(bot, bot.spec, RUN, both, Given(make.site(), make.TOKENS)).held
    services = {each["metadata"]["name"]: each["spec"] for each in held if each["kind"] == "Service"}
    assert sorted(services) == ["btc", "btc-ops"]
    assert services["btc-ops"] == {
        "selector": {"tradingbot.io/bot": "btc"},
        "ports": [{"name": "ops", "port": 9090, "targetPort": "ops", "protocol": "TCP"}],
        "publishNotReadyAddresses": True,
    }
    alone = render(bot, bot.spec, RUN, layout, Given(make.site(), make.TOKENS)).held
    assert [each["metadata"]["name"] for each in alone if each["kind"] == "Service"] == ["btc"]


def test_recorded_revision_is_run_as_it_was_recorded():
    """A newer operator, another image, another cluster: what was recorded is applied as it is."""
    recorded = one(kind="ControllerRevision")["data"]
    later = bundle(run=Run("r" * 20, 9, 1), recorded=recorded, bot_image="other", cluster="another")
    deployment = next(each for each in later.held if each["kind"] == "Deployment")
    assert deployment == one()
    settings = next(each for each in later.held if each["kind"] == "ConfigMap")
    assert settings == one(kind="ConfigMap")


def test_settings_are_named_by_their_content():
    """Other settings have another name, so that a pod keeps those it started with."""
    first, same, other = one(kind="ConfigMap"), one(kind="ConfigMap"), one(make.SANDBOX, kind="ConfigMap")
    assert first["metadata"]["name"] == same["metadata"]["name"] != other["metadata"]["name"]
    assert first["immutable"] is True
    mounted = next(v["configMap"]["name"] for v in pod()["volumes"] if v["name"] == "settings")
    assert mounted == first["metadata"]["name"]


def test_settings_hold_no_secret_and_only_what_was_said():
    """Keys are mounted, never rendered; limits nobody set are the bot's own."""
    settings = json.loads(one(make.SANDBOX, kind="ConfigMap")["data"]["settings.json"])
    assert "credentials_secret_ref" not in settings["exchange"]
    assert settings["risk"] == {}
    assert settings["bot"] == {"name": "btc", "namespace": "trading", "cluster": make.SITE.cluster}


@pytest.mark.parametrize(
    ("asked", "rendered"),
    [
        ({}, None),
        ({"foreignOrders": "Report", "interval": "1h"}, None),
        ({"foreignOrders": "Halt"}, {"foreign_orders": "halt"}),
        ({"foreignOrders": "Ignore", "interval": "5m"}, {"foreign_orders": "ignore", "interval": "5m"}),
    ],
)
def test_how_a_bot_reconciles_is_said_where_it_is_not_usual(asked, rendered):
    """A bot of whom nobody asked anything keeps the settings, and so the revision, it had before."""
    spec = {**make.MINIMAL, "reconcile": asked}
    assert json.loads(one(spec, kind="ConfigMap")["data"]["settings.json"]).get("reconcile") == rendered


@pytest.mark.parametrize("spec", [make.LIVE, make.SANDBOX])
def test_a_bot_knows_the_rate_gate_where_there_is_one(spec):
    """Its address is in the settings that are made from then on, and no word of it elsewhere."""
    there = json.loads(one(spec, kind="ConfigMap", rate_gate_url="http://gate:3001")["data"]["settings.json"])
    without = json.loads(one(spec, kind="ConfigMap")["data"]["settings.json"])
    assert there["operator"]["rate_gate"] == "http://gate:3001"
    assert "rate_gate" not in without.get("operator", {})


def test_only_a_bot_whose_ledger_is_on_a_server_knows_whom_to_ask_without_it():
    """A ledger in a file is away for the operator too, and an upgrade of the operator changes nothing for its bot."""
    asked = json.loads(one(make.LIVE, kind="ConfigMap", operator_url="http://here:8000")["data"]["settings.json"])
    alone = json.loads(one(make.SANDBOX, kind="ConfigMap", operator_url="http://here:8000")["data"]["settings.json"])
    assert asked["operator"] == {"url": "http://here:8000"}
    assert "operator" not in alone


@pytest.mark.parametrize(("mode", "verb"), [("sim", "paper"), ("dry-run", "paper"), ("paper", "paper")])
def test_paper_verb_serves_every_mode_without_money(mode, verb):
    """Only mode live starts the live verb."""
    assert pod({**make.MINIMAL, "mode": mode})["containers"][0]["command"] == ["atb", verb]


def test_live_mode_starts_the_live_verb():
    """Its ledger is a server, so the settings say postgres."""
    assert pod(make.LIVE)["containers"][0]["command"] == ["atb", "live"]
    assert json.loads(one(make.LIVE, kind="ConfigMap")["data"]["settings.json"])["database"] == {"mode": "postgres"}


@pytest.mark.parametrize("spec", [make.MINIMAL, make.SANDBOX], ids=["paper", "sandbox"])
def test_embedded_ledger_outlives_its_pod_and_is_shared_by_both_colours(spec):
    """One claim without owner, and all pods of the bot on its node."""
    kept = next(v for v in pod(spec)["volumes"] if v["name"] == "data")
    assert kept == {"name": "data", "persistentVolumeClaim": {"claimName": "btc-data"}}
    assert "ownerReferences" not in one(spec, "PersistentVolumeClaim")["metadata"]
    term = pod(spec)["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]
    assert term["labelSelector"] == {"matchLabels": {"tradingbot.io/bot": "btc"}}


def test_replay_keeps_nothing():
    """A simulation starts from nothing each time."""
    spec = {**make.MINIMAL, "mode": "sim"}
    gone = next(v for v in pod(spec)["volumes"] if v["name"] == "data")
    assert gone == {"name": "data", "emptyDir": {"sizeLimit": "20Gi"}}
    assert "PersistentVolumeClaim" not in {each["kind"] for each in bundle(spec).held}
    assert "affinity" not in pod(spec)


def test_each_colour_has_a_claim_beside_a_server():
    """A live colour has a state volume of its own, and may run on another node than the other."""
    both = Layout((Post("blue", RUN.revision, 1), Post("green", RUN.revision, 1)), "green")
    bot = make.bot(make.LIVE)
    made = render(bot, bot.spec, RUN, both, Given(make.site(allow_live=True), make.TOKENS)).held
    claims = [each["metadata"]["name"] for each in made if each["kind"] == "PersistentVolumeClaim"]
    assert claims == ["btc-data-blue", "btc-data-green"]
    blue, green = (each["spec"]["template"]["spec"] for each in made if each["kind"] == "Deployment")
    mounted = [
        v["persistentVolumeClaim"]["claimName"] for pod in (blue, green) for v in pod["volumes"] if v["name"] == "data"
    ]
    assert mounted == ["btc-data-blue", "btc-data-green"]
    assert "affinity" not in blue
    leads = next(each for each in made if each["kind"] == "Service" and each["metadata"]["name"] == "btc")
    assert leads["spec"]["selector"]["tradingbot.io/colour"] == "green"


def test_warm_colours_ask_for_different_nodes_and_do_with_one():
    """The other colour's node is avoided where there is another one; its own old pod is in nobody's way."""
    term = {
        "labelSelector": {"matchLabels": {"tradingbot.io/bot": "btc"}},
        "topologyKey": "kubernetes.io/hostname",
        "mismatchLabelKeys": ["tradingbot.io/colour"],
    }
    apart = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}
    assert pod({**make.LIVE, "rollout": {"standby": "warm"}})["affinity"] == {"podAntiAffinity": apart}


def test_warm_colours_that_share_a_file_stay_on_its_node():
    """A file cannot follow to another node, so a standby for it does not ask to be on one."""
    assert list(pod({**make.SANDBOX, "rollout": {"standby": "warm"}})["affinity"]) == ["podAffinity"]


def test_all_deployments_are_picked_by_one_label_that_no_pod_bears():
    """`kubectl rollout restart deploy -l app=tradingbot` finds every bot; a pod keeps the labels it was made with."""
    made = one(make.SANDBOX, "Deployment")
    assert made["metadata"]["labels"]["app"] == "tradingbot"
    assert "app" not in made["spec"]["template"]["metadata"]["labels"]
    assert "app" not in made["spec"]["selector"]["matchLabels"]


@pytest.mark.parametrize(("auto", "known", "made"), [("Auto", True, 1), ("Never", True, 0), ("Auto", False, 0)])
def test_pod_monitor_only_where_it_is_known_and_wanted(auto, known, made):
    """A cluster without the kind is not asked for it."""
    spec = {**make.MINIMAL, "monitoring": {"podMonitor": auto}}
    kinds = [each["kind"] for each in bundle(spec, pod_monitors=known).held]
    assert kinds.count("PodMonitor") == made


def test_token_is_in_the_secret_and_nowhere_else():
    """No applied object holds a token."""
    made = bundle(make.SANDBOX)
    assert made.kept[0]["stringData"] == {"token": "http-token", "operator-token": "operator-token"}
    assert "http-token" not in json.dumps(made.held)


def test_intent_is_the_same_for_the_same_wish_whatever_the_tokens():
    """A pass that would write the same writes nothing."""
    bot = make.bot()
    first = intent(bot, RUN, make.layout(RUN), make.SITE)
    assert first == intent(bot, RUN, make.layout(RUN), make.SITE)
    assert first != intent(bot, RUN, make.layout(replace(RUN, replicas=0)), make.SITE)
    assert first != intent(make.bot(generation=2), RUN, make.layout(RUN), make.SITE)
    assert first != intent(bot, RUN, make.layout(RUN), make.site(pod_monitors=True))
    assert Tokens("a", "b") != make.TOKENS


specs = st.sampled_from(
    [
        make.MINIMAL,
        make.SANDBOX,
        make.LIVE,
        {**make.MINIMAL, "profile": "dev"},
        {**make.MINIMAL, "pod": {"labels": {"tradingbot.io/bot": "x", "app.kubernetes.io/managed-by": "x"}}},
    ]
)


@given(spec=specs, replicas=st.integers(0, 1))
def test_every_pod_is_confined_and_every_child_is_owned(spec, replicas):
    """Restricted Pod Security, no token of the API server, our labels, an owner for all that is not to outlive it."""
    made = bundle(spec, replace(RUN, replicas=replicas))
    for each in (*made.kept, *made.held):
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "tradingbot-operator"
        if each["kind"] not in ("PersistentVolumeClaim", "NetworkPolicy"):
            assert [owner["uid"] for owner in each["metadata"]["ownerReferences"]] == [make.UID]
    deployment = made.held[-1]
    template = deployment["spec"]["template"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    spec_ = template["spec"]
    container = spec_["containers"][0]
    assert spec_["automountServiceAccountToken"] is False
    assert spec_["securityContext"]["runAsUser"] == 65532
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"].keys() == {"cpu", "memory"}
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in spec_["volumes"]}


def test_sizes_come_from_the_profile_and_the_person():
    """4Gi and two cores by default, 8Gi recommended; what a person sets stands over it."""
    standard = pod()["containers"][0]["resources"]
    assert standard["limits"] == {"cpu": "2", "memory": "4Gi"}
    recommended = pod({**make.MINIMAL, "profile": "recommended"})["containers"][0]["resources"]
    assert recommended["limits"]["memory"] == "8Gi"
    own = pod({**make.MINIMAL, "resources": {"limits": {"memory": "6Gi", "cpu": 3}}})["containers"][0]["resources"]
    assert own["limits"] == {"cpu": "3", "memory": "6Gi"}
    assert own["requests"] == standard["requests"]


def backed_up(claim):
    backup = {"schedule": "0 2 * * *", "destination": {"claim": claim}}
    return [each for each in bundle({**make.SANDBOX, "backup": backup}).held if each["kind"] == "PersistentVolumeClaim"]


def test_backup_claim_named_after_the_bot_is_made_and_kept():
    """<bot>-backups stands beside the state and belongs to nobody, so that it outlives the bot."""
    names = [claim["metadata"]["name"] for claim in backed_up("btc-backups")]
    assert names == ["btc-data", "btc-backups"]
    assert all("ownerReferences" not in claim["metadata"] for claim in backed_up("btc-backups"))


def test_backup_claim_of_another_name_is_the_users_own():
    """What the operator did not name, it does not make."""
    assert [claim["metadata"]["name"] for claim in backed_up("vault")] == ["btc-data"]

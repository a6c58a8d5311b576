"""The operator's chart: what it renders, and what it refuses with which sentence."""

from typing import Any

import pytest

import charts

CHART = "tradingbot-operator"


def deployment(*flags: str, release: str = "") -> dict[str, Any]:
    return charts.one(charts.objects(CHART, *flags, release=release), "Deployment")


def environment(*flags: str) -> list[dict[str, Any]]:
    env: list[dict[str, Any]] = deployment(*flags)["spec"]["template"]["spec"]["containers"][0]["env"]
    return env


@pytest.mark.parametrize("chart", ["tradingbot-crds", CHART, "tradingbot"])
def test_chart_passes_the_strict_lint(chart):
    """Helm itself finds nothing to say about a chart, its defaults and its schema."""
    done = charts.run("lint", "--strict", "--quiet", str(charts.CHARTS / chart))
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_copy_is_replaced_by_the_next():
    """Two operators never run side by side in one release."""
    spec = deployment()["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_probes_ask_the_ops_port():
    """The kubelet asks what the operator answers without a token."""
    container = deployment()["spec"]["template"]["spec"]["containers"][0]
    assert container["ports"] == [{"name": "http", "containerPort": 8000}, {"name": "ops", "containerPort": 9090}]
    assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "ops"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "ops"}


def test_settings_are_those_of_the_contract():
    """The environment is the one of docs/contracts.md section 7, with live trading off."""
    assert {item["name"]: item.get("value", item.get("valueFrom")) for item in environment()} == {
        "OPERATOR_NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
        "OPERATOR_POD_NAME": {"fieldRef": {"fieldPath": "metadata.name"}},
        "OPERATOR_URL": "http://tradingbot-operator.tradingbot-system.svc:8000",
        "OPERATOR_ALLOW_LIVE": "false",
        "OPERATOR_WATCH_NAMESPACES": "",
        "OPERATOR_BOT_IMAGE": "localhost/tradingbot:0.1.0",
        "OPERATOR_LISTEN_HTTP": "0.0.0.0:8000",
        "OPERATOR_LISTEN_OPS": "0.0.0.0:9090",
        "OPERATOR_LOG_LEVEL": "info",
    }


def test_values_reach_the_settings():
    """Live trading, namespaces, level and bot image are what the values say."""
    env = {
        item["name"]: item.get("value")
        for item in environment(
            "--set", "allowLive=true,watchNamespaces={a,b},logLevel=debug,botImage.tag=0.2.0,extraEnv.TZ=UTC"
        )
    }
    assert (env["OPERATOR_ALLOW_LIVE"], env["OPERATOR_WATCH_NAMESPACES"]) == ("true", "a,b")
    assert (env["OPERATOR_LOG_LEVEL"], env["TZ"]) == ("debug", "UTC")
    assert env["OPERATOR_BOT_IMAGE"] == "localhost/tradingbot:0.2.0"


def test_there_is_no_rate_gate_until_it_is_asked_for():
    """Neither an object of it, nor a word to the bots."""
    assert not [each for each in charts.objects(CHART) if "rate-gate" in each["metadata"]["name"]]
    assert "OPERATOR_RATE_GATE_URL" not in {item["name"] for item in environment()}


def test_the_rate_gate_is_where_the_operator_says_it_is():
    """One copy behind port 3001, of the bots' image; the operator's own Service does not lead there."""
    made = charts.objects(CHART, "--set", "rateGate.enabled=true,rateGate.pace=60")
    gate = {each["kind"]: each for each in made if each["metadata"]["name"] == "tradingbot-operator-rate-gate"}
    assert sorted(gate) == ["Deployment", "Secret", "Service"]
    asks = next(each for each in made if each["kind"] == "Deployment" and each not in gate.values())
    told = asks["spec"]["template"]["spec"]["containers"][0]["env"]
    url = "http://tradingbot-operator-rate-gate.tradingbot-system.svc:3001"
    assert {"name": "OPERATOR_RATE_GATE_URL", "value": url} in told
    assert [(port["port"], port["targetPort"]) for port in gate["Service"]["spec"]["ports"]] == [(3001, "gate")]
    spec = gate["Deployment"]["spec"]
    labels, container = spec["template"]["metadata"]["labels"], spec["template"]["spec"]["containers"][0]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert gate["Service"]["spec"]["selector"].items() <= labels.items()
    assert container["command"] == ["atb", "rate-gate", "--pace", "60"]
    assert (container["image"], container["ports"]) == (
        "localhost/tradingbot:0.1.0",
        [{"name": "gate", "containerPort": 3001}],
    )
    own = next(each for each in made if each["kind"] == "Service" and "gate" not in each["metadata"]["name"])
    assert not own["spec"]["selector"].items() <= labels.items()


def test_no_environment_variable_stands_twice():
    """Server-side apply refuses a list with two entries of one name."""
    names = [item["name"] for item in environment("--set", "extraEnv.TZ=UTC,extraEnv.LANG=C")]
    assert len(names) == len(set(names))


def test_digest_is_used_instead_of_the_tag():
    """An image named by digest cannot be exchanged under its tag."""
    digest = "sha256:" + "a" * 64
    pod = deployment("--set", f"image.digest={digest},image.tag=0.9.0")["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == f"localhost/tradingbot-operator@{digest}"


def test_labels_are_on_everything_and_selectors_stay_small():
    """Common labels reach every object; none of them gets into a selector, which can never change."""
    found = charts.objects(
        CHART,
        "--set",
        "commonLabels.team=desk,monitoring.podMonitor.enabled=true",
        "--set",
        "monitoring.podMonitor.renderMode=alwaysRender,networkPolicy.enabled=true",
    )
    assert {item["metadata"]["labels"]["team"] for item in found} == {"desk"}
    small = {"app.kubernetes.io/name": CHART, "app.kubernetes.io/instance": CHART}
    assert charts.one(found, "Deployment")["spec"]["selector"] == {"matchLabels": small}
    assert charts.one(found, "Service")["spec"]["selector"] == small
    assert charts.one(found, "PodMonitor")["spec"]["selector"] == {"matchLabels": small}
    assert charts.one(found, "NetworkPolicy")["spec"]["podSelector"] == {"matchLabels": small}


def test_selector_finds_the_pod_and_only_the_operators():
    """The Service leads to the operator's pod and to no pod of a hook or test."""
    found = charts.objects(CHART)
    selector = charts.one(found, "Service")["spec"]["selector"].items()
    labels = {
        "operator": charts.one(found, "Deployment")["spec"]["template"]["metadata"]["labels"],
        "uninstall": charts.one(found, "Job")["spec"]["template"]["metadata"]["labels"],
        **{item["metadata"]["name"]: item["metadata"]["labels"] for item in found if item["kind"] == "Pod"},
    }
    assert [name for name, held in labels.items() if selector <= held.items()] == ["operator"]


def test_long_release_names_stay_within_a_label():
    """With Helm's longest release name every name is valid."""
    found = charts.objects(CHART, release="r" * 53)
    assert max(len(item["metadata"]["name"].rsplit(":", 1)[-1]) for item in found) <= 63


def test_operator_may_read_no_list_of_secrets():
    """Whoever takes over the operator cannot dump all Secrets, run in pods or delete what bots stored."""
    rules = [rule for item in charts.objects(CHART) if "rules" in item for rule in item["rules"]]
    verbs = {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}
    assert {verb for resource, verb in verbs if resource == "secrets"} == {"get", "create", "patch"}
    assert {verb for resource, verb in verbs if resource == "persistentvolumeclaims"} == {
        "get",
        "list",
        "create",
        "patch",
    }
    assert not {resource for resource, _ in verbs} & {"*", "pods/exec", "pods/attach", "nodes", "roles", "clusterroles"}
    assert "*" not in {verb for _, verb in verbs}


def test_namespaced_operator_holds_rights_only_where_it_watches():
    """With watchNamespaces the cluster-wide role names no bot, and each namespace has a role and a binding."""
    found = charts.objects(CHART, "--set", "watchNamespaces={a,b}")
    cluster = charts.one(found, "ClusterRole", "tradingbot-system:tradingbot-operator")
    assert {resource for rule in cluster["rules"] for resource in rule["resources"]} == {
        "customresourcedefinitions",
        "namespaces",
    }
    places = {
        kind: {item["metadata"]["namespace"] for item in found if item["kind"] == kind}
        for kind in ("Role", "RoleBinding")
    }
    assert places == {"Role": {"tradingbot-system", "a", "b"}, "RoleBinding": {"tradingbot-system", "a", "b"}}


def test_people_see_bots_through_their_own_roles():
    """view reads bots and tasks, edit and admin write them; nobody gets to write a status."""
    found = charts.objects(CHART)
    view = charts.one(found, "ClusterRole", "tradingbot-system:tradingbot-operator-view")
    edit = charts.one(found, "ClusterRole", "tradingbot-system:tradingbot-operator-edit")
    assert view["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert edit["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
    assert edit["rules"][0]["resources"] == ["tradingbots", "bottasks"]


def test_monitors_are_off_until_asked_for():
    """A cluster without the Prometheus operator installs the chart as it is."""
    kinds = {item["kind"] for item in charts.objects(CHART)}
    assert not kinds & {"PodMonitor", "ServiceMonitor"}


@pytest.mark.parametrize(("values", "kind"), [("podMonitor", "PodMonitor"), ("serviceMonitor", "ServiceMonitor")])
def test_monitor_is_rendered_where_the_cluster_knows_it(values, kind):
    """An enabled monitor carries the labels a Prometheus selects by."""
    monitor = charts.one(
        charts.objects(
            CHART,
            *("--set", f"monitoring.{values}.enabled=true,monitoring.{values}.additionalLabels.release=prometheus"),
            *("--api-versions", f"monitoring.coreos.com/v1/{kind}"),
        ),
        kind,
    )
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_monitor_can_be_skipped_or_rendered_without_the_kind():
    """The render mode decides what an enabled monitor does where the kind is missing."""
    on = "monitoring.podMonitor.enabled=true,monitoring.podMonitor.renderMode="
    assert "PodMonitor" not in {item["kind"] for item in charts.objects(CHART, "--set", f"{on}skipIfMissing")}
    assert "PodMonitor" in {item["kind"] for item in charts.objects(CHART, "--set", f"{on}alwaysRender")}


def test_scrape_annotations_are_for_a_prometheus_without_its_operator():
    """Plain annotations name the ops port."""
    annotations = deployment("--set", "monitoring.annotations=true")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == "9090"


def test_uninstall_is_guarded_until_forced():
    """A hook refuses the uninstall while bots exist; force removes the hook."""
    job = charts.one(charts.objects(CHART), "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"
    assert job["spec"]["template"]["spec"]["containers"][0]["command"] == ["tradingbot-operator", "preflight-uninstall"]
    assert job["spec"]["backoffLimit"] == 0
    assert "Job" not in {item["kind"] for item in charts.objects(CHART, "--set", "uninstall.force=true")}


def test_policies_exempt_the_operator_of_this_release():
    """The policies name the ServiceAccount that really runs, not the one they were written with."""
    written = "system:serviceaccount:tradingbot-system:tradingbot-operator"
    before = charts.rendered(CHART)
    after = charts.rendered(CHART, "--set", "serviceAccount.name=custom", namespace="elsewhere")
    assert written not in after
    assert after.count("system:serviceaccount:elsewhere:custom") == before.count(written)


def test_policies_can_be_left_out():
    """A cluster that does not serve the policies can still run the operator."""
    kinds = {item["kind"] for item in charts.objects(CHART, "--set", "admissionPolicies.enabled=false")}
    assert not kinds & {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}


def test_extra_objects_are_templates():
    """An extra object may use the release's name."""
    extra = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{ .Release.Name }}-extra"}}'
    found = charts.objects(CHART, "--set-json", f"extraObjects=[{extra}]")
    assert charts.one(found, "ConfigMap")["metadata"]["name"] == "tradingbot-operator-extra"


TWICE = "extraEnv.OPERATOR_ALLOW_LIVE is a setting of the operator and would stand twice: use the value that carries it"
NAMELESS = "serviceAccount.name is empty while serviceAccount.create is false: name the ServiceAccount"
NO_KIND = (
    "monitoring.podMonitor.enabled is true but this cluster does not know monitoring.coreos.com/v1 PodMonitor:"
    " install the Prometheus operator, or set monitoring.podMonitor.renderMode"
)
BOTH = (
    "monitoring.podMonitor.enabled and monitoring.serviceMonitor.enabled are both true, which scrapes the operator"
    " twice: set one of them to false"
)
TOO_OLD = (
    "admissionPolicies.enabled is true but Kubernetes v1.29.0 does not serve ValidatingAdmissionPolicy v1 (1.30 does):"
    " upgrade, or set admissionPolicies.enabled to false"
)
REFUSED = [
    ("allowLive=maybe", "at '/allowLive': got string, want boolean"),
    ("allow=true", "additional properties 'allow' not allowed"),
    ("image.pullPolicy=Sometimes", "'/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'"),
    ("image.digest=sha256:abc", "at '/image/digest'"),
    ("image.name=x", "at '/image': additional properties 'name' not allowed"),
    ("logLevel=loud", "at '/logLevel': value must be one of 'debug', 'info', 'warning', 'error'"),
    ("watchNamespaces={Trading}", "at '/watchNamespaces/0'"),
    ("watchNamespaces=trading", "at '/watchNamespaces': got string, want array"),
    ("resources.limits.memory=lots", "at '/resources/limits/memory'"),
    ("monitoring.podMonitor.renderMode=never", "at '/monitoring/podMonitor/renderMode'"),
    ("monitoring.podMonitor.interval=0s", "at '/monitoring/podMonitor/interval'"),
    ("terminationGracePeriodSeconds=0", "at '/terminationGracePeriodSeconds'"),
    ("uninstall.force=yes", "at '/uninstall/force': got string, want boolean"),
    ("podLabels.a=1", "at '/podLabels/a': got number, want string"),
    ("extraEnv.OPERATOR_ALLOW_LIVE=true", TWICE),
    ("serviceAccount.create=false", NAMELESS),
    ("monitoring.podMonitor.enabled=true", NO_KIND),
    ("monitoring.podMonitor.enabled=true,monitoring.serviceMonitor.enabled=true", BOTH),
]


@pytest.mark.parametrize(("value", "sentence"), REFUSED)
def test_wrong_value_is_refused_by_name(value, sentence):
    """A value that cannot work is refused before anything is written, and the refusal names it."""
    assert sentence in charts.refusal(CHART, "--set", value)


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("1.29.0", TOO_OLD),
        ("1.28.0", "chart requires kubeVersion: >=1.29.0-0 which is incompatible with Kubernetes v1.28.0"),
    ],
)
def test_old_kubernetes_is_refused_with_the_cure(version, sentence):
    """A cluster that lacks what the chart needs is told so before the installation."""
    assert sentence in charts.refusal(CHART, "--kube-version", version)


def test_kubernetes_without_policies_runs_the_operator():
    """1.29 is served when the policies are given up."""
    assert deployment("--kube-version", "1.29.0", "--set", "admissionPolicies.enabled=false")


def test_notes_say_what_may_trade_and_what_to_do_next():
    """After the installation a person reads whether real orders are possible, and three commands."""
    text = charts.notes(CHART, release=CHART)
    assert "Live trading is refused (allowLive is false): bots trade on paper only." in text
    assert [line.split()[0] for line in text.split("Next:\n")[1].splitlines() if line] == ["kubectl", "helm", "kubectl"]
    assert "Live trading is ALLOWED" in charts.notes(CHART, "--set", "allowLive=true", release=CHART)

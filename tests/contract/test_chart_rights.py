"""The rights the chart grants are enough: the real operator lives on them against a real API server."""

import os
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

import apiserver
import applied
import charts
import monitored

NAMESPACE = "tradingbot-system"
BOTS = "/apis/tradingbot.io/v1alpha1/namespaces/default/tradingbots"
CHILDREN = "/apis/apps/v1/namespaces/default/deployments/paper-plain-blue"


def eventually(look, what):
    """The first truthy answer of *look* within a minute."""
    end = time.monotonic() + 60
    while not (answer := look()):
        assert time.monotonic() < end, f"not within 60 s: {what()}"
        time.sleep(0.2)
    return answer


def establish(server, flags):
    """The definitions, the chart's objects and the kinds for monitoring are there."""
    for name in ("default", NAMESPACE, "kube-system"):
        applied.apply(server, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for item in (*monitored.KINDS, *charts.objects("tradingbot-crds"), *charts.objects("tradingbot-operator", *flags)):
        if item["kind"] not in {"Pod", "Job"}:
            code, answer = applied.apply(server, item)
            assert code in {200, 201}, answer
    eventually(lambda: server.request("GET", BOTS)[0] == 200, lambda: "the definitions are served")


def token(server):
    """What the operator's pod would find mounted."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/tradingbot-operator/token"
    code, answer = server.request("POST", account, body)
    assert code == 201, answer
    return answer["status"]["token"]


def environment(flags, kubeconfig, port):
    """The environment the chart gives the operator's pod, on loopback and with a kubeconfig."""
    deployment = charts.one(charts.objects("tradingbot-operator", *flags), "Deployment")
    variables = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    given = {item["name"]: item["value"] for item in variables if "value" in item}
    listen = {"OPERATOR_LISTEN_OPS": f"127.0.0.1:{port}", "OPERATOR_LISTEN_HTTP": f"127.0.0.1:{apiserver.free_port()}"}
    named = {"OPERATOR_NAMESPACE": NAMESPACE, "OPERATOR_POD_NAME": "operator"}
    return {**os.environ, **given, **listen, **named, "KUBECONFIG": str(kubeconfig)}


@pytest.fixture(scope="module", params=[(), ("--set", "watchNamespaces={default}")], ids=["cluster", "namespaced"])
def server(request, tmp_path_factory):
    """An API server with the chart's rights in force and the operator at work under them."""
    flags, folder = request.param, tmp_path_factory.mktemp("rights")
    with apiserver.running(folder) as running:
        establish(running, flags)
        config = yaml.safe_load(running.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token(running)}
        kubeconfig = folder / "operator.kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(config))
        port = apiserver.free_port()
        command = [str(Path(sys.executable).parent / "tradingbot-operator"), "run"]
        with (folder / "operator.log").open("wb") as log:
            process = subprocess.Popen(command, env=environment(flags, kubeconfig, port), stdout=log, stderr=log)
            try:
                eventually(lambda: serves(port), (folder / "operator.log").read_text)
                yield running, (folder / "operator.log").read_text
            finally:
                process.kill()
                process.wait()


def serves(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def forbidden(server):
    """How often the API server has forbidden anybody anything so far, by its own count."""
    request = urllib.request.Request(f"{server.url}/metrics", headers={"Authorization": f"Bearer {server.token}"})
    context = ssl.create_default_context(cafile=str(server.authority))
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    # Nobody says no in RBAC: a request is forbidden when nobody says yes.
    refusals = ('authorization_attempts_total{result="denied"}', 'authorization_attempts_total{result="no-opinion"}')
    return sum(int(line.split()[1]) for line in lines if line.startswith(refusals))


def test_the_operator_lives_on_the_rights_of_the_chart(server):
    """Run, change, halt and delete a bot: the API server forbids the operator nothing."""
    running, log = server
    (bot,) = applied.documents((charts.ROOT / "manifests" / "samples" / "paper-plain.yaml").read_text())
    assert applied.apply(running, bot)[0] == 201
    eventually(lambda: running.request("GET", CHILDREN)[0] == 200, log)
    seen = eventually(lambda: running.request("GET", f"{BOTS}/paper-plain")[1].get("status", {}).get("conditions"), log)
    assert "Ready" in {condition["type"] for condition in seen}
    bot["spec"]["strategy"]["parameters"] = {"fast": "5", "slow": "9"}
    bot["metadata"]["annotations"] = {"tradingbot.io/halt": "a look", "tradingbot.io/delete": "the test is over"}
    assert applied.apply(running, bot)[0] == 200
    assert running.request("DELETE", f"{BOTS}/paper-plain")[0] in {200, 202}
    eventually(lambda: running.request("GET", f"{BOTS}/paper-plain")[0] == 404, log)
    assert forbidden(running) == 0, log()


def test_the_operator_may_not_list_secrets(server):
    """The rights are in force: what the chart does not grant is forbidden, and counted."""
    running, _ = server
    before = forbidden(running)
    narrow = apiserver.ApiServer(running.url, token(running), running.authority, running.kubeconfig)
    assert narrow.request("GET", "/api/v1/namespaces/default/pods")[0] == 200
    assert forbidden(running) == before
    assert narrow.request("GET", "/api/v1/namespaces/default/secrets")[0] == 403
    assert forbidden(running) == before + 1


def test_the_operator_may_patch_no_secret_but_a_bots_token(server):
    """What rights cannot say the policy does: any other Secret is refused to the operator."""
    running, log = server
    narrow = apiserver.ApiServer(running.url, token(running), running.authority, running.kubeconfig)
    owner = {"apiVersion": "tradingbot.io/v1alpha1", "kind": "TradingBot", "name": "other", "uid": "u-1"}
    patch = {"metadata": {"annotations": {"tradingbot.io/rotated-at": "2026-11-21T14:00:00Z"}}}
    secrets = "/api/v1/namespaces/default/secrets"
    for name, owners in (("foreign", []), ("foreign-api", []), ("other", [owner]), ("other-api", [owner])):
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "ownerReferences": owners}}
        assert running.request("POST", secrets, body)[0] == 201

    def answer(name):
        return narrow.request("PATCH", f"{secrets}/{name}?dryRun=All", patch, "application/merge-patch+json")

    eventually(lambda: answer("foreign")[0] == 403, log)
    assert "is not the token Secret of a TradingBot" in answer("foreign")[1]["message"]
    assert answer("foreign-api")[0] == 403
    assert answer("other")[0] == 403
    assert answer("other-api")[0] == 200

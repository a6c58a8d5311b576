"""Keys and settings of a bot as a person changes them, with a real operator and real traders."""

import contextlib
import json
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import onenode
import operators
from onenode import CORE, Running, Site, trader
from operators import bot, create_bot, eventually, found, patch_bot, state

Note = Callable[[str, str], None]
HOLDING = {"name": "rsi", "timeframe": "1m", "parameters": {"period": "20", "lower": "99.9", "upper": "100"}}
FIRST, SECOND = "first-key-0123456789abcdef", "second-key-0123456789abcdef"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with onenode.site(tmp_path_factory.mktemp("keys")) as made:
        for key in (FIRST, SECOND):
            account = {"api_key": key, "secret": f"{key}-secret", "balances": {"USDT": "10000"}, "owner": "me"}
            made.control("accounts", account)
        yield made


def variables(folder: pathlib.Path, key: str) -> str:
    file = folder / ".env"
    file.write_text(f"# exchange\nBINANCE_API_KEY={key}\nBINANCE_API_SECRET='{key}-secret'\nLOG_LEVEL=info\n")
    return str(file)


def keyed(site: Site, name: str) -> dict[str, Any]:
    """Settings of a bot with a Secret of its own."""
    spec = onenode.spec(site.venue)
    return {"exchange": {**spec["exchange"], "credentialsSecretRef": {"name": f"{name}-exchange"}}}


@pytest.mark.row("S1-023")
@pytest.mark.row("S2-079")
@pytest.mark.row("S0-150")
def test_keys_are_made_and_rotated_without_being_shown(site: Site, tmp_path: pathlib.Path, evidence: Note) -> None:
    """A Secret from a file of variables; after a rotation a new pod runs with the new fingerprint."""
    create_bot(site.server, "keyed", onenode.spec(site.venue, **keyed(site, "keyed")))
    eventually(lambda: state(site.server, "keyed", "Stalled") == ("True", "CredentialsMissing"))
    said = site.atb("keys", "create", "keyed", "-n", "trading", "--from-env-file", variables(tmp_path, FIRST))
    evidence("kubectl atb keys create keyed --from-env-file .env", said)
    assert FIRST not in said
    site.trading("keyed")
    old = eventually(lambda: (bot(site.server, "keyed") or {})["status"].get("keyFingerprint"))
    said = site.atb("keys", "rotate", "keyed", "-n", "trading", "--from-env-file", variables(tmp_path, SECOND))
    evidence("kubectl atb keys rotate keyed --from-env-file .env", said)
    assert SECOND not in said
    new = bot(site.server, "keyed")["status"]["keyFingerprint"]
    evidence("kubectl get tb keyed -o jsonpath='{.status.keyFingerprint}'", f"{old} -> {new}")
    assert new not in (old, None)
    other = eventually(lambda: site.node.of("keyed", "green"), within=60)
    eventually(lambda: other.status().get("state") == "trading", lambda: other.log[-1500:], 60)
    assert other.metric("keys_loaded") == 1
    orders = site.control("orders")["entries"]
    eventually(
        lambda: SECOND in {entry["api_key"] for entry in site.control("orders")["entries"][len(orders) :]}, within=60
    )
    gone(site, "keyed")


@pytest.mark.row("S0-172")
def test_a_person_is_reminded_of_keys_that_grew_old(site: Site, tmp_path: pathlib.Path, evidence: Note) -> None:
    """By condition, metric and a tested alert rule, after thirty days; a rotation ends it. No pod is needed."""
    create_bot(site.server, "aged", onenode.spec(site.venue, suspend=True, **keyed(site, "aged")))
    site.atb("keys", "create", "aged", "-n", "trading", "--from-env-file", variables(tmp_path, FIRST))
    eventually(lambda: age_of(site, "aged") == 0, site.operator.log)
    assert due(site, "aged") == (None, None)
    then = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 31 * 86400))
    note = ("annotate", "secret", "aged-exchange", "-n", "trading", "--overwrite", f"tradingbot.io/rotated-at={then}")
    evidence(f"kubectl {' '.join(note)}", site.kubectl(*note))
    site.kubectl("annotate", "tb", "aged", "-n", "trading", "look=now")
    eventually(lambda: due(site, "aged") == ("True", "ApiKeyRotationDue"), site.operator.log)
    evidence("kubectl get tb aged (condition KeyRotationDue)", json.dumps(due(site, "aged")))
    evidence("GET :9090/metrics | grep api_key_age_days", str(age_of(site, "aged")))
    assert age_of(site, "aged") == 31
    promtool = ["promtool", "test", "rules", str(onenode.RULES.with_name("trading.rules.test.yaml"))]
    evidence("promtool test rules", subprocess.run(promtool, capture_output=True, text=True, check=True).stdout)
    site.atb("keys", "create", "aged", "-n", "trading", "--from-env-file", variables(tmp_path, SECOND))
    eventually(lambda: due(site, "aged") == (None, None), site.operator.log)
    gone(site, "aged")


def due(site: Site, name: str) -> tuple[str | None, str | None]:
    return state(site.server, name, "KeyRotationDue")


def age_of(site: Site, name: str) -> int | None:
    """In whole days, as the operator tells Prometheus."""
    lines = site.operator.ops("/metrics")[1].splitlines()
    mine = [line for line in lines if line.startswith("api_key_age_days{") and f'bot="{name}"' in line]
    return int(float(mine[0].rpartition(" ")[2])) if mine else None


@pytest.mark.row("S4-078")
def test_keys_are_not_taken_from_a_bot_with_positions_without_a_yes(site: Site, evidence: Note) -> None:
    """The warning says what can no longer be closed; with --yes the bot is halted and its Secret is empty."""
    create_bot(site.server, "robbed", onenode.spec(site.venue, strategy=HOLDING, **keyed(site, "robbed")))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "robbed-exchange", "namespace": "trading"}}
    secret["stringData"] = {"apiKey": SECOND, "secret": f"{SECOND}-secret"}
    assert site.server.request("POST", f"{CORE}/secrets", secret)[0] == 201
    pod = site.trading("robbed")
    eventually(lambda: pod.status()["positions"] and pod.status()["open_orders"], within=60)
    said = site.atb("keys", "revoke-local", "robbed", "-n", "trading", "--reason", "stolen", code=1)
    evidence("kubectl atb keys revoke-local robbed --reason stolen", said)
    assert "warning: without keys robbed can close no position, and it holds BTC/USDT" in said
    assert found(site.server, f"{CORE}/secrets/robbed-exchange")["data"]
    said = site.atb("keys", "revoke-local", "robbed", "-n", "trading", "--reason", "stolen", "--yes")
    evidence("kubectl atb keys revoke-local robbed --reason stolen --yes", said)
    assert not found(site.server, f"{CORE}/secrets/robbed-exchange").get("data")
    eventually(lambda: [halt["reason"] for halt in pod.status()["halts"]] == ["KeyRevoked: stolen"], within=10)
    gone(site, "robbed")


@pytest.mark.row("S1-030")
@pytest.mark.row("S3-067")
def test_a_bot_without_a_mode_is_a_paper_bot(site: Site, evidence: Note) -> None:
    """Three fields are enough, its environment and its metrics say that no order reaches a market, and agree."""
    spec = {
        "exchange": {"name": "binance", "symbols": ["BTC/USDT"], "endpoint": site.venue},
        "strategy": {"name": "sma_cross"},
    }
    create_bot(site.server, "modest", spec)
    pod = site.trading("modest")
    evidence("GET :9090/metrics | grep paper_trading_mode", str(pod.metric("paper_trading_mode")))
    assert pod.metric("paper_trading_mode") == 1
    variables = pathlib.Path(f"/proc/{pod.process.pid}/environ").read_text().split("\0")
    said = [each for each in variables if each.startswith(("PAPER_TRADING=", "ALLOW_REAL="))]
    evidence('kx env | grep -E "PAPER_TRADING|ALLOW_REAL"', "\n".join(said))
    assert sorted(said) == ["ALLOW_REAL=false", "PAPER_TRADING=true"]
    eventually(lambda: pod.metric("paper_mode_consistent") == 1)
    assert bot(site.server, "modest")["spec"].get("mode", "paper") == "paper"
    gone(site, "modest")


@pytest.mark.row("S1-010")
def test_settings_changed_by_hand_are_put_back(site: Site, evidence: Note) -> None:
    """The content cannot be edited; what was deleted and made anew by hand is gone at the next audit."""
    with trader(site, "config"):
        name = next(each for each in operators.names(site.server, f"{CORE}/configmaps") if each.startswith("config-"))
        before = found(site.server, f"{CORE}/configmaps/{name}")
        code, answer = site.server.request(
            "PATCH", f"{CORE}/configmaps/{name}", {"data": {"settings.json": "{}"}}, operators.MERGE
        )
        evidence(f"kubectl patch cm {name}", str(answer.get("message")))
        assert code == 422
        assert site.server.request("DELETE", f"{CORE}/configmaps/{name}")[0] == 200
        after = eventually(lambda: found(site.server, f"{CORE}/configmaps/{name}"), within=30)
        evidence(f"kubectl get cm {name} -o yaml (after kubectl delete)", json.dumps(after["data"])[:300])
        assert (after["data"], after["metadata"]["uid"] != before["metadata"]["uid"]) == (before["data"], True)


@pytest.mark.row("S0-040")
def test_two_pods_of_a_bot_have_one_trader_and_two_bots_of_a_key_are_refused(
    site: Site, tmp_path: pathlib.Path, evidence: Note
) -> None:
    """A twin on the same ledger stands by; a second resource with the same Secret and market waits and says why."""
    with trader(site, "solo") as pod, twin(pod, tmp_path) as other:
        eventually(lambda: other.status().get("state") == "standby", lambda: other.log[-1500:], 60)
        active = [each.status()["trading_active"] for each in (pod, other)]
        evidence("GET :9090/status .trading_active of both pods", str(active))
        assert active == [True, False]
        create_bot(site.server, "second", onenode.spec(site.venue))
        eventually(lambda: state(site.server, "second", "Stalled") == ("True", "DuplicateAccount"), within=30)
        message = operators.condition(bot(site.server, "second"), "Stalled")["message"]
        evidence("kubectl get tb second (condition Stalled)", message)
        assert message.startswith("spec.exchange.credentialsSecretRef: trading/solo trades BTC/USDT with the same key")
        patch_bot(site.server, "second", {"spec": {"exchange": {"shared": True}}})
        eventually(lambda: state(site.server, "second", "Stalled")[0] is None, within=30)
        gone(site, "second")


@contextlib.contextmanager
def twin(pod: Running, folder: pathlib.Path) -> Iterator[Running]:
    """Another process with the same settings and the same ledger, as a second replica would be."""
    rendered = json.loads((pod.folder / "settings.json").read_text())
    rendered["listen"] = {"http": "10.77.9.9:8000", "ops": f"10.77.9.9:{operators.BOT_PORT}"}
    (folder / "settings.json").write_text(json.dumps(rendered))
    own = {"TRADINGBOT_SETTINGS": str(folder / "settings.json"), "TMPDIR": str(folder), "POD_UID": "twin"}
    environment = {**pod.environment, **own}
    made = Running("twin", "twin", "10.77.9.9", pod.revision, folder, environment, pod.command)
    made.start()
    try:
        yield made
    finally:
        assert made.process
        made.process.kill()
        made.process.wait()


def gone(site: Site, name: str) -> None:
    site.kubectl("annotate", "tb", name, "-n", "trading", "tradingbot.io/delete=done")
    site.kubectl("delete", "tb", name, "-n", "trading", "--timeout=60s")

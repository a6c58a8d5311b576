"""One TradingBot in one mode after another: real operator, real ``atb``, real PostgreSQL, and a venue that counts."""

import asyncio
import json
import pathlib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
import pytest

import bots
import moneynode
import monitored
import onenode
import postgres
from bots import asked
from onenode import Running, Site
from operators import bot, condition, create_bot, eventually, state

Note = Callable[[str, str], None]
SIMULATOR = "http://exchange-simulator.exchange-simulator.svc:8080"
PROVED = {"tradingbot.io/skip-gates": "paper-days,dry-run,alerts,kill-path,doctor proved by hand, ticket 7"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, postgres.Server]]:
    with moneynode.site(tmp_path_factory.mktemp("modes"), kinds=monitored.KINDS) as made:
        yield made


def changed(site: Site, name: str, patch: dict[str, Any]) -> str:
    command = ("patch", "tb", name, "-n", "trading", "--type=merge", "-p", json.dumps(patch))
    return f"kubectl {' '.join(command)}\n{site.kubectl(*command)}"


def now_in(site: Site, name: str, book: str) -> Running:
    """The process that trades in that book, once it does."""

    def trader() -> Running | None:
        pods = [pod for key, pod in tuple(site.node.pods.items()) if key.startswith(f"{name}-")]
        said = ((pod, pod.status()) for pod in pods)
        return next((pod for pod, s in said if (s.get("book"), s.get("state")) == (book, "trading")), None)

    def why() -> str:
        said = (bot(site.server, name) or {}).get("status") or {}
        return f"{condition({'status': said}, 'Stalled')} {said.get('rollout')} {site.node.failures[-2:]}"

    return eventually(trader, why, 90)


def practised(site: Site, name: str) -> list[str]:
    return [each["mode"] for each in (bot(site.server, name) or {})["status"].get("practice") or ()]


def simulated(pod: Running) -> tuple[int, Any]:
    token = (pod.folder / "secrets/api/token").read_text().split()[0]
    headers = {"Authorization": f"Bearer {token}"}
    address = f"http://{pod.address}:8000/api/config/simulation-mode"
    return asyncio.run(asked(address, {"enabled": True}, headers))


def account(site: Site) -> dict[str, Any]:
    return site.control("accounts/simulator-demo")


def sent_by(site: Site, pod: Running) -> list[dict[str, Any]]:
    return [each for each in site.control("orders")["entries"] if pod.uid in str(each.get("sender"))]


@dataclass
class Left:
    """What was seen while a live bot with a position was changed to paper."""

    first: Running
    second: Running
    said: dict[str, str]
    halts: list[str]
    stops: list[str]
    open_orders: list[Any]
    bought_less_sold: Decimal
    simulated: tuple[int, Any]


@pytest.fixture(scope="module")
def first(world: tuple[Site, postgres.Server]) -> Running:
    """A bot that trades in mode live."""
    site, database = world
    create_bot(site.server, "money", moneynode.live(site, moneynode.owned(site, database, "money")), annotations=PROVED)
    return now_in(site, "money", "live")


@pytest.fixture(scope="module", name="left")
def changed_to_paper(world: tuple[Site, postgres.Server], first: Running) -> Left:
    """Live with a position under its stop, then paper by two patches: the mode, and that it is to close."""
    site, _ = world
    eventually(lambda: first.status()["positions"] and account(site)["open_orders"], within=60)
    # The operator has heard of it; a bot that was live for a blink is not one that was live.
    eventually(lambda: "live" in practised(site, "money"))
    simulation = simulated(first)

    said = {"patched": changed(site, "money", {"spec": {"mode": "paper", "exchange": {"credentialsSecretRef": None}}})}
    eventually(lambda: state(site.server, "money", "Stalled") == ("True", "PositionsOpen"))
    said["stalled"] = condition(bot(site.server, "money"), "Stalled")["message"]
    halts = eventually(lambda: [each["kind"] for each in first.status()["halts"]])
    stops = [each["type"] for each in account(site)["open_orders"]]
    assert site.node.of("money") is first

    said["closed"] = changed(site, "money", {"spec": {"onModeChange": "Flatten"}})
    second = now_in(site, "money", "paper")
    sides = {"BUY": 1, "SELL": -1}
    rest = sum((Decimal(each["quantity"]) * sides[each["side"]] for each in fills(site)), Decimal(0))
    return Left(first, second, said, halts, stops, account(site)["open_orders"], rest, simulation)


def monitoring(site: Site, since: str) -> list[str]:
    """What the bot's condition said, every version of the bot since *since* looked at."""
    question = f"watch=1&fieldSelector=metadata.name=money&resourceVersion={since}&timeoutSeconds=1"
    lines = site.kubectl("get", "--raw", f"/apis/tradingbot.io/v1alpha1/namespaces/trading/tradingbots?{question}")
    said = [condition(json.loads(line)["object"], "MonitoringConfigured") for line in lines.splitlines()]
    return [f"{each['status']}: {each['message']}" for each in said]


@pytest.mark.row("S1-021")
def test_rule_of_a_live_bot_that_is_deleted_is_told_and_made_again(
    world: tuple[Site, postgres.Server], first: Running, evidence: Note
) -> None:
    """With the rule gone MonitoringConfigured is False; the operator makes it again, and the bot trades on."""
    site, _ = world
    eventually(lambda: state(site.server, "money", "MonitoringConfigured") == ("True", "Configured"))
    rule = ("prometheusrule", "tradingbot-money", "-n", "trading")
    before = site.kubectl("get", *rule, "-o", "jsonpath={.metadata.uid}")
    since = bot(site.server, "money")["metadata"]["resourceVersion"]
    evidence("kubectl delete prometheusrule tradingbot-money", site.kubectl("delete", *rule))

    def told() -> list[str]:
        said = monitoring(site, since)
        false = next((index for index, each in enumerate(said) if each.startswith("False")), len(said))
        return said[false:] if said[false:] and said[-1].startswith("True") else []

    said = eventually(told, within=60)
    evidence("kubectl get tb money --watch (condition MonitoringConfigured)", "\n".join(dict.fromkeys(said)))
    assert said[0].startswith("False: PrometheusRule tradingbot-money does not stand for this bot")
    after = site.kubectl("get", *rule, "-o", "jsonpath={.metadata.uid} {.spec.groups[0].rules[2].expr}")
    assert after.split()[0] != before
    evidence("kubectl get prometheusrule tradingbot-money -o jsonpath={.spec.groups[0].rules[2].expr}", after)
    assert after.endswith('trading_halted{namespace="trading",bot="money"} == 1')
    assert first.status()["state"] == "trading"


@pytest.mark.row("S1-069")
@pytest.mark.row("S1-094")
def test_a_market_is_left_flat(world: tuple[Site, postgres.Server], left: Left, evidence: Note) -> None:
    """With a position the live process goes on under its stop and enters nothing; flat, a paper process takes over."""
    site, _ = world
    evidence("patch of the mode", left.said["patched"])
    evidence("kubectl get tb money (condition Stalled)", left.said["stalled"])
    evidence("patch of onModeChange", left.said["closed"])
    assert (left.halts, left.stops) == (["reduce"], ["STOP_LOSS"])
    assert left.said["stalled"].startswith("spec.mode: 'paper' leaves book live (positions: 1, open orders: 1); stops")
    assert left.open_orders == []
    assert abs(left.bought_less_sold) < Decimal("0.0001")
    evidence("account of the venue", f"open orders: [], bought less sold: {left.bought_less_sold} BTC")
    assert left.second.uid != left.first.uid
    eventually(lambda: left.second.status()["positions"], within=60)
    assert sent_by(site, left.second) == []
    eventually(lambda: not (bot(site.server, "money") or {})["status"].get("halts"))
    told = eventually(lambda: mode_changes(site))
    evidence("kubectl atb history money", "\n".join(told))
    assert "trades in mode paper from epoch" in told[0]


@pytest.mark.row("S3-085")
def test_prices_are_invented_for_paper_only(world: tuple[Site, postgres.Server], left: Left, evidence: Note) -> None:
    """The live process with a position refused; the paper one goes on deciding while its venue is away."""
    site, _ = world
    code, said = left.simulated
    evidence("POST /api/config/simulation-mode of the live bot with a position", f"{code} {said}")
    assert code == 409
    second = now_in(site, "money", "paper")
    code, said = simulated(second)
    evidence("POST /api/config/simulation-mode of the paper bot", f"{code} {said}")
    assert (code, said) == (200, {"simulation_mode": True})
    site.control("market", {"outage": True})
    before = second.metric("tradingbot_bars")
    eventually(lambda: second.metric("tradingbot_bars") >= before + 5, lambda: second.log[-1500:], 60)
    evidence("bars decided while the venue is away", f"{before:g} and on to {second.metric('tradingbot_bars'):g}")
    site.control("market", {"outage": False})


@pytest.mark.row("S0-132")
def test_what_was_live_before_comes_back_without_its_gates(
    world: tuple[Site, postgres.Server], left: Left, evidence: Note
) -> None:
    """Paper to live is one patch and no gate again; the history has both changes, and no epoch is in two books."""
    site, database = world
    site.kubectl("annotate", "tb", "money", "-n", "trading", "tradingbot.io/skip-gates-")
    again = {"spec": {"mode": "live", "exchange": {"credentialsSecretRef": {"name": "keys"}}}}
    evidence("patch of the mode", changed(site, "money", again))
    third = now_in(site, "money", "live")
    assert third.uid not in {left.first.uid, left.second.uid}
    told = eventually(lambda: len(found := mode_changes(site)) == 2 and found)
    evidence("kubectl atb history money", "\n".join(told))
    assert ["mode paper from" in told[0], "mode live from" in told[1]] == [True, True]
    with psycopg.connect(database.url("money")) as connection:
        books = "SELECT DISTINCT epoch FROM intents UNION ALL SELECT DISTINCT epoch FROM book_paper.intents"
        epochs = [row[0] for row in connection.execute(books)]
        resumed = connection.execute("SELECT reason, resume_reason FROM halts WHERE resumed_at IS NOT NULL").fetchall()
    evidence("atb db query 'SELECT reason, resume_reason FROM halts'", str(resumed))
    assert len(epochs) == len(set(epochs)) >= 2
    site.kubectl("delete", "tb", "money", "-n", "trading", "--timeout=60s", "--wait=false")


def mode_changes(site: Site) -> list[str]:
    return [line for line in site.atb("history", "money", "-n", "trading").splitlines() if "ModeChanged" in line]


def fills(site: Site) -> list[dict[str, Any]]:
    return [each for each in site.control("orders")["entries"] if each["action"] == "fill"]


@pytest.mark.row("S0-133")
def test_a_bot_that_crashed_is_watched_before_it_counts_as_well(
    world: tuple[Site, postgres.Server], evidence: Note
) -> None:
    """After kill -9 its phase is Recovering and its orders are smaller, until the minutes of the venue have passed."""
    site, _ = world
    create_bot(site.server, "fallen", onenode.spec(site.venue, recovery={"observeMinutes": 40, "sizePercent": "20"}))
    pod = site.trading("fallen")
    eventually(lambda: phase(site, "fallen") == "Running")
    assert pod.status()["recovering_until"] is None
    assert pod.process
    pod.process.kill()
    eventually(lambda: phase(site, "fallen") == "Recovering", lambda: pod.log[-1500:], 60)
    said = pod.status()["recovering_until"]
    evidence("kubectl get tb fallen -o jsonpath='{.status.phase}' after kill -9", f"Recovering until {said}")
    eventually(lambda: phase(site, "fallen") == "Running", within=60)
    assert pod.status()["recovering_until"] is None
    evidence("and after 40 minutes of the venue", "Running")
    site.kubectl("delete", "tb", "fallen", "-n", "trading", "--timeout=60s", "--wait=false")


def phase(site: Site, name: str) -> str:
    return str((bot(site.server, name) or {})["status"].get("phase"))


@pytest.mark.row("S4-001")
@pytest.mark.row("S0-146")
@pytest.mark.row("S1-155")
def test_the_example_of_every_mode_becomes_ready_and_the_training_complete(
    world: tuple[Site, postgres.Server], tmp_path: pathlib.Path, evidence: Note
) -> None:
    """Each file of examples/ is applied as it stands, but for the address of the simulator and the live Secrets."""
    site, database = world
    moneynode.owned(site, database, "live")
    site.control("accounts", {"api_key": "example", "secret": "example", "balances": {"USDT": "10000"}})
    keys = ("--from-literal=apiKey=example", "--from-literal=secret=example")
    site.kubectl("create", "secret", "generic", "live-exchange", "-n", "trading", *keys)
    # Beside them one that may not order as much as the venue wants of an order.
    create_bot(site.server, "tiny", onenode.spec(site.venue, risk={"maxOrderNotional": "1"}))
    for file in sorted((onenode.ROOT / "examples").glob("*.yaml")):
        (tmp_path / file.name).write_text(file.read_text().replace(SIMULATOR, site.venue))
    evidence("kubectl apply -f examples", site.kubectl("apply", "-n", "trading", "-f", str(tmp_path)))
    examples = [f"tb/{name}" for name in ("sim", "dry-run", "paper", "live")]
    ready = ("wait", "-n", "trading", "--for=condition=Ready", *examples, "--timeout=100s")
    evidence(f"kubectl {' '.join(ready)}", site.kubectl(*ready))
    complete = ("wait", "-n", "trading", "--for=condition=Complete", "bottask/train-sim", "--timeout=100s")
    evidence(f"kubectl {' '.join(complete)}", site.kubectl(*complete))
    modes = site.kubectl("get", "-n", "trading", *examples, "-o", "jsonpath={.items[*].status.mode}")
    assert modes.split() == ["sim", "dry-run", "paper", "live"]
    result = site.kubectl("get", "-n", "trading", "bottask/train-sim", "-o", "jsonpath={.status.result}")
    evidence("kubectl get bottask train-sim -o jsonpath={.status.result}", result)
    assert (json.loads(result)["tried"], json.loads(result)["parameters"]) == (9, {"fast": "20", "slow": "100"})
    one = ("train", "sim", "-n", "trading", "--grid", "fast=20", "--grid", "slow=100")
    assert json.loads(site.atb(*one)) == {**json.loads(result), "tried": 1}
    refreshed(site, tmp_path, evidence)
    told = eventually(lambda: limited(site), lambda: site.atb("why-no-trades", "tiny", "-n", "trading", code=None), 60)
    evidence("kubectl atb why-no-trades tiny", told)


def limited(site: Site) -> str:
    """Why the bot of tiny orders does not trade, once that is clear."""
    told = site.atb("why-no-trades", "tiny", "-n", "trading", code=None)
    answers = [(line[:4].strip(), *line[6:].split(": ", 1)) for line in told.splitlines()]
    named = any(no == "NO" and "max_order_notional leaves 1" in why for no, check, why in answers if check == "limits")
    whole = {check for _, check, _ in answers} == {"halted", "strategies", "signals", "market", "limits"}
    return told if named and whole else ""


def refreshed(site: Site, tmp_path: pathlib.Path, evidence: Note) -> None:
    """A task has gathered two years of four markets on a claim, where whoever mounts it finds them."""
    size = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "past"}, "spec": size}
    asked = {"action": "prefill", "symbols": "BTCUSDT ETHUSDT", "timeframes": "1h 4h", "years": "2"}
    # The ledger of the one is a file of its pod, that of the other is on a server.
    asked_of = {
        "past": {"bot": "paper", "type": "dataRefresh", "target": "past", "parameters": asked},
        "fees": {"bot": "live", "type": "dataRefresh", "parameters": {"action": "fees"}},
    }
    api = {"apiVersion": "tradingbot.io/v1alpha1", "kind": "BotTask"}
    tasks = [{**api, "metadata": {"name": name}, "spec": spec} for name, spec in asked_of.items()]
    for body in (claim, *tasks):
        (tmp_path / "one.json").write_text(json.dumps(body))
        site.kubectl("apply", "-n", "trading", "-f", str(tmp_path / "one.json"))
    complete = ("wait", "-n", "trading", "--for=condition=Complete", *(f"bottask/{name}" for name in asked_of))
    evidence(f"{asked_of}: kubectl {' '.join(complete)}", site.kubectl(*complete, "--timeout=100s"))
    result = site.kubectl("get", "-n", "trading", "bottask/fees", "-o", "jsonpath={.status.result}")
    assert result == "fees of 3 markets of binance are in the ledger"
    (tmp_path / "cache").symlink_to(site.node.folder / "past")
    rendered = bots.settings(tmp_path)
    rendered["paths"]["data"] = str(tmp_path)
    environment = bots.mounted(tmp_path, rendered)
    command = [onenode.BIN / "atb", "data", "cache-manager", "info", "--json"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    evidence("atb data cache-manager info --json", told)
    kept = {(each["symbol"], each["timeframe"]): each["bars"] for each in json.loads(told)["entries"]}
    two_years = {"1h": 17520, "4h": 4380}
    assert kept == {(f"{coin}/USDT", length): two_years[length] for coin in ("BTC", "ETH") for length in two_years}

"""Incidents as a person handles them: kubectl, operator and real traders, judged by the venue's order log."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import apiserver
import onenode
import operators
from onenode import Running, Site, seconds_until, trader, wait_bars
from operators import BOT_PORT, eventually, fetch, patch_bot, state

Note = Callable[[str, str], None]
FALL = {"symbol": "BTCUSDT", "shock_percent": "-21"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with onenode.site(tmp_path_factory.mktemp("site")) as made:
        yield made


def halted(site: Site, bot: str) -> tuple[str | None, str | None]:
    return state(site.server, bot, "Halted")


def obeyed(site: Site, bot: str) -> str:
    """When its process obeyed a halt last, by the record that a promotion asks for."""
    return site.kubectl("get", "tb", bot, "-n", "trading", "-o", "jsonpath={.status.practice[*].halted}")


HOLDING = {"name": "rsi", "timeframe": "1m", "parameters": {"period": "20", "lower": "99.9", "upper": "100"}}
FEW = {
    "maxOrderNotional": "980",
    "maxPositionNotional": "980",
    "orderFractionPercent": "98",
    "stopLossPercent": "60",
}


def holds(pod: Running) -> bool:
    """Something is held, with its stop at the venue."""
    return bool(pod.status()["positions"] and pod.status()["open_orders"])


CLOSE_ALL = ("db", "emergency-close-all", "--session-id", "latest")


def inside(pod: Running, *arguments: str, code: int = 0) -> str | None:
    """What ``atb ARGUMENTS`` prints in the pod, both streams, if it ends with *code*."""
    command = [str(onenode.BIN / "atb"), *arguments]
    done = subprocess.run(command, env=pod.environment, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr if done.returncode == code else None


@pytest.mark.row("S1-038")
@pytest.mark.row("S1-090")
@pytest.mark.row("S4-042")
def test_a_halt_by_kubectl_reaches_the_process_at_once(site: Site, evidence: Note) -> None:
    """Less than two seconds from the resource's annotation to no more buys; the metric says so."""
    with trader(site, "quick") as pod:
        eventually(site.buys, within=60)
        watch = time.monotonic()
        said = site.atb("halt", "quick", "-n", "trading", "--reason", "t")
        # How long the command itself takes to start is the machine's; that it returns halted is ours.
        evidence("time kubectl atb halt quick --reason t", f"{said} ({time.monotonic() - watch:.1f} s)")
        assert pod.metric("trading_halted") == 1
        seen = len(site.buys())
        wait_bars(pod)
        assert len(site.buys()) == seen
        assert eventually(lambda: halted(site, "quick") == ("True", "Halt"))
        tried = eventually(lambda: obeyed(site, "quick"), site.operator.log)
        evidence("kubectl get tb quick -o jsonpath='{.status.practice[*].halted}'", tried)
        site.atb("resume", "quick", "-n", "trading", "--reason", "ok")
        eventually(lambda: pod.status()["state"] == "trading", within=10)
        site.kubectl("annotate", "tb", "quick", "-n", "trading", "tradingbot.io/halt=again")
        took = seconds_until(lambda: pod.metric("trading_halted") == 1, 5)
        evidence("kubectl annotate tb quick tradingbot.io/halt=again", f"halted {took:.2f} s after it returned")
        assert took < 2


@pytest.mark.row("S4-083")
@pytest.mark.row("S1-035")
def test_a_resume_is_refused_while_the_doctor_finds_the_bot_unwell(site: Site, evidence: Note) -> None:
    """The venue is away: doctor and resume exit with 1 and name it; when it is back the bot is resumed.

    Meanwhile /health is 503 and /livez 200, and nothing restarts the process.
    """
    with trader(site, "unwell", engine={"checkInterval": "5s"}) as pod:
        site.atb("halt", "unwell", "-n", "trading", "--reason", "t")
        site.control("market", {"outage": True})
        eventually(lambda: pod.metric("api_connected") == 0, within=60)
        health = f"http://{pod.address}:{BOT_PORT}/health"
        eventually(lambda: fetch(health)[0] == 503, lambda: str(pod.status()), 60)
        evidence("sim-exchange off: curl :9090/health", str(fetch(health)))
        assert json.loads(fetch(health)[1])["status"] == "unhealthy"
        alive = fetch(health.replace("health", "livez"))
        evidence("sim-exchange off: curl :9090/livez; restarts", f"{alive} {pod.ended}")
        assert (alive[0], pod.ended) == (200, [])
        said = site.atb("doctor", "unwell", "-n", "trading", code=1)
        evidence("kubectl atb doctor unwell", said)
        assert "FAIL  reach: exchange: the venue does not answer" in said
        said = site.atb("resume", "unwell", "-n", "trading", "--reason", "t", code=1)
        evidence("kubectl atb resume unwell --reason t; echo $?", f"{said} 1")
        assert "exchange: the venue does not answer" in said
        assert pod.status()["state"] == "halted"
        site.control("market", {"outage": False})
        eventually(lambda: pod.metric("api_connected") == 1, within=60)
        site.atb("resume", "unwell", "-n", "trading", "--reason", "t")


@pytest.mark.row("S0-155")
@pytest.mark.row("S0-156")
@pytest.mark.row("S0-014")
def test_a_flash_drawdown_flattens_and_only_a_reason_resumes(site: Site, evidence: Note) -> None:
    """A price 21 % lower: everything is sold, the condition names it, a deleted pod changes nothing."""
    risk = {**FEW, "flashDrawdownPercent": "20"}
    with trader(site, "flash", risk=risk, strategy=HOLDING, capital={"initial": "1000"}) as pod:
        eventually(lambda: holds(pod), within=60)
        evidence("POST /control/market", json.dumps(site.control("market", FALL)))
        took = seconds_until(lambda: halted(site, "flash") == ("True", "FlashDrawdown"), 20)
        evidence("kubectl get tb flash (condition Halted)", f"FlashDrawdown after {took:.1f} s")
        assert took < 15
        eventually(lambda: pod.status()["open_orders"] == 0, within=10)
        seen, old = len(site.buys()), pod.name
        site.kubectl("delete", "pod", old, "-n", "trading", "--wait=false")
        eventually(lambda: pod.process.poll() is not None, within=60)
        eventually(lambda: any(name != old for name in site.node.pods), within=60)
        pod = site.pod("flash")
        eventually(lambda: pod.status().get("state") == "halted", within=60)
        wait_bars(pod)
        assert len(site.buys()) == seen
        said = site.atb("resume", "flash", "-n", "trading", code=2)
        evidence("kubectl atb resume flash", said)
        assert "--reason" in said
        site.control("market", {"symbol": "BTCUSDT", "shock_percent": "26.6"})


@pytest.mark.row("S4-052")
def test_a_daily_loss_halts_by_its_name_and_nothing_is_entered(site: Site, evidence: Note) -> None:
    """Loss of 100 is the limit; a shock while a position is open costs more than that."""
    risk = {**FEW, "maxDailyLoss": "100"}
    with trader(site, "losing", risk=risk, strategy=HOLDING, capital={"initial": "1000"}) as pod:
        eventually(lambda: holds(pod), within=60)
        # In a thin minute the venue fills a part only: the shock is made to cost a little more than the limit.
        held = pod.status()["positions"][0]
        fall = 115 / (float(held["quantity"]) * float(held["mark"]))
        site.control("market", {"symbol": "BTCUSDT", "shock_percent": f"{-100 * fall:.2f}"})
        eventually(lambda: halted(site, "losing") == ("True", "DailyLossLimit"), within=30)
        seen = len(site.buys())
        wait_bars(pod)
        evidence("kubectl get tb losing -n trading", site.kubectl("get", "tb", "losing", "-n", "trading"))
        assert len(site.buys()) == seen
        assert float(pod.status()["portfolio"]["daily_pnl"]) <= -100
        site.control("market", {"symbol": "BTCUSDT", "shock_percent": f"{100 * (1 / (1 - fall) - 1):.2f}"})


@pytest.mark.row("S0-141")
@pytest.mark.row("S0-090")
@pytest.mark.row("S0-140")
def test_an_emergency_stop_with_flatten_ends_flat_and_says_why_on_each_trade(site: Site, evidence: Note) -> None:
    """Exit code 0 means flat by the process' own word; the venue and the ledger agree.

    Only then are positions marked closed: before it that is refused with the list of them.
    """
    with trader(site, "closing", strategy=HOLDING) as pod:
        eventually(lambda: holds(pod), within=60)
        # A trader that has an order under way asks to be asked again.
        said = eventually(lambda: inside(pod, *CLOSE_ALL, code=2), lambda: pod.log[-2000:])
        evidence("atb db emergency-close-all --session-id latest; echo $? (before the flatten)", f"{said} 2")
        assert "the venue still shows BTC/USDT: close it there first, or use --force" in said
        assert pod.status()["positions"]
        said = site.atb("emergency-stop", "closing", "-n", "trading", "--flatten", "--reason", "manual")
        evidence("kubectl atb emergency-stop closing --flatten --reason manual", said)
        shown = pod.status()
        assert shown["open_orders"] == 0
        account = site.control(f"accounts/{operators.KEYS['apiKey']}")
        mine = [row for row in account["open_orders"] if row["clientOrderId"].startswith(f"t{shown['ledger_id']}")]
        assert mine == []
        sold = [order for order in shown["last_orders"] if order["side"] == "sell" and order["status"] == "filled"]
        evidence("GET /status .last_orders", json.dumps(sold[0]))
        assert sold[0]["reason"] == "manual"
        said = eventually(lambda: inside(pod, *CLOSE_ALL, "--reason", "by hand", code=0), lambda: pod.log[-2000:])
        why = inside(pod, "db", "query", "SELECT reason FROM intents WHERE reason LIKE 'mark-closed %'", "--scalar")
        evidence("atb db emergency-close-all --session-id latest; echo $? (after it), and the row", f"{said} 0 {why}")
        eventually(lambda: pod.status()["positions"] == [])
        # What the venue's fee had left was too little to sell; the row that closes it says who wished it.
        assert str(why).strip().endswith(": by hand")


@pytest.mark.row("S0-139")
def test_a_suspended_bot_is_flattened_by_the_same_command(site: Site, evidence: Note) -> None:
    """No process runs: one is started that only closes what is held, and it ends when the order is taken back."""
    with trader(site, "asleep", strategy=HOLDING, exchange={"shared": True}) as pod:
        eventually(lambda: holds(pod), within=60)
        patch_bot(site.server, "asleep", {"spec": {"suspend": True}})
        eventually(lambda: state(site.server, "asleep", "Ready") == ("True", "Suspended"), site.operator.log, 60)
        assert site.node.of("asleep") is None
        seen = len(site.buys())
        said = site.atb("emergency-stop", "asleep", "-n", "trading", "--flatten", "--reason", "manual")
        evidence("kubectl atb emergency-stop asleep --flatten --reason manual (suspended, no pod)", said)
        awake = site.node.of("asleep")
        assert awake
        shown = awake.status()
        rest = sum(float(held["quantity"]) * float(held["mark"]) for held in shown["positions"])
        assert (shown["state"], shown["open_orders"]) == ("halted", 0)
        assert rest < 10
        account = site.control(f"accounts/{operators.KEYS['apiKey']}")
        mine = [row for row in account["open_orders"] if row["clientOrderId"].startswith(f"t{shown['ledger_id']}")]
        evidence("GET /control/accounts (open orders of this ledger), /status .positions worth", f"{mine} {rest:.2f}")
        assert mine == []
        assert len(site.buys()) == seen
        site.kubectl("annotate", "tb", "asleep", "-n", "trading", "tradingbot.io/halt-")
        eventually(lambda: site.node.of("asleep") is None, site.operator.log, 60)
        assert len(site.buys()) == seen


def order(site: Site, bot: str, **spec: str) -> None:
    """A BotTask of the bot's own name."""
    body = {"apiVersion": "tradingbot.io/v1alpha1", "kind": "BotTask", "metadata": {"name": bot}}
    code, made = site.server.request("POST", operators.TASKS.format("trading"), {**body, "spec": {"bot": bot, **spec}})
    assert code == 201, made


@pytest.mark.row("S1-182")
def test_a_task_closes_the_positions_of_a_bot_that_does_not_run(site: Site, evidence: Note) -> None:
    """The bot is suspended: a process comes, closes what is held, the task is Complete, and the process is gone."""
    with trader(site, "closed", strategy=HOLDING, exchange={"shared": True}) as pod:
        eventually(lambda: holds(pod), within=60)
        ledger = pod.status()["ledger_id"]
        patch_bot(site.server, "closed", {"spec": {"suspend": True}})
        eventually(lambda: site.node.of("closed") is None, site.operator.log, 60)
        seen = len(site.buys())
        order(site, "closed", type="flatten", notAfter="2099-01-01T00:00:00Z")
        site.kubectl("wait", "bottask/closed", "-n", "trading", "--for=condition=Complete", "--timeout=60s")
        shown = site.kubectl("get", "bottask", "closed", "-n", "trading", "-o", "jsonpath={.status}")
        evidence("kubectl create -f flatten.yaml (BotTask type: flatten, the bot suspended)", shown)
        assert json.loads(shown)["result"].startswith("flat: the venue lists no order of this bot")
        eventually(lambda: site.node.of("closed") is None, site.operator.log, 60)
        account = site.control(f"accounts/{operators.KEYS['apiKey']}")
        mine = [row for row in account["open_orders"] if row["clientOrderId"].startswith(f"t{ledger}")]
        orders = {row["orderId"] for row in account["orders"] if row["clientOrderId"].startswith(f"t{ledger}")}
        traded = [row for row in account["trades"] if row["orderId"] in orders]
        held = sum(Decimal(row["qty"]) * (1 if row["isBuyer"] else -1) for row in traded)
        evidence("GET /control/accounts (orders of this ledger, sum of its trades)", f"{mine} {held}")
        assert (mine, len(site.buys())) == ([], seen)
        assert traded
        # What is left is the venue's fee, taken in coins.
        assert 0 <= held * Decimal(traded[-1]["price"]) < 10
        # What it was halted for is still latched: neither the task's end nor its deletion lets it trade again.
        site.kubectl("delete", "bottask", "closed", "-n", "trading")
        halts = (operators.bot(site.server, "closed") or {})["status"]["halts"]
        assert [each["kind"] for each in halts] == ["flatten"]


@pytest.mark.row("S1-113")
@pytest.mark.row("S1-114")
def test_coins_nobody_of_ours_bought_are_sold_or_adopted(site: Site, evidence: Note) -> None:
    """By one command, through the process that holds the lease: sold whole, or a position with its stop."""
    markets = {"symbols": ["BTC/USDT", "ETH/USDT"]}
    brought = {"api_key": operators.KEYS["apiKey"], "asset": "ETH", "amount": "-0.5"}
    command = ("reconcile", "found", "-n", "trading")
    # It decides nothing here: what it holds in the end was adopted.
    never = {"name": "rsi", "timeframe": "1m", "parameters": {"period": "20", "lower": "0.1", "upper": "99.9"}}
    with trader(site, "found", exchange=markets, strategy=never) as pod:
        evidence("POST /control/withdraw", json.dumps(site.control("withdraw", brought)))
        said = site.atb(*command, "--close-unexpected")
        evidence("kubectl atb reconcile found --close-unexpected", said)
        assert said == "found: ETH/USDT sold 0.5\n"
        assert coins(site, "ETH") == 0
        assert pod.status()["positions"] == []
        site.control("withdraw", brought)
        said = site.atb(*command, "--adopt")
        evidence("kubectl atb reconcile found --adopt", said)
        assert said == "found: ETH/USDT adopted 0.5\n"
        eventually(lambda: pod.status()["positions"], within=20)
        (held,) = pod.status()["positions"]
        evidence("GET /status .positions", json.dumps(held))
        assert (held["symbol"], held["quantity"], held["covered"]) == ("ETH/USDT", "0.5", "0.5")
        site.control("withdraw", {**brought, "asset": "BTC"})
        said = pod.atb("state", "reset", "--confirm")
        evidence("atb state reset --confirm", said)
        assert "BTC/USDT" in said
        eventually(lambda: len(pod.status()["positions"]) == 2, within=20)
        there = {each["symbol"]: (each["quantity"], each["covered"]) for each in pod.status()["positions"]}
        evidence("GET /status .positions, GET /control/accounts", f"{there} {coins(site, 'BTC')} {coins(site, 'ETH')}")
        # A story before this one may have left a step of the coin.
        assert {name: held == covered for name, (held, covered) in there.items()} == {
            "ETH/USDT": True,
            "BTC/USDT": True,
        }
        assert {name: Decimal(held) - Decimal("0.5") < Decimal("0.001") for name, (held, _) in there.items()} == {
            "ETH/USDT": True,
            "BTC/USDT": True,
        }
        eventually(lambda: written_anew(pod), within=20)


def written_anew(pod: Running) -> bool:
    """The state file is there again, and tells of no halt; the command fails until the trader has written it."""
    try:
        return json.loads(pod.atb("state", "show"))["kill_switch"] is False
    except AssertionError:
        return False


def coins(site: Site, asset: str) -> Decimal:
    """What the account has of it, free and locked."""
    balances = site.control(f"accounts/{operators.KEYS['apiKey']}")["balances"]
    return sum((Decimal(str(each)) for each in dict(balances[asset]).values()), Decimal(0))


@pytest.mark.row("S0-120")
@pytest.mark.row("S0-121")
@pytest.mark.row("S0-119")
def test_history_lists_every_change_with_what_differs(site: Site, evidence: Note) -> None:
    """Two patches are two entries; one of parameters is told from one of limits and one of the image."""
    patches = (
        {"strategy": {"parameters": {"fast": "3"}}},
        {"risk": {"maxDailyLoss": "8000"}},
        {"image": "localhost/tradingbot:0.1.1"},
    )
    with trader(site, "story"):
        for number, patch in enumerate(patches):
            patch_bot(site.server, "story", {"spec": patch})
            eventually(lambda number=number: len(shown(site, "story")) >= number + 2, within=30)
        entries = shown(site, "story")
    evidence("kubectl atb history story --json", json.dumps(entries))
    assert [entry["kind"] for entry in entries] == ["created", "parameter", "configuration", "image"]
    assert entries[1]["changes"] == [{"field": "spec.strategy.parameters.fast", "before": "2", "after": "3"}]


def shown(site: Site, name: str) -> list[dict[str, Any]]:
    entries = json.loads(site.atb("history", name, "-n", "trading", "--json"))
    return [entry for entry in entries if entry["kind"] != "event"]


POSTGRES = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "ats-postgres"},
    "spec": {
        "serviceName": "ats-postgres",
        "podManagementPolicy": "Parallel",  # nobody makes a pod ready here
        "selector": {"matchLabels": {"app": "ats-postgres"}},
        "template": {
            "metadata": {"labels": {"app": "ats-postgres"}},
            "spec": {"automountServiceAccountToken": False, "containers": [{"name": "postgres", "image": "postgres"}]},
        },
    },
}


@pytest.mark.row("S0-122")
def test_history_lists_the_restart_of_a_database_beside_the_bot(site: Site, tmp_path: Path, evidence: Note) -> None:
    """As Kubernetes' own controller tells it; what happens in another namespace is not the bot's."""
    sets = "/apis/apps/v1/namespaces/{}/statefulsets"
    operators.create_bot(site.server, "btc", onenode.spec(site.venue, suspend=True))
    with apiserver.controller(site.server, tmp_path, "statefulset-controller"):
        for space in ("default", "trading"):
            assert site.server.request("POST", sets.format(space), POSTGRES)[0] == 201
            restart = ("rollout", "restart", "sts/ats-postgres", "-n", space)
            site.kubectl("wait", "--for=create", "pod/ats-postgres-0", "-n", space, "--timeout=30s")
            evidence(f"kubectl {' '.join(restart)}", site.kubectl(*restart))
        told = eventually(lambda: [each for each in below(site, "btc") if each["reason"] == "SuccessfulDelete"])
        evidence("kubectl atb history btc", site.atb("history", "btc", "-n", "trading"))
        assert [each["message"].partition(" in ")[0] for each in told] == [
            "StatefulSet ats-postgres: delete Pod ats-postgres-0"
        ]
        site.kubectl("delete", "tb", "btc", "-n", "trading", "--timeout=60s")
        for space in ("default", "trading"):
            site.kubectl("delete", "sts/ats-postgres", "pod/ats-postgres-0", "-n", space, "--grace-period=0", code=None)


def below(site: Site, name: str) -> list[dict[str, Any]]:
    return [each for each in shown(site, name) if each["kind"] == "infrastructure"]


def may_enter(pod: Running) -> bool:
    return pod.metric("tradingbot_trading_active") == 1


@pytest.mark.row("S0-138")
@pytest.mark.row("S3-137")
@pytest.mark.row("S3-138")
def test_everything_stops_and_no_pod_is_left(site: Site, evidence: Note) -> None:
    """One command for all namespaces: nobody trades within five seconds; then all are suspended, then gone.

    It is not taken without a reason, which each ledger keeps.
    """
    with (
        trader(site, "one") as one,
        trader(site, "two", exchange={"shared": True}) as two,
        ThreadPoolExecutor(1) as beside,
    ):
        eventually(lambda: may_enter(one) and may_enter(two), within=60)
        said = site.atb("emergency-stop", "one", "-n", "trading", code=2)
        evidence("kubectl atb emergency-stop one; echo $?", f"{said} 2")
        assert "Missing option '--reason'" in said
        assert may_enter(one)
        stop = ("emergency-stop", "--all", "--scale-to-zero", "--reason", "t")
        stopping = beside.submit(site.atb, *stop)
        took = seconds_until(lambda: not (may_enter(one) or may_enter(two)), 60)
        evidence(f"kubectl atb {' '.join(stop)}", f"{took:.2f} s to tradingbot_trading_active 0 on all bots")
        assert took < 5
        said = stopping.result()
        site.kubectl("annotate", "namespace", "trading", "tradingbot.io/halt-")
        evidence("kubectl atb emergency-stop --all --scale-to-zero --reason t", said)
        evidence("kubectl get tb -A", site.kubectl("get", "tb", "-A"))
        for name in ("one", "two"):
            assert state(site.server, name, "Ready") == ("True", "Suspended")
        assert json.loads(site.kubectl("get", "pods", "-A", "-o", "json"))["items"] == []
        asked = "SELECT details FROM audit_logs WHERE event_type = 'HALTED'"
        kept = [inside(pod, "db", "query", "--scalar", asked) or "" for pod in (one, two)]
        evidence(f'atb db query "{asked}"', "".join(kept))
        assert [json.loads(each)["reason"] for each in kept] == ["t", "t"]

"""What people and alerts watch, on real traders: limits with a real Prometheus, and how a venue fails."""

import json
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

import onenode
import operators
from onenode import Running, Site, firing, prometheus, seconds_until, trader
from operators import eventually, state

Note = Callable[[str, str], None]
HOLDING = {"name": "rsi", "timeframe": "1m", "parameters": {"period": "20", "lower": "99.9", "upper": "100"}}
WHOLE = {
    "maxOrderNotional": "980",
    "maxPositionNotional": "980",
    "orderFractionPercent": "98",
    "stopLossPercent": "60",
}
THOUSAND = {"initial": "1000"}
TESTS = onenode.ROOT / "manifests/monitoring/trading.rules.test.yaml"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with onenode.site(tmp_path_factory.mktemp("limits")) as made:
        yield made


def holds(pod: Running) -> bool:
    """Something is held, with its stop at the venue."""
    return bool(pod.status()["positions"] and pod.status()["open_orders"])


def shock(site: Site, percent: str) -> None:
    site.control("market", {"symbol": "BTCUSDT", "shock_percent": percent})


def rules_hold() -> str:
    """The rules fire where they must and nowhere else, by promtool."""
    done = subprocess.run(["promtool", "test", "rules", str(TESTS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.row("S1-050")
@pytest.mark.row("S1-081")
def test_an_alert_tells_that_the_daily_limit_is_reached(site: Site, tmp_path: pathlib.Path, evidence: Note) -> None:
    """The rule is tested, then a real shock makes it fire; the status has the loss."""
    evidence("promtool test rules", rules_hold())
    with trader(site, "daily", risk={**WHOLE, "maxDailyLoss": "100"}, strategy=HOLDING, capital=THOUSAND) as pod:
        eventually(lambda: holds(pod), within=60)
        with prometheus(tmp_path, pod) as address:
            assert "DailyLossLimitBreached" not in firing(address)
            shock(site, "-14")
            took = seconds_until(lambda: "DailyLossLimitBreached" in firing(address), 60)
            evidence("alerts DailyLossLimitBreached", f"fires {took:.1f} s after the shock")
        loss = pod.status()["portfolio"]["daily_pnl"]
        evidence("GET :9090/status .portfolio.daily_pnl", loss)
        assert float(loss) <= -100
        shock(site, "16.3")


@pytest.mark.row("S1-051")
@pytest.mark.row("S1-082")
def test_drawdown_and_its_limit_are_told(site: Site, tmp_path: pathlib.Path, evidence: Note) -> None:
    """Both are gauges in the same unit; the alert fires when the one reaches the other."""
    rules_hold()
    with trader(site, "fallen", risk={**WHOLE, "maxDrawdownPercent": "15"}, strategy=HOLDING, capital=THOUSAND) as pod:
        eventually(lambda: holds(pod), within=60)
        shock(site, "-17")
        eventually(lambda: state(site.server, "fallen", "Halted") == ("True", "DrawdownLimit"), within=30)
        with prometheus(tmp_path, pod) as address:
            eventually(lambda: "DrawdownLimitBreached" in firing(address), within=60)
        drawdown, limit = pod.metric("drawdown"), pod.metric("max_drawdown_limit")
        evidence("GET :9090/metrics | grep -E '^(drawdown|max_drawdown_limit)'", f"{drawdown} {limit}")
        assert (limit, drawdown >= limit) == (0.15, True)
        shown = pod.status()["performance"]
        evidence("GET :9090/status .performance.max_drawdown", json.dumps(shown))
        assert float(shown["max_drawdown"]) >= 0.15
        shock(site, "20.5")


@pytest.mark.row("S1-056")
def test_an_alert_tells_of_a_halt_within_a_minute(site: Site, tmp_path: pathlib.Path, evidence: Note) -> None:
    """From the command to the alert."""
    with trader(site, "told") as pod, prometheus(tmp_path, pod) as address:
        said = site.atb("halt", "told", "-n", "trading", "--reason", "t")
        took = seconds_until(lambda: "TradingHalted" in firing(address), 60)
        evidence("kubectl atb halt told --reason t; alerts TradingHalted", f"{said} fires after {took:.1f} s")


@pytest.mark.row("S1-084")
def test_a_daily_loss_clears_with_the_trading_day(site: Site, evidence: Note) -> None:
    """Nobody resumes: the day begins, the halt is gone, log and Event say so, and the bot trades."""
    now = datetime.fromtimestamp(site.control("clock")["venue_ms"] / 1000, tz=UTC)
    # The venue's clock makes four minutes a second; the bot is up and has lost by then.
    day = {"reset": (now + timedelta(minutes=180)).strftime("%H:%M"), "timezone": "UTC"}
    risk = {**WHOLE, "maxDailyLoss": "50", "stopLossPercent": "3"}
    with trader(site, "dawn", risk=risk, strategy=HOLDING, capital=THOUSAND, tradingDay=day) as pod:
        eventually(lambda: holds(pod), within=30)
        shock(site, "-8")
        eventually(lambda: '"HaltCleared"' in pod.log or '"Trading halted"' in pod.log, lambda: pod.log[-3000:], 20)
        eventually(lambda: '"HaltCleared"' in pod.log, lambda: pod.log[-3000:], 60)
        eventually(lambda: pod.status()["state"] == "trading", within=60)
        cleared = [line for line in pod.log.splitlines() if '"HaltCleared"' in line]
        evidence("grep HaltCleared", cleared[0])
        eventually(lambda: "HaltCleared" in site.kubectl("get", "events", "-n", "trading"), within=20)
        evidence("kubectl get events -n trading", site.kubectl("get", "events", "-n", "trading")[-400:])
        shock(site, "8.7")


@pytest.mark.row("S1-028")
@pytest.mark.row("S1-029")
def test_three_parameters_are_enough_and_each_setting_can_be_seen(site: Site, evidence: Note) -> None:
    """A bot of which nobody wrote more is ready; its process prints what it was told, and all it may be told."""
    three = {"maxCapital": "10000", "timeframe": "5 mins", "symbols": "BTC/USD, ETH/USD"}
    operators.create_bot(site.server, "auto", {"configMode": "autonomous", "autonomous": three})
    try:
        eventually(lambda: state(site.server, "auto", "Ready")[0] == "True", lambda: site.kubectl("get", "tb"), 60)
        evidence("kubectl apply (configMode autonomous, 3 parameters); kubectl get tb auto", site.kubectl("get", "tb"))
        pod = site.node.of("auto")
        assert pod is not None
        template = site.kubectl("get", "deploy", "auto-blue", "-n", "trading", "-o", "jsonpath={..env}")
        assert '{"name":"TRADING_MODE_TYPE","value":"autonomous"}' in template
        shown = json.loads(pod.atb("config", "show", "--json"))
        evidence("atb config show --json", json.dumps(shown))
        told = {"exchange.symbols": "BTC/USD, ETH/USD", "strategy.timeframe": "5m", "capital.initial": "10000"}
        told |= {"risk.max_daily_loss": "200", "risk.max_order_notional": "1000"}
        assert {name: shown[name] for name in told} == told
        count = pod.atb("config", "schema", "--count")
        evidence("atb config schema --count", count)
        assert int(count) == len(shown)
    finally:
        site.kubectl("delete", "tb", "auto", "-n", "trading", "--timeout=60s")


@pytest.fixture(scope="module")
def plain(site: Site) -> Iterator[Running]:
    """A bot that asks for its account every five seconds, and every second once that has failed."""
    breaker = {"failures": 1, "windowSeconds": 60, "recoveryTimeoutSeconds": 1}
    with trader(site, "plain", engine={"checkInterval": "5s"}, circuitBreaker=breaker) as pod:
        yield pod


def fault(site: Site, kind: str, **parameters: object) -> None:
    """Only this goes wrong at the venue."""
    site.control("faults", {"kind": kind, **parameters})
    for each in site.control("faults")["faults"][:-1]:
        forgive(site, each["fault_id"])


def fails(site: Site, reason: str) -> str:
    """Once the venue fails for that reason, by the resource: its condition."""
    why = ("get", "tb", "plain", "-n", "trading", "-o", 'jsonpath={.status.conditions[?(@.type=="VenueFailing")]}')
    eventually(lambda: state(site.server, "plain", "VenueFailing") == ("True", reason), lambda: site.kubectl(*why), 60)
    return site.kubectl(*why)


@pytest.mark.row("S0-060")
@pytest.mark.row("S0-061")
@pytest.mark.row("S0-062")
def test_how_a_venue_fails_is_a_condition(site: Site, plain: Running, evidence: Note) -> None:
    """Gone, closed for maintenance, silent: each is told by its reason; nothing is entered, nothing is restarted."""
    process = plain.process
    site.control("market", {"outage": True})
    evidence("sim off; kubectl get tb plain (condition VenueFailing)", fails(site, "BreakerOpen"))
    alive = onenode.fetch(f"http://{plain.address}:{onenode.BOT_PORT}/livez")[0]
    evidence("GET :9090/livez; pql api_connected; restarts", f"{alive}; {plain.metric('api_connected')}; {plain.ended}")
    assert (alive, plain.metric("api_connected"), plain.ended) == (200, 0, [])
    seen = len(site.buys())
    fault(site, "maintenance")
    site.control("market", {"outage": False})
    evidence("sim fault=maintenance; kubectl get tb plain (condition VenueFailing)", fails(site, "Maintenance"))
    fault(site, "lost_answer", how="drop")
    evidence("sim answers nothing; kubectl get tb plain (condition VenueFailing)", fails(site, "Network"))
    assert len(site.buys()) == seen
    forgive(site)
    eventually(lambda: state(site.server, "plain", "VenueFailing") == (None, None), within=60)
    eventually(lambda: plain.status()["state"] == "trading", within=60)
    assert (plain.process is process, plain.ended) == (True, [])


@pytest.mark.row("S0-038")
@pytest.mark.row("S0-063")
def test_limits_and_changes_of_the_venue_are_told_by_name(site: Site, plain: Running, evidence: Note) -> None:
    """429 within a minute, with an Event and a line; a path that is gone is asked for seldom, not in a storm."""
    fault(site, "status", route="GET /api/v3/account", status=429, retry_after=1)
    took = seconds_until(lambda: state(site.server, "plain", "VenueFailing") == ("True", "RateLimited"), 60)
    evidence("sim fault=429; kubectl get tb plain (condition VenueFailing)", f"RateLimited after {took:.1f} s")
    told = eventually(lambda: [each for each in plain.log.splitlines() if '"rate_limit"' in each])
    evidence("kubectl logs -l bot=plain | grep 429", told[0])
    assert "429" in told[0]
    said = eventually(lambda: [each for each in events(site) if "VenueFailing" in each and "RateLimited" in each])
    evidence("kubectl get events", said[0])
    fault(site, "status", route="GET /api/v3/account", status=404, code=0, count=1000)
    fails(site, "EndpointChanged")
    before, since = left(site), time.monotonic()
    eventually(lambda: left(site) <= before - 2, within=60)
    asked, seconds = before - left(site), time.monotonic() - since
    evidence("sim: the path is gone; condition and how often it is asked", f"{asked} times in {seconds:.1f} s")
    assert asked <= 2 + 2 * seconds
    forgive(site)
    eventually(lambda: state(site.server, "plain", "VenueFailing") == (None, None), within=60)


def left(site: Site) -> int:
    """How many requests will still be answered so."""
    return int(site.control("faults")["faults"][0]["count"])


def events(site: Site) -> list[str]:
    return site.kubectl("get", "events", "-n", "trading").splitlines()


def forgive(site: Site, number: int | None = None) -> None:
    path = "faults" if number is None else f"faults/{number}"
    operators.urllib.request.urlopen(
        operators.urllib.request.Request(f"{site.venue}/control/{path}", method="DELETE"), timeout=10
    ).close()


@pytest.mark.row("S0-025")
def test_the_schema_of_the_ledger_is_in_the_status(site: Site, plain: Running, evidence: Note) -> None:
    """As the command in the pod says it."""
    command = [str(onenode.BIN / "atb"), "db", "verify"]
    done = subprocess.run(command, env=plain.environment, capture_output=True, text=True, timeout=60, check=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("schema "))
    shown = site.kubectl("get", "tb", "plain", "-n", "trading", "-o", "jsonpath={.status.schemaVersion}")
    evidence("atb db verify; kubectl get tb plain -o jsonpath={.status.schemaVersion}", f"{line}; {shown}")
    assert line.endswith(f"Schema version: {shown}")
    assert shown


@pytest.mark.row("S1-074")
@pytest.mark.row("S1-178")
@pytest.mark.row("S1-179")
def test_a_bot_is_stopped_and_started_and_comes_back_by_itself(site: Site, plain: Running, evidence: Note) -> None:
    """A pod that is deleted is there again within a minute; a stopped one ends in order and waits for its start."""
    told = ("delete", "pod", plain.name, "-n", "trading", "--wait=false")
    evidence(f"kubectl {' '.join(told)}", site.kubectl(*told))
    took = seconds_until(lambda: (pod := site.node.of("plain")) and pod is not plain and pod.is_ready, 60)
    evidence("Ready again", f"after {took:.1f} s")
    pod = site.trading("plain")
    said = site.atb("stop", "plain", "-n", "trading")
    evidence("kubectl atb stop plain", said)
    assert said == "plain is suspended: kubectl tradingbot start plain\n"
    assert site.node.of("plain") is None
    assert json.loads(pod.log.splitlines()[-1])["event"] == "Shutdown complete"
    assert state(site.server, "plain", "Ready") == ("True", "Suspended")
    said = site.atb("start", "plain", "-n", "trading")
    ready = ("wait", "tb/plain", "-n", "trading", "--for=condition=Ready", "--timeout=120s")
    evidence(f"kubectl atb start plain; kubectl {' '.join(ready)}", said + site.kubectl(*ready))
    assert said.startswith("plain is ready: pod plain-blue-")


@pytest.mark.row("S3-056")
def test_a_deployment_that_was_deleted_is_made_again(site: Site, plain: Running, evidence: Note) -> None:
    """By the operator, with what it was to run."""
    deployment = ("deployment", "plain-blue", "-n", "trading")
    uid = ("get", *deployment, "--ignore-not-found", "-o", "jsonpath={.metadata.uid}")
    before = site.kubectl(*uid)
    assert before
    evidence("kubectl delete deploy plain-blue", site.kubectl("delete", *deployment))
    after = eventually(lambda: (found := site.kubectl(*uid)) not in ("", before) and found, site.operator.log, 60)
    evidence("kubectl get deploy plain-blue -o jsonpath={.metadata.uid}", f"{before} -> {after}")
    assert site.trading("plain").status()["state"] == "trading"

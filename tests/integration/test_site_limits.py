"""Limits that people and alerts watch, on real traders with a real Prometheus beside them."""

import json
import pathlib
import subprocess
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
        shown = json.loads(said(pod, "config", "show", "--json"))
        evidence("atb config show --json", json.dumps(shown))
        told = {"exchange.symbols": "BTC/USD, ETH/USD", "strategy.timeframe": "5m", "capital.initial": "10000"}
        told |= {"risk.max_daily_loss": "200", "risk.max_order_notional": "1000"}
        assert {name: shown[name] for name in told} == told
        count = said(pod, "config", "schema", "--count")
        evidence("atb config schema --count", count)
        assert int(count) == len(shown)
    finally:
        site.kubectl("delete", "tb", "auto", "-n", "trading", "--timeout=60s")


def said(pod: Running, *arguments: str) -> str:
    """What ``atb`` prints in the pod."""
    command = [onenode.BIN / "atb", *arguments]
    done = subprocess.run(command, env=pod.environment, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout

"""The rules the operator makes for a bot, against promtool and the file that others load."""

import json
import subprocess

import pytest
import yaml

import make_operator as make
import onenode
from tradingbot_operator.render.alerts import groups, prometheus_rule

HALTED = {"severity": "warning", "priority": "P1"}


def test_file_that_others_load_holds_the_same_rules():
    """One truth: manifests/monitoring is what the operator renders, for all bots at once."""
    assert yaml.safe_load(onenode.RULES.read_text()) == {"groups": groups()}


@pytest.mark.row("S1-089")
@pytest.mark.row("S3-094")
def test_rules_fire_where_they_must_and_nowhere_else(evidence):
    """By promtool, on the series of the file beside them: four trips in an hour fire, three do not.

    One real trade fires in a paper-only namespace, and none does elsewhere.
    """
    tests = onenode.RULES.with_name("trading.rules.test.yaml")
    done = subprocess.run(["promtool", "test", "rules", str(tests)], capture_output=True, text=True, check=False)
    evidence("promtool test rules manifests/monitoring/trading.rules.test.yaml", done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    # A test that promtool does not run would pass, too.
    assert "CircuitBreakerFlapping" in tests.read_text()
    evidence(
        "trades_total of the test", "\n".join(line for line in tests.read_text().splitlines() if "trades_t" in line)
    )
    assert '{namespace: paper, bot: sol, simulated: "false"' in tests.read_text()


@pytest.mark.row("S0-003")
def test_what_only_shows_in_weeks_is_told(evidence):
    """Of thirty days 6 % down fire, 4 % do not, and the recorded share can be asked for; so does a fast growth."""
    tests = onenode.RULES.with_name("trading.weeks.test.yaml")
    done = subprocess.run(["promtool", "test", "rules", str(tests)], capture_output=True, text=True, check=False)
    evidence("promtool test rules manifests/monitoring/trading.weeks.test.yaml", done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = {line.strip(" -") for line in tests.read_text().splitlines()}
    query = 'round(bot:uptime:ratio_30d{bot="eth"}, 0.01)'
    assert {"alertname: BotUptimeBelowTarget", "alertname: DatabaseGrowth", f"expr: {query}"} <= lines
    evidence(f"pql '{query}'", "0.96, no alert; btc at 0.94 fires BotUptimeBelowTarget")


def test_rules_of_one_bot_fire_for_no_other(tmp_path):
    """By promtool: of two halted bots of that name, and one of another, only the bot's own alert fires."""
    bot = make.bot()
    (tmp_path / "rules.json").write_text(json.dumps(prometheus_rule(bot, bot.spec)["spec"]))
    series = [("trading", "btc"), ("trading", "eth"), ("elsewhere", "btc")]
    inputs = [{"series": f'trading_halted{{namespace="{ns}",bot="{name}"}}', "values": "1 1"} for ns, name in series]
    notes = {"summary": "btc is halted; the reason is in its condition Halted"}
    notes["runbook_url"] = "docs/runbooks/halts.md#halted"
    fires = {"exp_labels": {"namespace": "trading", "bot": "btc", **HALTED}, "exp_annotations": notes}
    case = {"interval": "15s", "input_series": inputs}
    case["alert_rule_test"] = [{"eval_time": "15s", "alertname": "TradingHalted", "exp_alerts": [fires]}]
    test = {"rule_files": ["rules.json"], "evaluation_interval": "15s", "tests": [case]}
    (tmp_path / "test.json").write_text(json.dumps(test))
    command = ["promtool", "test", "rules", str(tmp_path / "test.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

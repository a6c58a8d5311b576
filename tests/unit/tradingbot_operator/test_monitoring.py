"""Whether somebody would be told: the objects, the condition, and the gate that asks for it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

import make_operator as make
from fakecluster import FakeApi
from tradingbot_operator.cluster import alerts
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.domain.condition import Truth
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated
from tradingbot_operator.domain.kinds import ALERT_RULE, POD_MONITOR
from tradingbot_operator.domain.monitoring import Watched, configured
from tradingbot_operator.domain.outcome import APPLIED
from tradingbot_operator.domain.practice import Evidence
from tradingbot_operator.plan.promotion import RULES, verdicts
from tradingbot_operator.reconcile import reconcile
from tradingbot_operator.render.alerts import Lasting, groups, lasting, prometheus_rule
from tradingbot_operator.report.conditions import monitoring_configured
from tradingbot_operator.report.wait import look_again

STARTED = {"active": {"colour": "blue", "revision": "r1", "mode": "paper"}}
BOTH = Watched(True, True)
KINDS = (POD_MONITOR, ALERT_RULE)
SITE = make.site(pod_monitors=True, alert_rules=True)


@pytest.mark.parametrize(
    ("watched", "status", "spec", "said"),
    [
        (BOTH, STARTED, make.MINIMAL, ("True", "Configured")),
        (BOTH, STARTED, {"mode": "no such mode"}, ("True", "Configured")),
        (Watched(True, False), STARTED, make.MINIMAL, ("False", "RuleMissing")),
        (Watched(False, True), STARTED, make.MINIMAL, ("False", "MonitorMissing")),
        (Watched(False, False), {}, make.MINIMAL, ("Unknown", "NotStarted")),
        (BOTH, STARTED, {**make.MINIMAL, "monitoring": {"podMonitor": "Never"}}, ("Unknown", "MonitorNotWanted")),
        (None, STARTED, make.MINIMAL, ("Unknown", "NoMonitoringKinds")),
    ],
)
def test_configured_only_while_rule_and_monitor_stand(watched, status, spec, said):
    """What is gone is False; what cannot be seen is unknown, never True."""
    truth, reason, _ = configured(make.bot(spec, status), watched)
    assert (truth.value, reason) == said


def test_why_a_rule_may_not_be_written_stands_in_the_condition():
    """The words are those of whoever refused it."""
    _, reason, message = configured(make.bot(status=STARTED), Watched(True, False, "the name is taken"))
    assert reason == "RuleNotWritten"
    assert message == "PrometheusRule tradingbot-btc does not stand for this bot; the name is taken"


def test_bot_that_goes_says_nothing_of_its_monitoring():
    """Nobody looks for the rule of a bot that is being deleted."""
    facts = make.facts(status=STARTED, metadata={"deletionTimestamp": "2026-11-21T13:59:00Z"})
    assert monitoring_configured(facts) == (Truth.UNKNOWN, "Deleting", "the bot is being deleted")


@pytest.mark.parametrize(
    ("watched", "loaded", "result"),
    [
        (BOTH, RULES, "passed"),
        (None, RULES, "passed"),
        (Watched(True, False), RULES, "refused"),
        (BOTH, frozenset(), "refused"),
        (BOTH, None, "refused"),
    ],
)
def test_gate_asks_for_the_condition_and_for_the_word_of_prometheus(watched, loaded, result):
    """Objects that no Prometheus has taken tell nobody; rules of other bots do not speak for one whose own is gone."""
    bot = make.bot({**make.LIVE, "monitoring": {"prometheus": "http://prometheus:9090"}}, STARTED)
    seen = make.observed(evidence=Evidence((), loaded), watched=watched)
    assert {each.gate: each.result for each in verdicts(bot, bot.spec, seen, make.NOW)}["alerts"] == result


def test_labels_a_person_selects_by_never_replace_our_own():
    """A Prometheus finds the rule by its label; the operator finds it by the bot's."""
    asked = {"release": "prometheus", "tradingbot.io/bot": "other"}
    bot = make.bot({**make.MINIMAL, "monitoring": {"labels": asked}})
    labels = prometheus_rule(bot, bot.spec)["metadata"]["labels"]
    assert (labels["release"], labels["tradingbot.io/bot"]) == ("prometheus", "btc")


def test_rules_that_a_promotion_asks_for_are_among_the_bots_own():
    """The gate can be passed."""
    assert {rule.get("alert") for group in groups() for rule in group["rules"]} >= RULES


def test_what_is_kept_to_over_weeks_is_what_the_spec_says():
    """The share of time by its threshold; the size of the database by its own, else by that of the claim."""
    usual = make.bot().spec
    assert lasting(usual) == Lasting("0.95", "21474836480")
    assert lasting(make.bot({**make.MINIMAL, "storage": {"size": "40Gi"}}).spec).database_bytes == "42949672960"
    asked = [{"name": "uptime_ratio", "warning": "0.99"}, {"name": "database_size_bytes", "warning": "1000"}]
    bot = make.bot({**make.MINIMAL, "monitoring": {"thresholds": asked}})
    assert lasting(bot.spec) == Lasting("0.99", "1000")
    rules = prometheus_rule(bot, bot.spec)["spec"]["groups"][-1]["rules"]
    own = '{namespace="trading",bot="btc"}'
    assert [rule["expr"] for rule in rules] == [
        f"max by (namespace, bot) (avg_over_time(bot_running{own}[30d]))",
        f"bot:uptime:ratio_30d{own} < 0.99",
        f"predict_linear(database_size_bytes{own}[6h], 7 * 86400) > 1000",
    ]


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [("RuleMissing", 2.0), ("MonitorMissing", 2.0), ("RuleNotWritten", None), ("Configured", None)],
)
def test_what_was_gone_is_looked_at_again_soon(reason, seconds):
    """Nobody tells when a rule stands again, so the condition would say for long that it is gone."""
    plan = make.facts().plan
    said = {"conditions": [{"type": "MonitoringConfigured", "reason": reason}]}
    assert look_again(make.bot(), replace(plan, move=None, again_seconds=None), APPLIED, said) == seconds


@pytest.fixture
def api():
    made = FakeApi()
    made.put(make.body())
    return made


def passes(api, count, site=SITE, memory=None):
    """The statuses after so many passes over a bot whose revision is known to serve."""
    cluster = Cluster(api, memory or Memory(), site.monitoring)

    async def every():
        for _ in range(count):
            await reconcile(("trading", "btc"), cluster, make.moment(site=site), make.reach())

    asyncio.run(every())


def test_rule_goes_with_its_bot_and_is_written_once(api):
    """One write for each bot, owned by it; a cluster without the kind is never asked for it."""
    passes(api, 3)
    assert api.written.count("apply PrometheusRule") == 1
    (rule,) = api.of("PrometheusRule")
    assert rule["metadata"]["ownerReferences"][0]["uid"] == make.UID
    bare = FakeApi()
    bare.put(make.body())
    passes(bare, 3, make.SITE)
    assert bare.of("PrometheusRule") == []


def test_operator_that_starts_again_writes_no_rule_that_stands(api):
    """What it listed at its start, or sees by asking, is as it was asked to be."""
    passes(api, 3)
    before = api.written.count("apply PrometheusRule")
    memory = Memory()
    for kind, name in (("PrometheusRule", "tradingbot-btc"), ("PodMonitor", "tradingbot-bots")):
        memory.remember_listed((kind, "trading", name), api.one(kind, name))
    passes(api, 2, memory=memory)
    passes(api, 2)
    assert api.written.count("apply PrometheusRule") == before == 1
    assert memory.watched(("trading", "btc")) == Watched(True, True)


def test_rule_of_somebody_else_keeps_no_bot_from_running(api):
    """The name is taken: the condition says so, the Deployment stands, and the other rule is as it was."""
    meta = {"name": "tradingbot-btc", "namespace": "trading"}
    api.put({"kind": "PrometheusRule", "metadata": meta, "spec": {"groups": []}})
    memory = Memory()
    passes(api, 3, memory=memory)
    assert api.one("Deployment", "btc-blue")
    assert api.one("PrometheusRule", "tradingbot-btc")["spec"] == {"groups": []}
    seen = memory.watched(("trading", "btc"))
    assert (seen.rule, "not controlled by this TradingBot" in seen.why) == (False, True)


class Refuses(FakeApi):
    """An API server whose check of rules is away: it answers late, or that it cannot answer."""

    def __init__(self, error):
        super().__init__()
        self.error = error
        self.asked = 0

    async def apply(self, manifest, force):
        if manifest["kind"] != "PrometheusRule":
            return await super().apply(manifest, force)
        self.asked += 1
        if self.error is None:
            await asyncio.Event().wait()
        raise self.error


@pytest.mark.parametrize("error", [ClusterUnavailable("500: no webhook"), Outdated("written"), None])
def test_rule_that_is_not_taken_keeps_no_pass_from_its_end(error, monkeypatch):
    """The Deployment stands and the status is told; it is tried once for all bots, and again by the next audit."""
    monkeypatch.setattr(alerts, "PATIENCE_SECONDS", 0.25)
    api, memory = Refuses(error), Memory()
    api.put(make.body())
    cluster = Cluster(api, memory, KINDS)

    def one_pass(bot="btc", minutes=0):
        moment = make.moment(site=SITE, now=make.NOW + timedelta(minutes=minutes))
        asyncio.run(reconcile(("trading", bot), cluster, moment, make.reach()))

    for _ in range(3):
        one_pass()
    assert api.one("Deployment", "btc-blue")
    assert api.one("TradingBot", "btc")["status"]["conditions"]
    assert memory.watched(("trading", "btc")).why.startswith(alerts.NOT_TAKEN)
    api.put(make.body(name="eth", uid="uid-eth"))
    one_pass("eth")
    assert api.asked == 1
    assert memory.try_alerts() == {("trading", "btc"), ("trading", "eth")}
    one_pass("eth", minutes=2)
    assert api.asked == 2


def test_what_stands_is_asked_for_once(api):
    """A bot at rest asks nobody whether its rule is still there; the audit finds what is gone."""
    memory = Memory()
    passes(api, 3, memory=memory)
    assert memory.watched(("trading", "btc")) == Watched(True, True)
    del api.objects["PrometheusRule", "trading", "tradingbot-btc"]
    passes(api, 1, memory=memory)
    assert memory.watched(("trading", "btc")) == Watched(True, True)
    memory.unsettle(("trading", "btc"))
    passes(api, 1, memory=memory)
    assert memory.watched(("trading", "btc")) == Watched(True, False)
    assert api.one("PrometheusRule", "tradingbot-btc")

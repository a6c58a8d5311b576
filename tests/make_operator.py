"""Makers of the operator's values, each with named changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lease_model import FakeDoor, Ledger, Node
from tradingbot_operator.cluster.prometheus import Watch
from tradingbot_operator.domain.bot import Bot, parse
from tradingbot_operator.domain.handover import Post
from tradingbot_operator.domain.lease import LeaseRow, LedgerAway, Sign
from tradingbot_operator.domain.moment import Moment
from tradingbot_operator.domain.observed import Halt, Observed, Pod, Report, Revision, TokenSecret, Workload
from tradingbot_operator.domain.outcome import Applied, Trouble
from tradingbot_operator.domain.plan import Run
from tradingbot_operator.domain.site import Site, Tokens
from tradingbot_operator.domain.task import Task, parse_task
from tradingbot_operator.handover import Reach
from tradingbot_operator.plan.decide import decide
from tradingbot_operator.render.bundle import Layout
from tradingbot_operator.report.facts import Facts

NOW = datetime(2026, 11, 21, 14, 0, 0, tzinfo=UTC)
SITE = Site("11111111-1111-1111-1111-111111111111", "localhost/tradingbot:0.1.0", "tradingbot-system")
TOKENS = Tokens("http-token", "operator-token")
UID = "22222222-2222-2222-2222-222222222222"
MINIMAL: dict[str, Any] = {
    "exchange": {"name": "binance", "symbols": ["BTC/USDT"]},
    "strategy": {"name": "sma_cross"},
}
SEVERAL: dict[str, Any] = {
    "exchange": {"name": "binance", "symbols": ["BTC/USDT", "ETH/USDT"]},
    "strategy": {"name": "sma_cross"},
    "strategies": [{"name": "rsi", "symbols": ["ETH/USDT"], "parameters": {"period": "9"}}],
}
LIVE: dict[str, Any] = {
    "mode": "live",
    "exchange": {"name": "binance", "symbols": ["BTC/USDT"], "credentialsSecretRef": {"name": "keys"}},
    "strategy": {"name": "sma_cross"},
    "database": {
        "mode": "postgres",
        "postgres": {"ownerSecretRef": {"name": "owner"}, "fencerSecretRef": {"name": "fencer"}},
    },
    "risk": {
        "maxOrderNotional": "100",
        "maxPositionNotional": "200",
        "maxDrawdownPercent": "5",
        "maxDailyLoss": "50",
        "maxOrdersPerMinute": 5,
    },
    "safety": {"acknowledgeLiveRisk": True},
    "contacts": [{"name": "on-call", "email": "on-call@example.org"}],
}
ANALYSED: dict[str, Any] = {
    **MINIMAL,
    "rollout": {
        "gates": [{"name": "smoke"}, {"name": "job", "job": {"command": ["check", "--all"]}}],
        "analysis": [
            {"name": "errors", "query": 'sum(errors_total{colour="$colour"})', "threshold": "0.05"},
            {"name": "path", "job": {"command": ["check"], "deadline": "30s"}, "window": "1m"},
        ],
    },
    "monitoring": {"prometheus": "http://prometheus.monitoring.svc:9090"},
}
SANDBOX: dict[str, Any] = {
    **MINIMAL,
    "exchange": {
        "name": "binance",
        "symbols": ["BTC/USDT"],
        "sandbox": True,
        "endpoint": "http://exchange-simulator.exchange-simulator.svc:8080",
        "credentialsSecretRef": {"name": "keys"},
    },
}

# The template of a bot's pod, as its revision keeps it.
BOT_POD = {
    "spec": {
        "securityContext": {"runAsNonRoot": True},
        "serviceAccountName": "of the bot",
        "containers": [
            {
                "name": "bot",
                "image": "localhost/tradingbot:0.1.0",
                "command": ["atb", "paper"],
                "env": [
                    {"name": "TRADINGBOT_SETTINGS", "value": "/etc/tradingbot/settings.json"},
                    {"name": "POD_NAME", "value": "x"},
                ],
                "volumeMounts": [
                    {"name": "settings", "mountPath": "/etc/tradingbot/settings.json"},
                    {"name": "exchange", "mountPath": "/etc/tradingbot/secrets/exchange"},
                    {"name": "data", "mountPath": "/data"},
                ],
            }
        ],
        "volumes": [
            {"name": "settings", "configMap": {"name": "btc-0123456789"}},
            {"name": "exchange", "secret": {"secretName": "keys"}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "btc-data"}},
        ],
    }
}


def body(spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    """A TradingBot as the API server would give it."""
    meta = {"name": "btc", "namespace": "trading", "uid": UID, "generation": 1, "resourceVersion": "7"}
    return {
        "apiVersion": "tradingbot.io/v1alpha1",
        "kind": "TradingBot",
        "metadata": meta | metadata,
        "spec": MINIMAL if spec is None else spec,
    }


def bot(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **metadata: Any) -> Bot:
    return replace(parse(body(spec, **metadata)), status=status or {})


def pod(**changes: Any) -> Pod:
    made = Pod("btc-blue-abc", "pod-1", "blue", "r1", True, False, "10.0.0.5", None, {})
    return replace(made, **changes)


def workload(**changes: Any) -> Workload:
    made = Workload("btc-blue", "deployment-1", "blue", "r1", 1, 1, 1, 1, 1, UID)
    return replace(made, **changes)


def halt(**changes: Any) -> Halt:
    return replace(Halt("h1", "halt", "annotation", "spread looks wrong", "2026-11-21T13:00:00Z"), **changes)


def said(**changes: Any) -> Report:
    made = Report("pod-1/1", "trading", True, epoch=4, highest_epoch=4, ledger_id="q3v9zk", holder="blue")
    return replace(made, **changes)


def observed(**changes: Any) -> Observed:
    return replace(Observed(), **changes)


def tokens(**changes: Any) -> TokenSecret:
    return replace(TokenSecret("btc-api", "12", NOW), **changes)


def revision(number: int, name: str | None = None, **changes: Any) -> Revision:
    name = name or f"r{number}"
    return replace(Revision(name, f"uid-{name}", number, f"btc-config-{name}"), **changes)


def facts(spec: dict[str, Any] | None = None, trouble: Trouble | None = None, **changes: Any) -> Facts:
    """A bot after a pass; *seen*, *status*, *site*, *now*, *metadata* and *action* may be given."""
    subject = bot(spec, changes.pop("status", None), **changes.pop("metadata", {}))
    seen = changes.pop("seen", observed())
    now = changes.pop("now", NOW)
    plan = decide(subject, seen, changes.pop("site", SITE), now)
    assert not changes, changes
    return Facts(subject, seen, plan, Applied(trouble), now)


def layout(run: Run, selector: str = "blue") -> Layout:
    """One colour, as before the first swap."""
    return Layout((Post("blue", run.revision, run.replicas),), selector)


def row(**changes: Any) -> LeaseRow:
    made = LeaseRow("q3v9zk", 4, "blue", "pod-1/1", None, None, None, False, signs=(Sign("pod-1/1", "trader", 100),))
    return replace(made, **changes)


def reach(
    ledger: Ledger | None = None,
    node: Node | None = None,
    strike: Callable[[str, bool], None] | None = None,
    watch: Watch | None = None,
) -> Reach:
    """The lease and the processes of a model, and a Prometheus; without one, nothing answers."""

    async def door(*_: Any) -> FakeDoor:
        if ledger is None:
            raise LedgerAway("there is no ledger here")
        return FakeDoor(ledger, strike)

    async def ask(pod: Pod) -> Report | None:
        process = node.at(pod.uid) if node else None
        return node.report(process) if node and process else None

    return Reach(door, ask, lambda: ledger.now / 1000 if ledger else 0.0, watch=watch, untold_seconds=0.0)


def task(spec: dict[str, Any] | None = None, **changes: Any) -> Task:
    made = parse_task(
        {
            "metadata": {"name": "t", "namespace": "trading", "uid": "task-1", "generation": 1, "resourceVersion": "3"},
            "spec": {"bot": "btc", "type": "rollback"} if spec is None else spec,
        }
    )
    return replace(made, **changes)


def site(**changes: Any) -> Site:
    return replace(SITE, **changes)


def moment(**changes: Any) -> Moment:
    return replace(Moment(NOW, SITE, TOKENS, observed()), **changes)

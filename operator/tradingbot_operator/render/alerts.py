"""The alert rules of one bot; manifests/monitoring holds the same for whoever loads a file, for all bots at once."""

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.monitoring import rule_name
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.render.metadata import metadata

RUNBOOKS = "docs/runbooks/"
NAME = "{{ $labels.bot }}"


def prometheus_rule(bot: Bot, spec: BotSpec) -> Manifest:
    """The bot's rules, under the labels its Prometheus may select by."""
    meta = metadata(bot, rule_name(bot))
    meta["labels"] = {**spec.monitoring.labels, **meta["labels"]}
    own = f'{{namespace="{bot.namespace}",bot="{bot.name}"}}'
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": meta,
        "spec": {"groups": groups(own)},
    }


def groups(own: str = "") -> list[Manifest]:
    """Every rule on the series that *own* selects; the limits are the bots' own, so no rule is edited for one."""
    lost = f"daily_pnl{own} <= -max_daily_loss{own} and max_daily_loss{own} > 0"
    fell = f"drawdown{own} >= max_drawdown_limit{own} and max_drawdown_limit{own} > 0"
    limit = "which is its limit"
    halts = [
        _rule(
            "DailyLossLimitBreached",
            lost,
            "P0",
            f"{NAME} has lost {{{{ $value }}}} today, {limit}",
            "halts.md#daily-loss",
        ),
        _rule(
            "DrawdownLimitBreached",
            fell,
            "P0",
            f"{NAME} is {{{{ $value | humanizePercentage }}}} below its highest equity, {limit}",
            "halts.md#drawdown",
        ),
        _rule(
            "TradingHalted",
            f"trading_halted{own} == 1",
            "P1",
            f"{NAME} is halted; the reason is in its condition Halted",
            "halts.md#halted",
        ),
    ]
    keys = _rule(
        "ApiKeyRotationDue",
        f"api_key_age_days{own} > api_key_age_limit_days{own}",
        "P2",
        f"the exchange keys of {NAME} are {{{{ $value | humanize }}}} days old",
        "halts.md#keys-that-grew-old",
    )
    return [
        {"name": "tradingbot-halts", "rules": halts},
        {"name": "tradingbot-keys", "rules": [keys]},
        {"name": "tradingbot-venue", "rules": venue(own)},
        {"name": "tradingbot-safety", "rules": safety(own)},
    ]


def safety(own: str = "") -> list[Manifest]:
    """What a bot without real money must never do, and a namespace for such bots must never see."""
    traded = f"increase(trades_total{_with(own, 'simulated', 'false')}[10m]) > 0"
    paper_only = 'kube_namespace_labels{label_tradingbot_io_paper_only="true"} == 1'
    found = (
        ("attempt", f"increase(real_trades_blocked_total{own}[10m]) > 0", "was kept from real money"),
        ("mode", f"paper_mode_consistent{own} == 0", "has settings and a pod that disagree on whether money is real"),
        ("trade", f"{traded} and on (namespace) ({paper_only})", "trades with real money in a paper-only namespace"),
    )
    return [_violation(*each) for each in found]


def _violation(reason: str, expression: str, said: str) -> Manifest:
    page = "halts.md#paper-trading-violation"
    rule = _rule("PaperTradingViolation", expression, "P0", f"{NAME} {said}", page)
    return {**rule, "labels": {**rule["labels"], "reason": reason}}


def venue(own: str = "") -> list[Manifest]:
    """What is not well between a bot and its venue; it clears by itself, or somebody has to look."""
    opened = _rule(
        "CircuitBreakerOpen",
        f"circuit_breaker_state{_with(own, 'state', 'open')} == 1",
        "P0",
        f"{{{{ $labels.breaker }}}} of {NAME} has failed for ten minutes; nothing is entered",
        "venue.md#a-breaker-is-open",
    )
    flapping = _rule(
        "CircuitBreakerFlapping",
        f"increase(circuit_breaker_trips_total{own}[1h]) > 3",
        "P1",
        f"{{{{ $labels.breaker }}}} of {NAME} opens again and again",
        "venue.md#a-breaker-opens-again-and-again",
    )
    drift = _rule(
        "ClockDrift",
        f"clock_state{_with(own, 'state', 'ok')} == 0",
        "P2",
        f"the clock of the node of {NAME} and the venue's are apart",
        "venue.md#the-clock-is-off",
    )
    return [{**opened, "for": "10m"}, flapping, {**drift, "for": "1m"}]


def _with(own: str, label: str, value: str) -> str:
    inside = own.strip("{}")
    return "{" + (f"{inside}," if inside else "") + f'{label}="{value}"' + "}"


def _rule(alert: str, expression: str, priority: str, summary: str, page: str) -> Manifest:
    return {
        "alert": alert,
        "expr": expression,
        "labels": {"severity": "critical" if priority == "P0" else "warning", "priority": priority},
        "annotations": {"summary": summary, "runbook_url": f"{RUNBOOKS}{page}"},
    }

"""The alert rules of one bot; manifests/monitoring holds the same for whoever loads a file, for all bots at once."""

from dataclasses import dataclass

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.monitoring import rule_name
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.render.metadata import metadata

RUNBOOKS = "docs/runbooks/"
NAME = "{{ $labels.bot }}"
UPTIME, DATABASE = "uptime_ratio", "database_size_bytes"
UNITS = {"Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@dataclass(frozen=True, slots=True)
class Lasting:
    """What a bot is to keep to over weeks: the share of time it runs, and how large its database may become."""

    uptime: str = "0.95"
    database_bytes: str = "21474836480"


USUAL = Lasting()


def prometheus_rule(bot: Bot, spec: BotSpec) -> Manifest:
    """The bot's rules, under the labels its Prometheus may select by."""
    meta = metadata(bot, rule_name(bot))
    meta["labels"] = {**spec.monitoring.labels, **meta["labels"]}
    own = f'{{namespace="{bot.namespace}",bot="{bot.name}"}}'
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": meta,
        "spec": {"groups": groups(own, lasting(spec))},
    }


def lasting(spec: BotSpec) -> Lasting:
    """By spec.monitoring.thresholds, where they name it; a database fills the claim of the bot else."""
    asked = {each.name: each.warning for each in spec.monitoring.thresholds if each.warning}
    claim = str(int(spec.storage.size[:-2]) * UNITS[spec.storage.size[-2:]])
    return Lasting(asked.get(UPTIME) or USUAL.uptime, asked.get(DATABASE) or claim)


def groups(own: str = "", kept: Lasting = USUAL) -> list[Manifest]:
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
        # Seldom: a month of scrapes is read each time.
        {"name": "tradingbot-weeks", "interval": "5m", "rules": weeks(own, kept)},
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


def weeks(own: str, kept: Lasting) -> list[Manifest]:
    """What only shows in the long run."""
    ratio = f"bot:uptime:ratio_30d{own}"
    down = _rule(
        "BotUptimeBelowTarget",
        f"{ratio} < {kept.uptime}",
        "P1",
        f"{NAME} ran for {{{{ $value | humanizePercentage }}}} of the last 30 days",
        "upkeep.md#a-bot-was-down-too-often",
    )
    grows = _rule(
        "DatabaseGrowth",
        f"predict_linear(database_size_bytes{own}[6h], 7 * 86400) > {kept.database_bytes}",
        "P2",
        f"the database of {NAME} would be {{{{ $value | humanize1024 }}}}B large in a week",
        "upkeep.md#the-database-grows",
    )
    running = f"max by (namespace, bot) (avg_over_time(bot_running{own}[30d]))"
    return [{"record": "bot:uptime:ratio_30d", "expr": running}, down, {**grows, "for": "1h"}]


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

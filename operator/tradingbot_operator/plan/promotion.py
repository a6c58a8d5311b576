"""What stands between practice and money: gates before the first live process starts. Unknown is not passed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.condition import Truth
from tradingbot_operator.domain.handover import Verdict
from tradingbot_operator.domain.monitoring import Watched, configured
from tradingbot_operator.domain.names import SKIP_GATES
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.practice import Evidence, config_hash
from tradingbot_operator.domain.spec import BotSpec, Mode
from tradingbot_operator.plan.modes import was_live
from tradingbot_operator.plan.probing import PASSED, REFUSED, SKIPPED
from tradingbot_operator.plan.sides import skip_reason, skipped

PAPER_DAYS = timedelta(days=14)
DRY_RUN = timedelta(minutes=1)
HALT_TRIED_WITHIN = timedelta(days=30)
# What manifests/monitoring loads; somebody must be told when money is lost or nobody trades.
RULES = frozenset({"DailyLossLimitBreached", "DrawdownLimitBreached", "TradingHalted"})
LOOK_AGAIN_SECONDS = 60.0
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Case:
    bot: Bot
    spec: BotSpec
    evidence: Evidence
    now: datetime
    watched: Watched | None = None

    def practised(self, mode: Mode) -> timedelta:
        """How long this configuration traded in *mode*, under whatever name."""
        config = config_hash(self.spec)
        own = [each for each in self.evidence.spells if (each.mode, each.config) == (mode.value, config)]
        return sum((each.lasted(self.now) for each in own), timedelta(0))


def is_live(bot: Bot, observed: Observed) -> bool:
    """Whether what trades, or traded last, does so with money: nothing is promoted then."""
    said = observed.report.mode if observed.report else None
    return (said or (bot.status.get("active") or {}).get("mode")) == Mode.LIVE.value


def is_promotion(bot: Bot, spec: BotSpec, observed: Observed) -> bool:
    """One that traded money with this configuration before was proved then, and goes back to it as it left."""
    asked = spec.mode is Mode.LIVE and not spec.suspend and not is_live(bot, observed)
    return asked and not was_live(bot, config_hash(spec))


def paper_days(case: Case) -> str | None:
    """It traded on paper for fourteen days."""
    done = case.practised(Mode.PAPER)
    if done >= PAPER_DAYS:
        return None
    return f"status.practice: {done / DAY:.1f} of 14 days of mode paper with this configuration; let it trade on paper"


def dry_run(case: Case) -> str | None:
    """It decided once on live data without sending anything."""
    if case.practised(Mode.DRY_RUN) >= DRY_RUN:
        return None
    return "status.practice: NoDryRun: no mode dry-run with this configuration; let it run for a minute"


def alerts(case: Case) -> str | None:
    """Somebody is told when it loses or stops: what the condition says, and the word of Prometheus itself."""
    stands, _, why = configured(case.bot, case.watched)
    if stands is Truth.FALSE:
        return why
    server = case.spec.monitoring.prometheus
    if server is None:
        return "spec.monitoring.prometheus: not set, so nobody knows whether alert rules are loaded; set its address"
    if case.evidence.rules is None:
        return f"spec.monitoring.prometheus: '{server}' does not say which rules it has; mend it or the address"
    lacking = ", ".join(sorted(RULES - case.evidence.rules))
    return f"spec.monitoring.prometheus: '{server}' lacks {lacking}; load manifests/monitoring" if lacking else None


def kill_path(case: Case) -> str | None:
    """Somebody has stopped it not long ago, and it stopped."""
    config = config_hash(case.spec)
    tried = [
        datetime.fromisoformat(each.halted) for each in case.evidence.spells if each.config == config and each.halted
    ]
    if any(case.now - each <= HALT_TRIED_WITHIN for each in tried):
        return None
    return "status.practice: no halt of this configuration in 30 days; halt it on paper once, and resume it"


def doctor(case: Case) -> str | None:
    """A candidate beside a trader is examined before the switch; of a first start nobody can know."""
    if (case.bot.status.get("active") or {}).get("revision") and case.spec.rollout.strategy == "BlueGreen":
        return None
    return "spec.mode: nothing trades beside which a candidate could be examined; run atb doctor with these settings"


GATES: tuple[tuple[str, Callable[[Case], str | None]], ...] = (
    ("paper-days", paper_days),
    ("dry-run", dry_run),
    ("alerts", alerts),
    ("kill-path", kill_path),
    ("doctor", doctor),
)


def verdicts(bot: Bot, spec: BotSpec, observed: Observed, now: datetime) -> tuple[Verdict, ...]:
    """What every gate says now; none where nothing is promoted."""
    if not is_promotion(bot, spec, observed):
        return ()
    case = Case(bot, spec, observed.evidence or Evidence(), now, observed.watched)
    note = bot.annotations.get(SKIP_GATES, "")
    return tuple(_verdict(name, gate, case, note) for name, gate in GATES)


def _verdict(name: str, gate: Callable[[Case], str | None], case: Case, note: str) -> Verdict:
    if name in skipped(note):
        return Verdict(name, SKIPPED, skip_reason(note))
    sentence = gate(case)
    return Verdict(name, PASSED) if sentence is None else Verdict(name, REFUSED, sentence)


def blocked(said: tuple[Verdict, ...]) -> Keep | None:
    """Why no live process may start; nothing that runs is touched."""
    refused = [each for each in said if each.result == REFUSED]
    if not refused:
        return None
    names = ",".join(each.gate for each in refused)
    cure = f"or skip with the annotation {SKIP_GATES}: '{names} REASON'"
    return Keep("PromotionBlocked", f"{'; '.join(each.message for each in refused)}; {cure}", LOOK_AGAIN_SECONDS)

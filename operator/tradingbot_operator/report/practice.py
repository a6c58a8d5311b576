"""What a pass adds to the record of practice, and what it says of the gates before money."""

from dataclasses import asdict
from typing import Any

from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.practice import Working, config_hash, noted, parse_practice, written
from tradingbot_operator.domain.spec import Mode
from tradingbot_operator.report.facts import Facts

# Live is no practice, but a configuration that was live needs none when it comes back.
PRACTISED = (Mode.PAPER.value, Mode.DRY_RUN.value, Mode.LIVE.value)


def practice(facts: Facts) -> list[dict[str, Any]] | None:
    """The spells after this pass; None where there are none."""
    known = parse_practice(facts.bot.status)
    return written(noted(known, _working(facts), facts.now)) or None


def _working(facts: Facts) -> Working | None:
    """What trades without money; only what the spec asks for tells which configuration that is."""
    said, pod = facts.report, facts.active_pod
    if said is None or pod is None or said.mode not in PRACTISED:
        return None
    asked = facts.asked is not None and pod.revision == facts.asked and not isinstance(facts.bot.spec, Rejection)
    config = config_hash(facts.bot.spec) if asked and not isinstance(facts.bot.spec, Rejection) else None
    obeyed = [each.since for each in said.halts if each.cause == "Requested"] if said.state == "halted" else []
    return Working(said.mode, pod.revision, config, said.state == "trading", max(obeyed, default=None))


def promotion(facts: Facts) -> dict[str, Any] | None:
    """The gates as they stand; after the promotion as they stood."""
    gates = facts.plan.gates
    if not gates or isinstance(facts.bot.spec, Rejection):
        return facts.bot.status.get("promotion")
    return {"config": config_hash(facts.bot.spec), "gates": [asdict(each) for each in gates]}

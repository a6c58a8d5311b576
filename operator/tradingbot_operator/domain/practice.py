"""How long a configuration was practised without money: spells of trading, kept in the status, compared by hash."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tradingbot_operator.domain.revision import digest
from tradingbot_operator.domain.spec import BotSpec

# Enough for each mode of a few configurations; the oldest go first.
KEPT = 8


@dataclass(frozen=True, slots=True)
class Spell:
    """How long *config* was traded in *mode*, up to *since* and from then on; when a halt was obeyed meanwhile."""

    mode: str
    config: str
    revision: str
    seconds: int = 0
    since: datetime | None = None
    halted: str | None = None

    def lasted(self, now: datetime) -> timedelta:
        running = now - self.since if self.since else timedelta(0)
        return timedelta(seconds=self.seconds) + max(running, timedelta(0))


@dataclass(frozen=True, slots=True)
class Working:
    """What trades at the moment; a *config* of None is that of its revision before. *halted*: a halt it obeys."""

    mode: str
    revision: str
    config: str | None
    trades: bool
    halted: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a promotion: the spells of every bot of the namespace, and the alert rules that are loaded.

    *rules* of None: nobody could say.
    """

    spells: tuple[Spell, ...] = ()
    rules: frozenset[str] | None = None


def config_hash(spec: BotSpec) -> str:
    """Equal for bots that would decide and be limited alike, whatever their mode, image, ledger and keys."""
    decides = spec.model_dump(mode="json", by_alias=True, include={"strategy", "engine", "risk"}, exclude_none=True)
    others = [each.model_dump(mode="json", by_alias=True) for each in spec.strategies]
    decides |= {"strategies": others} if others else {}
    return digest({**decides, "venue": spec.exchange.name, "symbols": sorted(spec.exchange.symbols)}, 10)


def parse_practice(status: Mapping[str, Any]) -> tuple[Spell, ...]:
    """The spells a status tells of; one that cannot be understood is no practice."""
    return tuple(spell for said in status.get("practice") or () if (spell := _parsed(said)) is not None)


def _parsed(said: Mapping[str, Any]) -> Spell | None:
    try:
        since = datetime.fromisoformat(said["since"]) if said.get("since") else None
        return Spell(said["mode"], said["config"], said["revision"], int(said["seconds"]), since, said.get("halted"))
    except (KeyError, ValueError, TypeError):
        return None


def written(spells: Iterable[Spell]) -> list[dict[str, Any]]:
    """As the status holds them, without what is not there."""
    every = (
        {
            "mode": each.mode,
            "config": each.config,
            "revision": each.revision,
            "seconds": each.seconds,
            "since": _moment(each.since) if each.since else None,
            "halted": each.halted,
        }
        for each in spells
    )
    return [{name: value for name, value in each.items() if value is not None} for each in every]


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def noted(spells: tuple[Spell, ...], working: Working | None, now: datetime) -> tuple[Spell, ...]:
    """The spells after this look: one goes on while the same trades, ends when it does not, and never runs twice."""
    going = _going(spells, working)
    closed = tuple(each if each == going else _ended(each, now) for each in spells)
    if going is None or working is None:
        return closed
    halted = max((each for each in (going.halted, working.halted) if each), default=None)
    since = (going.since or now) if working.trades else None
    seconds = going.seconds if working.trades else _ended(going, now).seconds
    after = replace(going, revision=working.revision, seconds=seconds, since=since, halted=halted)
    return (*(each for each in closed if each != going), after)[-KEPT:] if after != going else closed


def _going(spells: tuple[Spell, ...], working: Working | None) -> Spell | None:
    """The spell that what works belongs to; a new one where it is the first of its kind and trades."""
    if working is None:
        return None
    known = (each for each in spells if each.revision == working.revision and each.mode == working.mode)
    config = working.config or next((each.config for each in known), None)
    if config is None:
        return None
    found = next((each for each in spells if (each.mode, each.config) == (working.mode, config)), None)
    return found or (Spell(working.mode, config, working.revision) if working.trades else None)


def _ended(spell: Spell, now: datetime) -> Spell:
    if spell.since is None:
        return spell
    return replace(spell, seconds=int(spell.lasted(now).total_seconds()), since=None)

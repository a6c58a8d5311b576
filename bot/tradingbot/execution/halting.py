"""Halts as the engine holds them: they act from memory at once, and are latched in the ledger now or when it can."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tradingbot.domain.errors import LedgerUnavailable, UnknownState
from tradingbot.domain.halt import Halt, HaltKind, most_restrictive, switched
from tradingbot.domain.ledger import Ledger


@dataclass(slots=True)
class Halts:
    """The halts that stand, by id; *unlatched* ones are not in the ledger yet.

    *off* are the strategies that a person has switched off, which are latched the same way and halt nothing else.
    """

    ledger: Ledger
    standing: dict[str, Halt] = field(default_factory=dict)
    unlatched: dict[str, Halt] = field(default_factory=dict)
    off: dict[str, Halt] = field(default_factory=dict)

    @property
    def ruling(self) -> HaltKind | None:
        return most_restrictive(self.standing.values())

    def add(self, halt: Halt) -> Halt:
        """*halt* rules from now on, and is given back as the ledger names it; one that is away does not delay it."""
        self.unlatched[halt.id] = halt
        self._stands(halt)
        try:
            names = self.latch()
            self.refresh()
        except (LedgerUnavailable, UnknownState):
            return halt
        return replace(halt, id=names[halt.id])

    def refresh(self) -> None:
        """What stands is what the ledger says, with everything of ours latched in it first."""
        self.latch()
        found = self.ledger.halts()
        # Only now: what cannot be read takes nothing away.
        self.standing, self.off = {}, {}
        for halt in found:
            self._stands(halt)

    def _stands(self, halt: Halt) -> None:
        strategy = switched(halt.id)
        if strategy is None:
            self.standing[halt.id] = halt
        else:
            self.off[strategy] = halt

    def switch(self, halt: Halt) -> None:
        """The strategy that *halt* names enters nothing from now on; a ledger that is away does not delay it."""
        if switched(halt.id) not in self.off:
            self.add(halt)

    def switch_on(self, strategy: str, reason: str, now: datetime) -> None:
        """*strategy* decides again, in the ledger too; raises LedgerUnavailable, and then it does not."""
        self.refresh()
        if strategy in self.off:
            self.ledger.resume(self.off[strategy].id, reason, now)
            self.refresh()

    def latch(self) -> Mapping[str, str]:
        """Everything of ours is in the ledger; by the ids it had, those it stands under."""
        names: dict[str, str] = {}
        for halt in tuple(self.unlatched.values()):
            names[halt.id] = name = self.ledger.latch(halt)
            del self.unlatched[halt.id]
            if name != halt.id and halt.id in self.standing:
                del self.standing[halt.id]
                self.standing[name] = replace(halt, id=name)
        return names

    def resume(self, halt_id: str, reason: str, now: datetime) -> bool:
        """The halt *halt_id* no longer stands, in the ledger neither; False when there was none."""
        known = halt_id in self.standing
        self.refresh()
        cleared = self.ledger.resume(halt_id, reason, now)
        self.standing.pop(halt_id, None)
        return known or cleared

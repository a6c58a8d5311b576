"""Exits that a strategy has decided and nobody could send: they do not wait for its next bar, perhaps a day away."""

from decimal import Decimal

from tradingbot.domain.intent import Action, Intent, Refusal
from tradingbot.domain.order import Outcome, Refused
from tradingbot.execution import exits
from tradingbot.execution.desk import Desk
from tradingbot.execution.send import NO_ROOM

# They never left this process: nothing at the venue, and nothing of the position, speaks against them.
UNSENT = frozenset({NO_ROOM, "NotConnected"})
LATER = frozenset({"Waits", "Unsettled"})


class Owed:
    """Why each symbol is to be left, from the decision that was not sent until it is, or the next one is made."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def decided(self, symbol: str, intent: Intent | None, outcome: Outcome | Refusal | None) -> None:
        """The newest decision of *symbol* is the one that counts."""
        self._reasons.pop(symbol, None)
        if intent is not None and intent.action is Action.EXIT and is_unsent(outcome):
            self._reasons[symbol] = intent.reason

    async def paid(self, desk: Desk, symbol: str, mark: Decimal) -> bool:
        """True when something was sent for what is owed; what finds no way yet stays owed."""
        reason = self._reasons.get(symbol)
        if reason is None:
            return False
        outcome = await exits.leave(desk, symbol, mark, reason)
        if is_unsent(outcome) or (isinstance(outcome, Refusal) and outcome.reason in LATER):
            return False
        del self._reasons[symbol]
        return not isinstance(outcome, Refusal)


def is_unsent(outcome: Outcome | Refusal | None) -> bool:
    """True when it was wanted and never left."""
    if isinstance(outcome, Refused):
        return outcome.code in UNSENT
    return isinstance(outcome, Refusal) and outcome.reason in UNSENT

"""What a check may look at."""

from dataclasses import dataclass
from decimal import Decimal

from exchange_simulator.domain.account import Account
from exchange_simulator.domain.order import Side
from exchange_simulator.domain.rules import Rules


@dataclass(frozen=True, slots=True)
class Situation:
    """The market and the account at the instant a wish arrives."""

    rules: Rules
    account: Account
    bid: Decimal
    ask: Decimal
    # All prices that count as "now": in lockstep the last close and the open that is due.
    prices: tuple[Decimal, ...]
    average: Decimal
    open_orders: int
    waiting_orders: int
    client_ids: frozenset[str]
    halted: bool = False

    def taker_price(self, side: Side) -> Decimal:
        """What an order that takes at once gets."""
        return self.ask if side is Side.BUY else self.bid

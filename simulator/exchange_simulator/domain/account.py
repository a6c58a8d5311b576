"""An account: what is free, what is locked, and the only moves between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from exchange_simulator.domain.numbers import ZERO


@dataclass(frozen=True, slots=True)
class Balance:
    free: Decimal = ZERO
    locked: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Account:
    """One API key's account. No balance is ever below zero: every move is checked."""

    key: str
    secret: str
    balances: Mapping[str, Balance]
    permissions: frozenset[str] = frozenset({"read", "spot"})
    # Empty: commission is taken from what is received; else the coin that pays while it lasts.
    fee_asset: str = ""
    updated_ms: int = 0
    rates: tuple[Decimal, Decimal] | None = field(default=None)
    # Keys of one owner are answered with one uid, as two keys of a person are; empty: each key is its own owner.
    owner: str = ""

    def balance(self, asset: str) -> Balance:
        """What the account holds of *asset*."""
        return self.balances.get(asset, Balance())

    def moved(self, asset: str, free: Decimal, locked: Decimal = ZERO) -> "Account":
        """The account after *free* and *locked* of *asset* changed by these amounts."""
        before = self.balance(asset)
        after = Balance(before.free + free, before.locked + locked)
        if after.free < 0 or after.locked < 0:
            raise ValueError(f"{asset} of {self.key} would become {after.free} free, {after.locked} locked")
        return replace(self, balances={**self.balances, asset: after})

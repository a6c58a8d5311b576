"""What the simulator is started with, read from flags and environment."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from exchange_simulator.dialect.limits import Limits
from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.domain.rules import Fees
from exchange_simulator.market.clock import Mode, Pace

DEMO = "simulator-demo"
DEMO_BALANCES = {"USDT": "10000", "BUSD": "10000", "USD": "10000", "BTC": "0", "ETH": "0", "BNB": "0"}
# The folder beside the package in the repository and in the image.
DATA = Path(__file__).resolve().parent.parent / "data"


class BadFlag(Exception):
    """A flag must change; the message names it, its value and the cure."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a venue is made from; `port` 0 takes a free one."""

    port: int = 8080
    listen: str = "127.0.0.1"
    pace: Pace = field(default_factory=lambda: Pace(Mode.WALL))
    data: Path = DATA
    seed: int = 7
    accounts: tuple[Account, ...] = ()
    start_ms: int | None = None
    fees: Fees = field(default_factory=Fees)
    limits: Limits = field(default_factory=Limits)


def pace(text: str) -> Pace:
    """`1` is wall time, `lockstep` stands, any other positive number runs that much faster."""
    if text == "lockstep":
        return Pace(Mode.LOCKSTEP)
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 100_000:
        raise BadFlag(f"--speed {text!r} is neither lockstep nor a number above 0 and at most 100000")
    return Pace(Mode.WALL) if speed == 1 else Pace(Mode.FREE, speed)


def account(text: str) -> Account:
    """`KEY:SECRET:USDT=10000,BTC=0` as an account."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or not parts[0] or not parts[1]:
        raise BadFlag(f"--account {text!r} is not KEY:SECRET:USDT=10000,BTC=0")
    rows = [row.partition("=") for row in (parts[2].split(",") if len(parts) > 2 and parts[2] else [])]
    return Account(parts[0], parts[1], {asset: Balance(free=balance(text, value)) for asset, _, value in rows})


def balance(whole: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value < 0:
        raise BadFlag(f"--account {whole!r} holds the balance {text!r}: write a decimal of zero or more")
    return value


def accounts(texts: Iterable[str]) -> tuple[Account, ...]:
    """The public demo account and all that were asked for; a later one of the same key wins."""
    demo = Account(DEMO, DEMO, {asset: Balance(free=Decimal(value)) for asset, value in DEMO_BALANCES.items()})
    made = {one.key: one for one in (demo, *(account(text) for text in texts if text))}
    return tuple(made.values())

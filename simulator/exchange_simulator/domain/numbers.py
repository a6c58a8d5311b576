"""Decimal arithmetic that every part shares."""

from decimal import ROUND_DOWN, Decimal

ZERO = Decimal(0)
ONE = Decimal(1)
# The dialect writes every amount with eight decimals.
EIGHT = Decimal("0.00000001")


def floored(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of *step* that is not above *value*."""
    return (value // step) * step


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """True when *value* is a whole number of *step*."""
    return value % step == 0


def truncated(value: Decimal) -> Decimal:
    """*value* cut to eight decimals, as the venue does with commissions."""
    return value.quantize(EIGHT, rounding=ROUND_DOWN)

"""Amounts as the venue writes them."""

from decimal import Decimal

from exchange_simulator.domain.numbers import EIGHT


def text(value: Decimal) -> str:
    """Eight decimals, or more where the exact value has more."""
    if value == value.quantize(EIGHT):
        value = value.quantize(EIGHT)
    return format(value, "f")

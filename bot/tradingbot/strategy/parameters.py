"""Strategy parameters come as a map of strings; every error is one sentence with field, value and cure."""

from collections.abc import Mapping

from tradingbot.domain.errors import Misconfigured


def known(parameters: Mapping[str, str], names: frozenset[str]) -> None:
    """Raises Misconfigured when a parameter is none of *names*."""
    for name in parameters:
        if name not in names:
            raise Misconfigured(f"strategy.parameters.{name} is unknown; use {', '.join(sorted(names))}")


def whole(parameters: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    """The whole number *name*, at least *least* and at most 5000."""
    text = parameters.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= 5000:
        raise Misconfigured(f"strategy.parameters.{name} is {text!r}; give a whole number from {least} to 5000")
    return int(text)


def number(parameters: Mapping[str, str], name: str, default: float, bounds: tuple[float, float]) -> float:
    """The number *name* inside *bounds*, for indicator maths."""
    text = parameters.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not bounds[0] <= value <= bounds[1]:
        raise Misconfigured(f"strategy.parameters.{name} is {text!r}; give a number from {bounds[0]} to {bounds[1]}")
    return value

"""Which parameters are tried: every combination of the values named, in the order they were named."""

from collections.abc import Mapping, Sequence
from itertools import product

from tradingbot.domain.errors import Misconfigured

MOST = 500
# What is tried where nobody says what to try.
USUAL: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "sma_cross": {"fast": ("5", "10", "20"), "slow": ("30", "50", "100")},
    "rsi": {"period": ("7", "14", "21"), "lower": ("20", "30"), "upper": ("70", "80")},
}


def parse_axes(strategy: str, texts: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The values to try of each parameter, from texts ``NAME=VALUE,VALUE``; raises Misconfigured in one sentence."""
    if not texts:
        if strategy not in USUAL:
            raise Misconfigured(f"--grid is missing: of {strategy} nothing is tried unasked; write NAME=VALUE,VALUE")
        return USUAL[strategy]
    axes: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        known = tuple(dict.fromkeys(value for value in values.split(",") if value))
        if not name or not known:
            raise Misconfigured(f"--grid '{text}' names nothing to try: write NAME=VALUE,VALUE")
        if name in axes:
            raise Misconfigured(f"--grid names {name} twice: write all its values once, {name}=VALUE,VALUE")
        axes[name] = known
    return axes


def points(axes: Mapping[str, tuple[str, ...]]) -> tuple[Mapping[str, str], ...]:
    """Every combination; raises Misconfigured when there are more than anybody waits for."""
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > MOST:
        raise Misconfigured(f"--grid asks for {count} combinations, and {MOST} are the most: name fewer values")
    return tuple(dict(zip(axes, values, strict=True)) for values in product(*axes.values()))

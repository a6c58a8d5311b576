"""How much a price moves from bar to bar."""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

# So many bars are looked at, the newest ones.
MEASURED = 60


def volatility(closes: Sequence[float]) -> float:
    """The standard deviation of the relative changes of *closes*, one after the other; 0 where fewer than two are."""
    changes = [after / before - 1 for before, after in pairwise(closes) if before > 0]
    if not changes:
        return 0.0
    mean = sum(changes) / len(changes)
    return sqrt(sum((change - mean) ** 2 for change in changes) / len(changes))

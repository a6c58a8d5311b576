"""What a pass is given from outside, and nothing in it reads a clock or makes a random number."""

from dataclasses import dataclass
from datetime import datetime

from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.site import Site, Tokens

FORM = "%Y-%m-%dT%H:%M:%SZ"


def soonest(*seconds: float | None) -> float | None:
    """The nearest of several times to look again, or None when there is no need at all."""
    return min((each for each in seconds if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class Moment:
    now: datetime
    site: Site
    tokens: Tokens
    seen: Observed

    @property
    def text(self) -> str:
        return self.now.strftime(FORM)

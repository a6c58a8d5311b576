"""How old exchange keys may become before a person is reminded to change them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tradingbot_operator.domain.spec import BotSpec

THRESHOLD = "api_key_age_days"
USUAL_DAYS = Decimal(30)


@dataclass(frozen=True, slots=True)
class KeyAge:
    """When keys were changed last, and after how many days they are to be changed again."""

    since: datetime
    limit_days: Decimal

    def is_due(self, now: datetime) -> bool:
        return self.days(now) > self.limit_days

    def days(self, now: datetime) -> Decimal:
        return Decimal(round((now - self.since) / timedelta(seconds=1))) / 86400


def key_age(spec: BotSpec, since: datetime) -> KeyAge:
    """The limit is the warning of threshold api_key_age_days, where the spec has one."""
    asked = (each.warning for each in spec.monitoring.thresholds if each.name == THRESHOLD and each.warning)
    return KeyAge(since, next((Decimal(days) for days in asked), USUAL_DAYS))

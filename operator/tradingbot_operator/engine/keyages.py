"""How old each bot's keys are, told when it is asked for: an age grows between two passes."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

LABELS = ("namespace", "bot")
Days = tuple[Decimal, Decimal]


class KeyAges(Collector):
    """Two gauges for each bot that *known* gives age and limit of, by its namespace and name."""

    def __init__(self, known: Callable[[], Mapping[tuple[str, str], Days]]) -> None:
        self._known = known

    def collect(self) -> Iterator[GaugeMetricFamily]:
        ages = GaugeMetricFamily("api_key_age_days", "Days since the exchange keys of a bot changed.", labels=LABELS)
        limits = GaugeMetricFamily("api_key_age_limit_days", "Days after which they are to change.", labels=LABELS)
        for bot, (age, limit) in self._known().items():
            ages.add_metric(bot, float(age))
            limits.add_metric(bot, float(limit))
        yield from (ages, limits)

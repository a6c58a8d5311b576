"""The budgets as Prometheus sees them, read at each scrape."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tradingbot.gate.desk import Desk


class Gauges(Collector):
    """A collector that reads the desk; every provider has its series from the start."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        now = self._desk.clock()
        used = GaugeMetricFamily("rate_gate_quota_used", "Used of a limit", labels=("provider", "limit"))
        most = GaugeMetricFamily("rate_gate_quota_limit", "Most that a limit allows", labels=("provider", "limit"))
        shut = GaugeMetricFamily("rate_gate_blocked_seconds", "Time until it may be asked again", labels=("provider",))
        told = CounterMetricFamily("rate_gate_backoff_count", "Answers that told us to wait", labels=("provider",))
        for name, quota in self._desk.quotas.items():
            for limit, spent in zip(quota.provider.limits, quota.spent, strict=True):
                used.add_metric((name, limit.name), spent.used(now))
                most.add_metric((name, limit.name), limit.capacity)
            shut.add_metric((name,), quota.shut_for(now))
            told.add_metric((name,), quota.backoffs)
        yield from (used, most, shut, told)

"""What Prometheus is told of the operator, in a registry of its own."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

RESULTS = ("done", "stalled", "gone", "outdated", "unavailable", "error")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Tally:
    """Every metric of the operator (docs: reference/metrics)."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self.registry = registry
        self._passes = Counter(
            "tradingbot_operator_reconcile",
            "Passes over a bot or task, by how they ended.",
            ("kind", "result"),
            registry=registry,
        )
        self._duration = Histogram(
            "tradingbot_operator_reconcile_duration_seconds",
            "How long one pass took.",
            ("kind",),
            registry=registry,
            buckets=BUCKETS,
        )
        self._events = Counter(
            "tradingbot_operator_events",
            "Watch events received, by kind and change.",
            ("kind", "change"),
            registry=registry,
        )
        self._purged = Counter(
            "tradingbot_operator_ghosts_purged",
            "Records dropped because their object was gone unseen.",
            ("kind",),
            registry=registry,
        )
        self._leader = Gauge("tradingbot_operator_leader", "Whether this process is the leader.", registry=registry)
        self._last = Gauge(
            "tradingbot_operator_last_reconcile_timestamp_seconds", "When the last pass ended.", registry=registry
        )
        Gauge(
            "tradingbot_operator_build_info", "Always 1; the version is the label.", ("version",), registry=registry
        ).labels(version).set(1)
        for kind in ("TradingBot", "BotTask"):
            for result in RESULTS:
                self._passes.labels(kind, result)

    def watch(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """A gauge that is read when it is asked for."""
        Gauge(f"tradingbot_operator_{name}", help_text, registry=self.registry).set_function(value)

    def event(self, kind: str, change: str) -> None:
        self._events.labels(kind, change).inc()

    def passed(self, kind: str, result: str, seconds: float) -> None:
        self._passes.labels(kind, result).inc()
        self._duration.labels(kind).observe(seconds)
        self._last.set_to_current_time()

    def purged(self, kind: str) -> None:
        self._purged.labels(kind).inc()

    def leads(self, leading: bool) -> None:
        self._leader.set(1 if leading else 0)

    def text(self) -> bytes:
        return generate_latest(self.registry)


def names(registry: CollectorRegistry) -> Iterable[str]:
    """The metrics this operator exposes."""
    return sorted(metric.name for metric in registry.collect())

"""What Prometheus is told of the operator, in a registry of its own."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

RESULTS = ("done", "stalled", "gone", "outdated", "unavailable", "refused", "error")
PREFIX = "tradingbot_operator"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


WATCHED = {
    "queue_depth": "Keys that wait for a worker.",
    "queue_oldest_seconds": "How long the first of them has waited.",
    "loop_lag_seconds": "How late the event loop was when last measured.",
    "bots": "TradingBots known.",
    "bots_trading": "TradingBots whose process says that it trades.",
}


class Tally:
    """Every metric of the operator; docs/reference/operator-metrics.md is made of it."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self.registry = registry
        self._passes = self._counter("reconcile", "Passes over a bot or task, by how they ended.", "kind", "result")
        self._events = self._counter("events", "Watch events received.", "kind", "change")
        self._purged = self._counter("ghosts_purged", "Records dropped because their object was gone unseen.", "kind")
        self._asked = self._counter("api_requests", "Requests to the API server, by verb and answer.", "verb", "code")
        self._duration = Histogram(
            f"{PREFIX}_reconcile_duration_seconds",
            "How long a pass took.",
            ("kind",),
            registry=registry,
            buckets=BUCKETS,
        )
        self._leader = self._gauge("leader", "Whether this process is the leader.")
        self._last = self._gauge("last_reconcile_timestamp_seconds", "When the last pass ended.")
        self._watched = {name: self._gauge(name, text) for name, text in WATCHED.items()}
        self._gauge("build_info", "Always 1; the version is the label.", "version").labels(version).set(1)
        for kind in ("TradingBot", "BotTask"):
            for result in RESULTS:
                self._passes.labels(kind, result)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def watch(self, name: str, value: Callable[[], float]) -> None:
        """The gauge is read when it is asked for."""
        self._watched[name].set_function(value)

    def event(self, kind: str, change: str) -> None:
        self._events.labels(kind, change).inc()

    def passed(self, kind: str, result: str, seconds: float) -> None:
        self._passes.labels(kind, result).inc()
        self._duration.labels(kind).observe(seconds)
        self._last.set_to_current_time()

    def purged(self, kind: str) -> None:
        self._purged.labels(kind).inc()

    def asked(self, verb: str, code: str) -> None:
        self._asked.labels(verb, code).inc()

    def leads(self, leading: bool) -> None:
        self._leader.set(1 if leading else 0)

    def text(self) -> bytes:
        return generate_latest(self.registry)

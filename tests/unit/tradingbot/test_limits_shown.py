"""What runbooks read at /status, /metrics and the summary of calls."""

from decimal import Decimal

import pytest
from starlette.testclient import TestClient

from desks import ListeningEngine, desk
from tradingbot.api.desk import ShownLimits
from tradingbot.api.gauges import Gauges
from tradingbot.api.metrics import registry
from tradingbot.api.ops import ops_app
from tradingbot.api.rest import http_app
from tradingbot.api.usage import Usage, Watched
from tradingbot.domain.halt import HaltKind
from tradingbot.domain.snapshot import EngineState, Snapshot

SHOWN = Snapshot(
    state=EngineState.TRADING,
    heartbeat=100.0,
    equity=Decimal(9700),
    day_start_equity=Decimal(10000),
    peak_equity=Decimal(11000),
    database="ok",
    exchange="ok",
)
PEOPLE = {"Authorization": "Bearer people"}


def test_the_tighter_daily_limit_is_the_one_shown():
    """Alerts compare the day's loss with the limit that rules on this day."""
    limits = ShownLimits(Decimal(300), Decimal(2), Decimal(15))
    seen = desk(ListeningEngine(SHOWN), limits=limits, keys_loaded=1)
    metrics = registry(Gauges(seen))
    values = {sample.name: sample.value for family in metrics.collect() for sample in family.samples}
    assert (values["max_daily_loss"], values["daily_pnl"]) == (200.0, -300.0)
    assert values["max_drawdown_limit"] == 0.15
    assert values["keys_loaded"] == 1.0


def test_status_has_the_paths_the_runbooks_ask_for():
    """The loss of the day, the fall from the peak, and whether trading is halted."""
    seen = desk(ListeningEngine(SHOWN))
    answer = TestClient(ops_app(seen, registry(Gauges(seen)))).get("/status").json()
    assert answer["portfolio"]["daily_pnl"] == "-300"
    assert answer["performance"]["max_drawdown"] == "0.118182"
    assert answer["trading"] == {"halted": False, "active": True}


@pytest.mark.parametrize(
    ("path", "kind", "reason"),
    [
        ("/api/trading/disable", HaltKind.REDUCE, "trading disabled"),
        ("/api/emergency/stop-all-trading", HaltKind.HALT, "emergency stop"),
        ("/api/emergency/close-all-positions", HaltKind.FLATTEN, "emergency closure"),
    ],
)
def test_every_way_to_stop_halts_as_it_says(path: str, kind: HaltKind, reason: str) -> None:
    """A reason may be given, and there is one if it is not; without the token nothing stops."""
    engine = ListeningEngine(SHOWN)
    http = TestClient(http_app(desk(engine)))
    assert http.post(path).status_code == 401
    assert http.post(path, headers=PEOPLE).json()["reason"] == reason
    made = http.post(path, json={"reason": "spread"}, headers=PEOPLE)
    assert (made.status_code, made.json()["kind"], made.json()["reason"]) == (201, kind.value, "spread")
    assert http.post(path, json={"why": "spread"}, headers=PEOPLE).status_code == 422


def test_calls_are_counted_by_the_fingerprint_of_their_token():
    """Known callers by path, strangers as one; the token itself is nowhere."""
    seen = desk(ListeningEngine(SHOWN))
    http = TestClient(Watched(http_app(seen), seen.usage))
    for _ in range(5):
        http.get("/api/positions", headers=PEOPLE)
    http.get("/api/positions", headers={"Authorization": "Bearer stranger"})
    http.get("/health")
    summary = http.get("/api/security/api-usage/summary", headers=PEOPLE).json()
    callers = {caller["token"]: caller for caller in summary["callers"]}
    assert (summary["total"], summary["refused"]) == (6, 1)
    assert callers["none"] == {"token": "none", "total": 1, "refused": 1, "calls": {"other": 1}}
    (known,) = (caller for name, caller in callers.items() if name != "none")
    assert known["calls"] == {"GET /api/positions": 5}
    assert "people" not in str(summary)


def test_made_up_paths_cannot_fill_the_memory():
    """Beyond a thousand kinds of calls all others are one."""
    usage = Usage()
    for number in range(1500):
        usage.count("Bearer people", f"GET /api/{number}", 200)
    (caller,) = usage.summary()["callers"]
    assert (len(caller["calls"]), caller["calls"]["other"]) == (1001, 500)

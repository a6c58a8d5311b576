"""Both ports: who may ask what, and what the answers say."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from desks import IDENTITY, NOW, WELL, ListeningEngine, StoredLedger, desk
from tradingbot.api.desk import Desk
from tradingbot.api.metrics import registry
from tradingbot.api.ops import ops_app
from tradingbot.api.rest import http_app
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.lease import LeaseRow
from tradingbot.domain.order import (
    WORKING,
    Cancel,
    Fill,
    Order,
    OrderRecord,
    OrderStatus,
    OrderType,
    Purpose,
    Side,
    VenueWrite,
)
from tradingbot.domain.position import Position
from tradingbot.domain.snapshot import EngineState, HeldPosition, LastDecision, Refused, Snapshot
from tradingbot.domain.trade import Account

PEOPLE = {"Authorization": "Bearer people"}
OPERATOR = {"Authorization": "Bearer operator"}
HALT = Halt("halt-1", HaltKind.REDUCE, "http", "spread looks wrong", NOW)
ROW = LeaseRow("q3v9zk", 3, "blue", IDENTITY.instance, IDENTITY.revision, None, None, None)
WRITE = VenueWrite(
    client_id="tq3v9zk00030000001",
    epoch=3,
    sequence=1,
    request=Order(
        symbol="BTC/USDT",
        side=Side.BUY,
        type=OrderType.MARKET,
        purpose=Purpose.ENTRY,
        quantity=Decimal("0.05000"),
        reason="fast average above slow",
    ),
    timestamp=NOW,
    expires_at=NOW + timedelta(seconds=2),
)
RECORD = OrderRecord(WRITE, OrderStatus.FILLED, Decimal("0.05000"), "42")
TRADE = Fill(
    symbol="BTC/USDT",
    trade_id="7",
    client_id=WRITE.client_id,
    venue_id="42",
    side=Side.BUY,
    quantity=Decimal("0.05000"),
    price=Decimal("20000.10"),
    commission=Decimal("0.00005"),
    commission_asset="BTC",
    at=NOW,
)


def http(at: Desk) -> TestClient:
    return TestClient(http_app(at))


def ops(at: Desk) -> TestClient:
    return TestClient(ops_app(at, registry()))


def showing(snapshot: Snapshot) -> Desk:
    return desk(ListeningEngine(snapshot))


def test_ping_answers_whatever_the_engine_does() -> None:
    """A ping only proves that the server answers."""
    assert ops(showing(Snapshot())).get("/ping").json() == {"pong": True}


@pytest.mark.parametrize(("age", "code"), [(0.0, 200), (29.9, 200), (30.0, 503), (3600.0, 503)])
def test_liveness_is_the_heartbeat_of_the_loop(age: float, code: int) -> None:
    """A loop that has not turned for 30 s is dead, a younger heartbeat is alive; nothing else counts."""
    at = desk(ListeningEngine(replace(WELL, database="gone", exchange="gone")), monotonic=lambda: 100.0 + age)
    assert ops(at).get("/livez").status_code == code


@pytest.mark.parametrize("state", list(EngineState))
def test_every_state_that_can_serve_is_ready(state: EngineState) -> None:
    """Halted, standby and blocked bots are ready: one must be able to ask them; venue and database do not count."""
    at = showing(replace(WELL, state=state, halts=(HALT,), database="gone", exchange="gone"))
    assert ops(at).get("/readyz").status_code == 200


def test_a_process_that_ends_is_not_ready() -> None:
    """Once the process is told to end, the Service sends nobody to it."""
    assert ops(desk(serving=False)).get("/readyz").status_code == 503


HEALTH = [
    (WELL, "healthy", 200),
    (replace(WELL, state=EngineState.STANDBY), "healthy", 200),
    (replace(WELL, state=EngineState.HALTED, halts=(HALT,)), "degraded", 200),
    (replace(WELL, state=EngineState.STANDBY, halts=(HALT,)), "degraded", 200),
    (replace(WELL, state=EngineState.BLOCKED, blocks=("stale data",)), "degraded", 200),
    (replace(WELL, state=EngineState.STOPPING), "degraded", 200),
    (replace(WELL, exchange="timed out"), "unhealthy", 503),
    (replace(WELL, database="connection refused"), "unhealthy", 503),
    (replace(WELL, heartbeat=80.0), "unhealthy", 503),
    (Snapshot(heartbeat=100.0), "unhealthy", 503),
]


@pytest.mark.parametrize(("snapshot", "verdict", "code"), HEALTH)
@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_health_is_unhealthy_only_with_503(path: str, snapshot: Snapshot, verdict: str, code: int) -> None:
    """Healthy and degraded answer 200, unhealthy 503; unknown is unhealthy."""
    answer = http(showing(snapshot)).get(path)
    assert (answer.json()["status"], answer.status_code) == (verdict, code)


def test_health_tells_the_reason_of_the_halt_that_rules() -> None:
    """Of several halts the most restrictive one's reason is shown."""
    flatten = Halt("halt-2", HaltKind.FLATTEN, "flag", "get out", NOW)
    answer = ops(showing(replace(WELL, halts=(HALT, flatten)))).get("/health").json()
    assert answer["haltReason"] == "get out"
    assert answer["halted"] is True


def test_health_has_what_the_runbooks_read() -> None:
    """The report holds uptime, positions, balance, the age of the data and a line for each check."""
    snapshot = replace(WELL, data_seen_at=NOW, data_age_seconds=1.5)
    answer = ops(showing(snapshot)).get("/health").json()
    assert answer["uptime_seconds"] == 60.0
    assert answer["active_positions"] == 0
    assert answer["balance"] == "10010.5"
    assert answer["last_data_update"] == "2026-11-21T12:00:00Z"
    assert answer["data_age_seconds"] == 1.5
    assert answer["checks"]["exchange"] == {"status": "ok"}


def test_status_is_the_form_of_the_contract() -> None:
    """Decimals are strings in full, times RFC 3339 in UTC, and every field of the contract is there."""
    position = Position("BTC/USDT", Decimal("0.05"), Decimal(1000), opened_at=NOW)
    snapshot = replace(
        WELL,
        halts=(HALT,),
        positions=(HeldPosition(position, Decimal("20100"), Decimal("5"), Decimal("19600"), Decimal("0.05")),),
        open_orders=1,
        last_decision=LastDecision("BTC/USDT", NOW, "enter", "fast average above slow"),
        last_orders=(RECORD,),
        wishes=(3, 1),
        refused=(Refused("BelowMinimum", 2, "notional 1 is below the venue's 5"),),
        volatility=(("BTC/USDT", 0.00123456789),),
        filters_age_seconds=60.0,
    )
    at = showing(snapshot)
    at.account = Account((), (), 4096, None, {("binance", "fees"): NOW})
    answer = ops(at).get("/status").json()
    assert answer == {
        "bot": "btc",
        "namespace": "trading",
        "mode": "paper",
        "book": "paper",
        "colour": "blue",
        "revision": "0123456789abcdef0123",
        "instance": "pod-1/start-1",
        "version": "0.1.0",
        "epoch": 3,
        "holder": "blue",
        "state": "trading",
        "trading_active": True,
        "ledger_id": "q3v9zk",
        "highest_epoch": 3,
        "halts": [
            {
                "id": "halt-1",
                "kind": "reduce",
                "source": "http",
                "cause": "Requested",
                "reason": "spread looks wrong",
                "since": "2026-11-21T12:00:00Z",
                "limit": False,
            }
        ],
        "blocks": [],
        "recovering_until": None,
        "equity": "10010.5",
        "cash": "9000",
        "currency": "USDT",
        "trading": {"halted": True, "active": True},
        "portfolio": {"balance": "10010.5", "daily_pnl": "10.5", "open_positions": 1},
        "performance": {"max_drawdown": "0.000948"},
        "positions": [
            {
                "symbol": "BTC/USDT",
                "quantity": "0.05",
                "average_price": "20000",
                "cost": "1000",
                "mark": "20100",
                "unrealised": "5",
                "realised": "0",
                "fees": "0",
                "stop_price": "19600",
                "covered": "0.05",
                "dust": False,
                "opened_at": "2026-11-21T12:00:00Z",
            }
        ],
        "open_orders": 1,
        "unresolved": 0,
        "journal": 0,
        "schema": {"code": "", "ledger": ""},
        "exchange": "ok",
        "database": "ok",
        "clock": "ok",
        "circuit_breakers": [],
        "strategies": [{"name": "sma_cross", "enabled": True, "symbols": ["BTC/USDT"], "trades": 0, "pnl": "0"}],
        "shadow": {"compared": 0, "differing": 0, "quantity_difference_percent": "0"},
        "adoption": None,
        "outside": [],
        "reconciliation": {"at": None, "differences": []},
        "flat": False,
        "rate_limit": None,
        "paper_mode_consistent": None,
        "last_decision": {
            "symbol": "BTC/USDT",
            "bar": "2026-11-21T12:00:00Z",
            "action": "enter",
            "reason": "fast average above slow",
        },
        "wishes": {"enter": 3, "exit": 1},
        "refused": [{"reason": "BelowMinimum", "times": 2, "message": "notional 1 is below the venue's 5"}],
        "last_orders": [ORDER],
        "market_data": {
            "open": True,
            "volatility": {"BTC/USDT": 0.001235},
            "filters_age_seconds": 60.0,
            "updated": {"binance fees": "2026-11-21T12:00:00Z"},
        },
        "started_at": "2026-11-21T12:00:00Z",
    }


ORDER = {
    "client_id": "tq3v9zk00030000001",
    "symbol": "BTC/USDT",
    "status": "filled",
    "at": "2026-11-21T12:00:00Z",
    "epoch": 3,
    "reason": "fast average above slow",
    "message": "",
    "side": "buy",
    "type": "market",
    "purpose": "entry",
    "quantity": "0.05",
    "filled": "0.05",
    "price": None,
    "stop_price": None,
    "venue_id": "42",
}

ROUTES = [
    ("GET", "/api/status"),
    ("GET", "/api/positions"),
    ("GET", "/api/orders"),
    ("GET", "/api/trades"),
    ("POST", "/api/halt"),
    ("POST", "/api/resume"),
    ("POST", "/fence/status"),
    ("POST", "/fence/claim"),
    ("POST", "/fence/retire"),
    ("POST", "/fence/order"),
    ("POST", "/fence/fence"),
    ("POST", "/fence/grant"),
    ("POST", "/fence/hold"),
]
WRONG = [{}, {"Authorization": "people"}, {"Authorization": "Bearer"}, {"Authorization": "Basic people"}]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_the_right_token_every_answer_is_the_same(method: str, path: str) -> None:
    """Nobody learns from the answer what was wrong with the token; the other port's token is wrong too."""
    other = OPERATOR if path.startswith("/api") else PEOPLE
    client = http(desk())
    answers = [client.request(method, path, headers=headers) for headers in (*WRONG, other)]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"


def test_the_scheme_may_be_written_in_any_case() -> None:
    """RFC 9110: schemes are case-insensitive."""
    assert http(desk()).get("/api/status", headers={"Authorization": "bearer people"}).status_code == 200


def test_a_halt_by_http_acts_and_is_told_with_its_id() -> None:
    """POST /api/halt halts as it says, and answers with what one needs to resume."""
    engine = ListeningEngine()
    answer = http(desk(engine)).post("/api/halt", json={"reason": " odd fills ", "kind": "flatten"}, headers=PEOPLE)
    assert answer.status_code == 201
    assert answer.json()["id"] == "halt-1"
    assert engine.told == [("odd fills", HaltKind.FLATTEN, "http")]


def test_a_halt_without_a_kind_stops_everything_new() -> None:
    """The kind is halt unless another is asked for."""
    engine = ListeningEngine()
    http(desk(engine)).post("/api/halt", json={"reason": "x"}, headers=PEOPLE)
    assert engine.told == [("x", HaltKind.HALT, "http")]


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "nonsense"])
def test_a_body_is_json_whatever_its_content_type(kind: str | None) -> None:
    """The runbooks' curl lines send no JSON header."""
    headers = {**PEOPLE, **({"Content-Type": kind} if kind else {})}
    answer = http(desk()).post("/api/halt", content=b'{"reason": "x"}', headers=headers)
    assert answer.status_code == 201


BODIES: list[tuple[str, Any, str]] = [
    ("/api/halt", b"{", 'the body is not JSON: send for example {"reason": "why trading stops", "kind": "halt"}'),
    ("/api/halt", b"\xff", 'the body is not JSON: send for example {"reason": "why trading stops", "kind": "halt"}'),
    ("/api/halt", b"[]", 'the body is not an object: send for example {"reason": "why trading stops", "kind": "halt"}'),
    ("/api/halt", b"", 'reason is missing: send for example "reason": "why trading stops"'),
    ("/api/halt", b'{"reason": "  "}', 'reason is missing: send for example "reason": "why trading stops"'),
    ("/api/halt", b'{"reason": 7}', "reason 7 is not a string: write it in quotes"),
    ("/api/halt", b'{"reason": "x", "mode": "y"}', "mode is not known here: send reason, kind"),
    ("/api/halt", b'{"reason": "x", "kind": "stop"}', 'kind "stop" is unknown: write reduce, halt or flatten'),
    ("/api/halt", b'"' + b"x" * 70000 + b'"', "the body is longer than 65536 bytes: send less"),
    ("/api/resume", b'{"id": "halt-1"}', 'reason is missing: send for example "reason": "why trading may go on"'),
]


@pytest.mark.parametrize(("path", "content", "sentence"), BODIES, ids=[str(index) for index in range(len(BODIES))])
def test_a_bad_body_is_refused_with_one_sentence(path: str, content: bytes, sentence: str) -> None:
    """Each mistake in a body is told with field, value and cure, and nothing acts."""
    engine = ListeningEngine()
    answer = http(desk(engine)).post(path, content=content, headers=PEOPLE)
    assert (answer.status_code, answer.json()) == (422, {"error": sentence})
    assert engine.told == []


def test_resume_clears_one_halt_and_names_the_rest() -> None:
    """The id that was named stands no more, the others do."""
    other = replace(HALT, id="halt-2")
    engine = ListeningEngine(replace(WELL, halts=(HALT, other)))
    answer = http(desk(engine)).post("/api/resume", json={"id": "halt-1", "reason": "checked"}, headers=PEOPLE)
    assert answer.status_code == 200
    assert [each["id"] for each in answer.json()["halts"]] == ["halt-2"]


def test_resume_of_no_standing_halt_names_those_that_stand() -> None:
    """A wrong id changes nothing and is answered with the right ones."""
    answer = http(showing(replace(WELL, halts=(HALT,)))).post(
        "/api/resume", json={"id": "nope", "reason": "checked"}, headers=PEOPLE
    )
    assert answer.status_code == 404
    assert answer.json() == {"error": 'id "nope" is not a standing halt: write one of halt-1'}


def test_orders_come_from_the_ledger_newest_first() -> None:
    """All orders by default, the working ones when asked, at most as many as asked."""
    ledger = StoredLedger(records=(RECORD,))
    client = http(desk(ledger=ledger))
    assert client.get("/api/orders?limit=5", headers=PEOPLE).json() == [ORDER]
    client.get("/api/orders?status=open", headers=PEOPLE)
    assert ledger.asked == [(None, 5), (WORKING, 100)]


def test_a_cancel_is_shown_with_its_target() -> None:
    """A write that is no order tells which order it takes back."""
    cancel = replace(RECORD, write=replace(WRITE, request=Cancel("BTC/USDT", "tq3v9zk00030000009", "halted")))
    answer = http(desk(ledger=StoredLedger(records=(cancel,)))).get("/api/orders", headers=PEOPLE).json()
    assert (answer[0]["type"], answer[0]["target"]) == ("cancel", "tq3v9zk00030000009")


def test_trades_are_the_fills_newest_first() -> None:
    """The newest fill comes first, and only as many as asked."""
    older = replace(TRADE, trade_id="6", at=NOW - timedelta(minutes=1))
    client = http(desk(ledger=StoredLedger(trades=(older, TRADE))))
    assert [each["trade_id"] for each in client.get("/api/trades", headers=PEOPLE).json()] == ["7", "6"]
    assert [each["trade_id"] for each in client.get("/api/trades?limit=1", headers=PEOPLE).json()] == ["7"]
    assert client.get("/api/trades?symbol=ETH/USDT", headers=PEOPLE).json() == []


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "ten", "", "1e3"])
def test_a_limit_outside_its_bounds_is_refused(limit: str) -> None:
    """The limit is 1 to 1000."""
    answer = http(desk(ledger=StoredLedger())).get(f"/api/trades?limit={limit}", headers=PEOPLE)
    assert answer.status_code == 422
    assert answer.json() == {"error": f'limit "{limit}" is not a number from 1 to 1000: write one'}


def test_positions_are_those_of_the_engine() -> None:
    """Without positions the list is empty, not absent."""
    assert http(desk()).get("/api/positions", headers=PEOPLE).json() == []


@pytest.mark.parametrize("ledger", [None, StoredLedger(away=True)])
def test_a_ledger_that_is_away_is_503_and_no_fault(ledger: StoredLedger | None) -> None:
    """Before it is opened, and while it is unreachable, the caller is told to try again."""
    answer = http(desk(ledger=ledger)).get("/api/trades", headers=PEOPLE)
    assert answer.status_code == 503
    assert answer.json()["error"].startswith("the ledger cannot be reached (")


def test_a_fault_of_ours_is_500_without_its_details() -> None:
    """What went wrong is in the log, not in the answer."""
    answer = http(desk(ledger=StoredLedger())).post("/fence/status", headers=OPERATOR)
    assert answer.status_code == 500
    assert answer.json() == {"error": "this request failed by a fault of the bot: its log says more"}


def fence(row: LeaseRow = ROW, engine: ListeningEngine | None = None, **changes: Any) -> TestClient:
    return http(desk(engine or ListeningEngine(), ledger=StoredLedger(row=row), **changes))


def test_the_operator_reads_the_lease_row() -> None:
    """The row is the truth of who trades."""
    answer = fence().post("/fence/status", headers=OPERATOR)
    assert answer.json() == {
        "ledger_id": "q3v9zk",
        "epoch": 3,
        "holder": "blue",
        "instance": "pod-1/start-1",
        "revision": "0123456789abcdef0123",
        "successor": None,
        "order_left_ms": None,
        "released": False,
        "hold_left_ms": None,
        "guard_ms": 3000,
        "heartbeats": [{"instance": "pod-1/start-1", "role": "trader", "silent_ms": 12}],
    }


def test_claim_tells_whether_the_process_asked_holds_the_row() -> None:
    """200 with the row when it does, 409 when another instance holds it or it was released."""
    asked = {"instance": IDENTITY.instance}
    assert fence().post("/fence/claim", json=asked, headers=OPERATOR).json()["claimed"] is True
    for row in (replace(ROW, instance="pod-2/start-9"), replace(ROW, released_at=NOW)):
        answer = fence(row).post("/fence/claim", json=asked, headers=OPERATOR)
        assert (answer.status_code, answer.json()["claimed"]) == (409, False)


def test_claim_for_another_process_is_refused() -> None:
    """A process claims for itself only."""
    answer = fence().post("/fence/claim", json={"instance": "pod-2/start-9"}, headers=OPERATOR)
    assert answer.status_code == 409
    assert answer.json() == {"error": 'instance "pod-2/start-9" is not this process: ask pod-1/start-1'}


def test_retire_stops_the_engine_that_holds_the_epoch() -> None:
    """The engine is told to stop; it releases the row when everything is settled."""
    engine = ListeningEngine()
    answer = fence(engine=engine).post("/fence/retire", json={"epoch": "3"}, headers=OPERATOR)
    assert answer.status_code == 202
    assert engine.stops == 1


def test_a_stale_retire_stops_nobody() -> None:
    """A command that names an epoch gone by is refused."""
    engine = ListeningEngine()
    answer = fence(engine=engine).post("/fence/retire", json={"epoch": "2"}, headers=OPERATOR)
    assert answer.status_code == 409
    assert answer.json() == {"error": 'epoch "2" is stale: the row stands at 3'}
    assert engine.stops == 0


def test_a_retire_is_for_the_process_that_holds_the_epoch() -> None:
    """The row's epoch is another process's: this one has nothing to retire."""
    engine = ListeningEngine(replace(WELL, epoch=None, state=EngineState.STANDBY))
    assert fence(engine=engine).post("/fence/retire", json={"epoch": "3"}, headers=OPERATOR).status_code == 409
    assert engine.stops == 0


GREEN = "green pod-2/start-9 0123456789abcdef0123"
CALLS = [
    ("order", {"epoch": 3, "expected": None, "successor": GREEN, "lasts_ms": 10000}, (3, None, GREEN, 10000)),
    ("order", {"epoch": 3, "expected": GREEN, "lasts_ms": 0}, (3, GREEN, None, 0)),
    ("fence", {"epoch": 3}, (3,)),
    (
        "grant",
        {"expected": 3, "new": 4, "holder": "green", "instance": None, "revision": "0123456789abcdef0123"},
        (3, 4, ("green", None, "0123456789abcdef0123")),
    ),
    ("hold", {"epoch": 3, "instance": "pod-1/start-1", "lasts_ms": 10000}, (3, "pod-1/start-1", 10000)),
]


@pytest.mark.parametrize(("name", "sent", "called"), CALLS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_operator_calls_the_lease_functions(name: str, sent: dict[str, Any], called: tuple[Any, ...]) -> None:
    """Each body has the names of the arguments; the answer says whether it was done, and the row after it."""
    ledger = StoredLedger(row=ROW)
    answer = http(desk(ledger=ledger)).post(f"/fence/{name}", json=sent, headers=OPERATOR)
    assert (answer.status_code, answer.json()["done"], answer.json()["epoch"]) == (200, True, 3)
    assert ledger.asked == [(name, *called)]


def test_a_lease_function_that_changed_nothing_says_so() -> None:
    """Another epoch is no error: the operator plans again."""
    answer = fence().post("/fence/fence", json={"epoch": 2}, headers=OPERATOR)
    assert (answer.status_code, answer.json()["done"]) == (200, False)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, 'epoch null is not right: send for example {"epoch": 7}'),
        ({"epoch": "3"}, 'epoch "3" is not right: send for example {"epoch": 7}'),
        ({"epoch": True}, 'epoch true is not right: send for example {"epoch": 7}'),
        ({"epoch": -1}, 'epoch -1 is not right: send for example {"epoch": 7}'),
        ({"epoch": 3, "force": 1}, "force is not known here: send epoch"),
        ([3], 'the body is not an object: send for example {"epoch": 7}'),
    ],
)
def test_a_body_of_another_form_is_refused(sent: Any, said: str) -> None:
    """One sentence with field, value and cure; nothing was called."""
    answer = fence().post("/fence/fence", json=sent, headers=OPERATOR)
    assert (answer.status_code, answer.json()) == (422, {"error": said})


def test_a_release_is_the_bots_own() -> None:
    """Nobody outside moves an epoch by releasing it."""
    assert fence().post("/fence/release", json={}, headers=OPERATOR).status_code == 404


def test_a_bot_on_postgresql_sends_the_operator_to_the_database() -> None:
    """The lease functions of PostgreSQL are in PostgreSQL."""
    at = desk(ledger=StoredLedger(row=ROW), identity=replace(IDENTITY, embedded=False))
    assert http(at).post("/fence/status", headers=OPERATOR).status_code == 409

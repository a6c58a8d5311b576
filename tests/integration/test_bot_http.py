"""The HTTP plane of one bot: a real ``atb`` on PostgreSQL, asked and ordered as people and attackers do."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
import pytest_asyncio

import bots
import postgres
from bots import Pod
from exchange_simulator.server import Venue, running
from halting import KEY, buys, gauge, sandboxed, simulator
from tradingbot.ledger import trail

pytestmark = pytest.mark.asyncio(loop_scope="module")

Note = Callable[[str, str], None]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def venue() -> AsyncIterator[Venue]:
    async with running(simulator(), time.time) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pod(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pod]:
    """A bot on paper that trades often, in the venue's sandbox."""
    folder = tmp_path_factory.mktemp("http")
    # By the venue's clock, which runs 240 times as fast.
    compared = {"reconcile": {"interval": "10m"}}
    rendered = sandboxed(folder, venue.url, database={"mode": "postgres"}, **compared)
    with postgres.server() as server:
        async with bots.pod(folder, rendered, KEY, server.create("btc")) as made:
            await made.until(lambda seen: seen["state"] == "trading", 60)
            yield made


def url(pod: Pod) -> str:
    return (pod.folder / "secrets/database/url").read_text()


async def events(pod: Pod, *types: str) -> list[dict[str, Any]]:
    """What the log was told today, as soon as it was told something of each of these *types*."""
    async with asyncio.timeout(30):
        while True:
            code, answer = await pod.api("/api/security/audit/today")
            assert code == 200, answer
            found = [each for each in answer["events"] if each["event_type"] in types]
            if {each["event_type"] for each in found} == set(types):
                return found
            await asyncio.sleep(0.05)


@pytest.mark.row("S3-037")
async def test_a_wrong_token_is_in_the_audit_log_of_the_day(pod: Pod, evidence: Note) -> None:
    """One call with a bad token is an event, with where it came from."""
    assert (await pod.api("/api/status", token="wrong"))[0] == 401
    (failed,) = await events(pod, "AUTH_FAILED")
    evidence("api GET /api/security/audit/today | jq '.events[].event_type'", json.dumps(failed))
    assert (failed["actor"], failed["subject"]) == ("address 127.0.0.1", "GET /api/status")


async def test_an_order_and_what_it_did_are_in_the_audit_log(pod: Pod) -> None:
    """A halt over HTTP is told in its transaction, the request beside it, and the log is whole."""
    code, halt = await pod.api("/api/halt", {"reason": "spread looks wrong"})
    assert (code, (await pod.api("/api/resume", {"id": halt["id"], "reason": "it is right"}))[0]) == (201, 200)
    found = await events(pod, "HALTED", "RESUMED", "HTTP")
    subjects = [(each["event_type"], each["subject"]) for each in found]
    assert {("HALTED", halt["id"]), ("RESUMED", halt["id"])} < set(subjects)
    assert {("HTTP", "POST /api/halt")} <= set(subjects)
    assert trail.verify(url(pod))[1] is None


async def test_a_rotated_token_is_in_the_audit_log_by_its_fingerprint(pod: Pod) -> None:
    """As soon as the pod's file shows it: never the token itself."""
    file = pod.folder / "secrets/api/token"
    before, whole = file.read_text(), file.with_name("token.new")
    try:
        # As the kubelet does it: whole or not at all.
        whole.write_text(f"second-0123456789\n{before}")
        whole.replace(file)
        (told,) = await events(pod, "TOKEN_ROTATED")
    finally:
        whole.write_text(before)
        whole.replace(file)
    assert len(told["details"]["tokens"]) == 2
    assert told["details"]["tokens"][1:] == told["details"]["before"]
    assert not any(secret in json.dumps(told) for secret in ("second-", before.strip()))


@pytest.mark.row("S3-069")
async def test_a_bot_on_paper_has_no_execution_that_is_not(pod: Pod, evidence: Note) -> None:
    """The runbook's query is empty, and no row can be written that says otherwise: the book tells what is real."""
    statement = "SELECT * FROM trade_executions WHERE is_paper_trade = false"
    with psycopg.connect(url(pod), autocommit=True) as server:
        rows = server.execute(statement).fetchall()
        with pytest.raises(psycopg.Error, match="cannot insert into view") as refused:
            server.execute("INSERT INTO trade_executions (symbol, is_paper_trade) VALUES ('BTC/USDT', false)")
    evidence(f"{statement}; INSERT of such a row", f"{rows}; {refused.value}")
    assert rows == []
    assert (await pod.api("/api/audit/real-trades/today")) == (200, [])


@pytest.mark.parametrize("reason", ["spread\x00wrong", "spread\ud83dwrong"])
async def test_a_stop_with_odd_characters_stops_and_harms_nothing(pod: Pod, reason: str) -> None:
    """No database takes them: they are question marks there, and the bot is halted, not ended."""
    code, halt = await pod.api("/api/emergency/stop-all-trading", {"reason": reason})
    assert code == 201
    seen = await pod.until(lambda seen: [each["reason"] for each in seen["halts"]] == ["spread?wrong"])
    assert seen["state"] == "halted"
    assert (await pod.api("/api/resume", {"id": reason, "reason": "no such halt"}))[0] == 404
    assert (await pod.api("/api/resume", {"id": halt["id"], "reason": reason}))[0] == 200
    assert (await pod.api("/api/trades?symbol=a%00b")) == (200, [])
    assert trail.verify(url(pod))[1] is None


@pytest.mark.row("S0-109")
async def test_ledger_and_account_are_compared_at_intervals(pod: Pod, evidence: Note) -> None:
    """The time of the last comparison goes on by ten minutes of the venue's; status and log tell what it found."""
    metric = "last_reconcile_timestamp_seconds"
    times = [0.0]
    async with asyncio.timeout(60):
        while len(times) < 3:
            if (newest := await gauge(pod, metric)) != times[-1]:
                times.append(newest)
            await asyncio.sleep(0.05)
    _, first, second = times
    evidence(f"curl -s :9090/metrics | grep {metric}", f"{first} {second}")
    assert second - first >= 600
    seen = await pod.status()
    assert seen["reconciliation"]["differences"] == []
    assert (await events(pod, "RECONCILED"))[0]["details"] == {"differences": []}


@pytest.mark.row("S3-132")
@pytest.mark.row("S3-148")
async def test_in_maintenance_nothing_is_entered_and_after_it_the_next_signal_is(
    pod: Pod, venue: Venue, evidence: Note
) -> None:
    """A signal to enter is refused, trading cannot be enabled, the probes stay green; then an order is at the venue."""
    code, answer = await pod.api("/api/maintenance/enable", {})
    assert (code, answer["maintenance"]) == (200, True)
    seen = await pod.until(lambda seen: seen["state"] == "halted" and not seen["unresolved"])
    before, bar = len(buys(venue)), seen["last_decision"]["bar"]
    await pod.until(
        lambda seen: seen["last_decision"]["action"] == "refused" and seen["last_decision"]["bar"] > bar, 60
    )
    code, refused = await pod.api("/api/trading/enable", {})
    probes = [(await pod.ops(path))[0] for path in ("/livez", "/readyz")]
    entered = len(buys(venue)) - before
    evidence("curl -X POST :8000/api/trading/enable in maintenance", f"{code} {refused}, {probes}, entries: {entered}")
    assert (code, probes, entered) == (503, [200, 200], 0)
    code, answer = await pod.api("/api/maintenance/disable", {})
    assert (code, answer) == (200, {"maintenance": False, "halts": []})
    async with asyncio.timeout(60):
        while len(buys(venue)) == before:  # noqa: ASYNC110 - the venue shares this loop
            await asyncio.sleep(0.05)
    evidence("api POST /api/maintenance/disable", f"{answer}, entered: {buys(venue)[-1]}")

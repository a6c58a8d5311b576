"""What the runbooks ask of one bot: a real ``atb`` on PostgreSQL that has traded, asked in the runbooks' words."""

import asyncio
import base64
import contextlib
import io
import json
import random
import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import aiohttp
import psycopg
import pytest
import pytest_asyncio

import bots
import postgres
from bots import Pod
from exchange_simulator.server import Venue, running
from halting import LOOSE, gauge, held, is_covered, simulator
from onenode import RULES
from trading import OFTEN
from tradingbot.cli.program import run
from tradingbot.domain.lease import Instance, Lease
from tradingbot.ledger import Book, Owner, open_ledger
from tradingbot.venues.paper import PaperVenue
from tradingbot_operator.domain.site import Tokens
from tradingbot_operator.render.secret import rotated

pytestmark = pytest.mark.asyncio(loop_scope="module")

Note = Callable[[str, str], None]
# The equity of three days before the bot came.
EARLIER = ("9700", "9850", "9800")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def venue() -> AsyncIterator[Venue]:
    async with running(simulator(), time.time) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pod(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pod]:
    """A bot that has traded and trades, on a ledger that is three days older than it."""
    folder = tmp_path_factory.mktemp("rows")
    rendered = bots.settings(
        folder,
        exchange={"endpoint": venue.url},
        strategy=OFTEN,
        risk=LOOSE,
        database={"mode": "postgres"},
        # Entries wait for it after an outage, and the tests for entries.
        circuit_breaker={"recovery_timeout": "1s"},
    )
    with postgres.server() as server:
        url = server.create("btc")
        await asyncio.to_thread(older, url)
        async with bots.pod(folder, rendered, url=url) as made:
            await made.until(lambda seen: seen["state"] == "trading", 60)
            await trades(made, 2)
            yield made


def older(url: str) -> None:
    """A ledger of the bot with a short past."""
    book = Book("paper", PaperVenue.name, "paper")
    ledger = open_ledger(url, Owner("c0ffee", "trading", "btc"), book, "blue", random.Random(7).randrange)
    lease = ledger.claim(Instance("blue", "before", "a", "r"), datetime.now(UTC))
    assert isinstance(lease, Lease)
    for days, worth in zip((3, 2, 1), EARLIER, strict=True):
        ledger.record_equity(lease, datetime.now(UTC) - timedelta(days=days), Decimal(worth))
    assert ledger.retire(lease, datetime.now(UTC))
    ledger.close()


async def trades(pod: Pod, count: int) -> None:
    """So many positions have been closed."""
    async with asyncio.timeout(90):
        while (await pod.api("/api/reports/performance"))[1]["total_trades"] < count:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


@pytest_asyncio.fixture(loop_scope="module")
async def lively(pod: Pod) -> Pod:
    """The bot while it trades."""
    for halt in (await pod.status())["halts"]:
        assert (await pod.api("/api/resume", {"id": halt["id"], "reason": "test"}))[0] == 200
    await pod.until(lambda seen: seen["state"] == "trading")
    return pod


@pytest_asyncio.fixture(loop_scope="module")
async def still(pod: Pod) -> Pod:
    """The bot halted with a position: nothing is traded while it is looked at."""
    seen = await pod.status()
    if not (seen["halts"] and is_covered(seen)):
        for halt in seen["halts"]:
            await pod.api("/api/resume", {"id": halt["id"], "reason": "nothing was held"})
        await held(pod)
    return pod


async def ops(pod: Pod, path: str, evidence: Note) -> Any:
    code, answer = await pod.ops(path)
    evidence(f"curl -s :9090{path}", json.dumps(answer))
    assert code == 200, answer
    return answer


async def api(pod: Pod, path: str, evidence: Note) -> Any:
    code, answer = await pod.api(path)
    evidence(f"curl -s -H 'Authorization: Bearer ...' :8000{path}", json.dumps(answer))
    assert code == 200, answer
    return answer


async def metric(pod: Pod, name: str, evidence: Note) -> float:
    """The value of *name* as soon as the bot shows it."""
    async with asyncio.timeout(30):
        while True:
            try:
                found = await gauge(pod, name)
                break
            except RuntimeError:  # a coroutine may end by no StopIteration: there is no such line yet
                await asyncio.sleep(0.1)
    evidence(f"curl -s :9090/metrics | grep {name}", str(found))
    return found


def unseen(command: str, answer: str) -> None:
    """One of many looks."""


async def sql(pod: Pod, statement: str, evidence: Note = unseen) -> list[dict[str, Any]]:
    """What ``atb db query`` prints in the pod; a start of Python would take longer than all the rest."""
    code, said = atb(pod, "db", "query", "--json", statement)
    evidence(f'atb db query "{statement}"', said)
    assert code == 0, said
    return list(json.loads(said))


def atb(pod: Pod, *arguments: str) -> tuple[int, str]:
    """Exit code and words of a command in the pod, run in this process."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        for name, value in pod.environment.items():
            patch.setenv(name, value)
        return run(list(arguments)), said.getvalue()


@pytest.mark.row("S0-022")
@pytest.mark.row("S0-070")
@pytest.mark.row("S1-002")
async def test_health_has_the_fields_that_runbooks_read(lively: Pod, evidence: Note) -> None:
    """The same report on both ports: healthy, how long, how many positions, how much, how fresh, each part."""
    began = time.monotonic()
    health = await ops(lively, "/health", evidence)
    code, other = await lively.api("/health", token=None)
    assert (code, health["status"], other["status"]) == (200, "healthy", "healthy")
    assert 0 < health["uptime_seconds"] <= began - lively.began
    assert health["active_positions"] in (0, 1)
    assert Decimal(health["balance"]) > 9000
    assert health["last_data_update"].endswith("Z")
    assert health["checks"]["exchange"]["status"] == "ok"


@pytest.mark.row("S1-168")
@pytest.mark.row("S1-005")
@pytest.mark.row("S1-004")
async def test_ping_health_and_status_answer_without_a_token(lively: Pod, evidence: Note) -> None:
    """A status has what it is worth, how it has done and whether it trades."""
    assert await ops(lively, "/ping", evidence) == {"pong": True}
    assert (await ops(lively, "/health", evidence))["status"] in ("healthy", "degraded")
    status = await ops(lively, "/status", evidence)
    assert Decimal(status["portfolio"]["balance"]) > 9000
    assert Decimal(status["performance"]["max_drawdown"]) >= 0
    assert status["trading"] == {"halted": False, "active": True}
    assert (status["version"], status["colour"]) == ("0.1.0", "blue")


@pytest.mark.row("S1-003")
@pytest.mark.row("S1-169")
async def test_metrics_are_what_prometheus_reads(lively: Pod, evidence: Note) -> None:
    """promtool finds no fault in the exposition of a bot at work but names the seeds chose."""
    _, text = await lively.ops("/metrics")
    done = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    evidence("curl -s :9090/metrics | promtool check metrics", done.stdout + done.stderr or f"exit {done.returncode}")
    assert done.returncode == 0, done.stderr


@pytest.mark.row("S1-036")
@pytest.mark.row("S1-045")
async def test_a_bot_at_work_runs_is_connected_and_its_breaker_is_closed(lively: Pod, evidence: Note) -> None:
    assert await metric(lively, "bot_running", evidence) == 1
    assert await metric(lively, "api_connected", evidence) == 1
    _, text = await lively.ops("/metrics")
    closed = [
        line for line in text.splitlines() if line.startswith("circuit_breaker_state{") and 'state="closed"' in line
    ]
    evidence("pql 'circuit_breaker_state{state=\"closed\"}'", "\n".join(closed))
    assert [line.rpartition(" ")[2] for line in closed] == ["1.0"]


@pytest.mark.row("S2-031")
async def test_trades_are_listed_newest_first_and_a_limit_of_none_is_refused(lively: Pod, evidence: Note) -> None:
    found = await api(lively, "/api/trades?limit=20", evidence)
    assert 4 <= len(found) <= 20
    assert [each["at"] for each in found] == sorted((each["at"] for each in found), reverse=True)
    assert len((await lively.api("/api/trades?limit=2"))[1]) == 2
    code, refused = await lively.api("/api/trades?limit=0")
    evidence("curl :8000/api/trades?limit=0", f"{code} {refused}")
    assert code == 422


@pytest.mark.row("S3-017")
@pytest.mark.row("S3-023")
@pytest.mark.row("S3-025")
async def test_each_part_tells_how_it_is(lively: Pod, evidence: Note) -> None:
    """Ledger, venue, engine; the market data; the line it comes over."""
    detailed = await api(lively, "/api/health/detailed", evidence)
    assert detailed["components"]["database"]["status"] == "ok"
    assert detailed["components"]["database"]["latency_ms"] > 0
    market = await api(lively, "/api/market-data/binance/status", evidence)
    assert (market["connected"], market["symbols"]) == (True, ["BTC/USDT"])
    assert (await lively.api("/api/market-data/kucoin/status"))[0] == 404
    sockets = await api(lively, "/api/health/websockets", evidence)
    assert sockets["streams"] == [{"name": "market", "connected": True}]


@pytest.mark.row("S2-069")
@pytest.mark.row("S2-070")
async def test_two_clients_listen_to_the_market_and_are_counted(lively: Pod, evidence: Note) -> None:
    """Each hears of it within five seconds, with the token only."""
    address = f"ws://{lively.rendered['listen']['http']}/ws/market"
    own = {"Authorization": f"Bearer {bots.TOKEN}"}
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(address)
        assert refused.value.status == 401
        async with session.ws_connect(address, headers=own) as one, session.ws_connect(address, headers=own) as two:
            heard = [await each.receive_json(timeout=5) for each in (one, two, one, two)]
            evidence("ws://:8000/ws/market", json.dumps(heard))
            assert {told["symbol"] for told in heard} == {"BTC/USDT"}
            sockets = await api(lively, "/api/metrics/websockets", evidence)
            assert (sockets["clients"], sockets["dropped"]) == (2, 0)
            assert sockets["streams"] == [{"name": "market", "connected": True}]


@pytest.mark.row("S3-020")
@pytest.mark.row("S3-022")
async def test_a_paper_bot_says_that_its_money_is_not_real(lively: Pod, evidence: Note) -> None:
    assert (await api(lively, "/api/health/safety", evidence))["paperTradingMode"] is True
    summary = await api(lively, "/api/portfolio/summary", evidence)
    assert (summary["isVirtual"], summary["currency"]) == (True, "USDT")
    assert await metric(lively, "paper_trading_mode", evidence) == 1


@pytest.mark.row("S3-012")
async def test_a_paper_bot_orders_nothing_at_the_venue(lively: Pod, venue: Venue, evidence: Note) -> None:
    """It has traded, and the venue's order log is empty."""
    assert (await api(lively, "/api/reports/performance?days=30", evidence))["total_trades"] >= 2
    entries = venue.exchange.log.entries
    evidence("curl :8080/control/orders", str(entries))
    assert list(entries) == []


@pytest.mark.row("S2-063")
@pytest.mark.row("S0-077")
async def test_memory_is_told_with_what_fills_it(lively: Pod, evidence: Note) -> None:
    memory = await api(lively, "/api/metrics/memory", evidence)
    assert abs(memory["rss_bytes"] / 1024 / 1024 - lively.resident_mb()) < 30
    assert len(memory["top"]) == 20


@pytest.mark.row("S2-035")
async def test_processor_memory_and_disk_are_told_by_one_command(lively: Pod, evidence: Note) -> None:
    """As the kernel has them."""
    code, out, said = await lively.atb("top", "--json")
    evidence("atb top --json", out)
    assert code == 0, said
    used, disk = json.loads(out), shutil.disk_usage(lively.rendered["paths"]["data"])
    assert 0 < used["cpu_cores"] < 8
    assert abs(used["memory_bytes"] / 1024 / 1024 - lively.resident_mb()) < 30
    assert used["disk_bytes"] == disk.total
    assert 0 < used["disk_free_bytes"] < disk.total


@pytest.mark.row("S0-095")
async def test_what_a_position_brings_is_told_anew_at_each_scrape(lively: Pod, evidence: Note) -> None:
    """While one is held its result moves with the market."""
    seen: set[float] = set()
    async with asyncio.timeout(60):
        while len(seen) < 2:
            _, text = await lively.ops("/metrics")
            seen |= {float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith("unrealized_pnl{")}
            await asyncio.sleep(0.05)
    evidence("pql 'unrealized_pnl{bot=\"btc\"}' twice", str(sorted(seen)))
    assert len(seen) >= 2


@pytest.mark.row("S3-076")
async def test_a_market_that_stands_still_is_told_and_nothing_is_entered(
    lively: Pod, venue: Venue, evidence: Note
) -> None:
    """Five minutes of the venue without a price: the gauge has the age, entries wait, and then they come again."""
    market = f"{venue.url}/control/market"
    await bots.asked(market, {"symbol": "BTCUSDT", "outage": True})
    try:
        # What was under way when it stopped is told within a minute of the venue.
        async with asyncio.timeout(60):
            while venue_now(venue) - await gauge(lively, MARKET_DATA) <= 120:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        (before,) = await sql(lively, ENTERED)
        async with asyncio.timeout(60):
            while (age := venue_now(venue) - await gauge(lively, MARKET_DATA)) <= 300:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        evidence(f"sim freeze; pql 'time() - {MARKET_DATA}' (time of the venue)", f"{age:.0f}")
        assert await sql(lively, ENTERED, evidence) == [before]
    finally:
        await bots.asked(market, {"symbol": "BTCUSDT", "outage": False})
    async with asyncio.timeout(60):
        while venue_now(venue) - await gauge(lively, MARKET_DATA) > 120:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


MARKET_DATA = "market_data_last_update_timestamp_seconds"
ENTERED = "SELECT count(*) AS n FROM intents WHERE purpose = 'entry'"


def venue_now(venue: Venue) -> float:
    return venue.exchange.clock.now_ms() / 1000


@pytest.mark.row("S1-152")
@pytest.mark.row("S1-153")
async def test_strategies_tell_that_they_are_on_and_what_they_want(lively: Pod, evidence: Note) -> None:
    """The log has a line at the start and one for each signal; the counter has as many."""
    status = await ops(lively, "/status", evidence)
    assert [(each["name"], each["enabled"]) for each in status["strategies"]] == [("sma_cross", True)]
    lines = [json.loads(line) for line in lively.log.splitlines()]
    started = [line for line in lines if line.get("enabled") is True]
    evidence("kubectl logs -l bot=btc | grep enabled", str(started))
    assert [line["strategy"] for line in started] == ["sma_cross"]
    _, text = await lively.ops("/metrics")
    counted = [line for line in text.splitlines() if line.startswith("signals_total{")]
    wished = sum(float(line.rpartition(" ")[2]) for line in counted)
    # A signal is counted a moment before its line is written.
    async with asyncio.timeout(30):
        while len(signals := [line for line in lively.log.splitlines() if '"Signal"' in line]) < wished:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    evidence("kubectl logs -l bot=btc | grep Signal; pql signals_total", f"{signals[:2]} {counted}")
    assert wished >= 4


@pytest.mark.row("S1-061")
@pytest.mark.row("S4-059")
@pytest.mark.row("S0-089")
async def test_each_fill_and_each_stop_has_its_line_in_the_log(still: Pod, evidence: Note) -> None:
    """As many lines of logger trades as executions in the ledger; stops can be found by their name."""
    executed = await sql(still, "SELECT order_id FROM trade_executions")
    lines = [json.loads(line) for line in still.log.splitlines()]
    told = [line for line in lines if line["event"] == "Trade executed"]
    evidence('kubectl logs -l bot=btc | grep -c "Trade executed"', f"{len(told)} of {len(executed)} executions")
    assert sorted(line["client_id"] for line in told) == sorted(row["order_id"] for row in executed)
    named = [line for line in lines if line["logger"] == "trades"]
    evidence("kubectl logs -l bot=btc | jq 'select(.logger==\"trades\")'", str(named[:1]))
    assert named == told
    stops = [line for line in lines if line["event"] == "stop_loss"]
    evidence("kubectl logs -l bot=btc | grep stop_loss", str(stops[:2]))
    working = await sql(still, "SELECT stop_loss FROM positions WHERE status = 'OPEN'")
    assert stops[-1]["outcome"] == "accepted"
    assert Decimal(stops[-1]["stop_price"]) == Decimal(working[0]["stop_loss"])


@pytest.mark.row("S0-087")
@pytest.mark.row("S0-191")
@pytest.mark.row("S1-042")
async def test_open_positions_are_rows_of_the_ledger(still: Pod, evidence: Note) -> None:
    """The statements of the runbooks list what the bot holds; the gauge counts as many."""
    (held,) = (await still.status())["positions"]
    (row,) = await sql(still, "SELECT * FROM positions WHERE status = 'OPEN';", evidence)
    assert (row["symbol"], Decimal(row["size"])) == ("BTC/USDT", Decimal(held["quantity"]))
    statement = "SELECT symbol, side, entry_price, size, unrealized_pnl FROM positions WHERE status = 'OPEN';"
    (row,) = await sql(still, statement, evidence)
    assert round(Decimal(row["entry_price"]), 8) == round(Decimal(held["average_price"]), 8)
    statement = "select count(*) from positions where status='OPEN'"
    code, counted, _ = await still.atb("db", "query", "--scalar", statement)
    evidence(f'atb db query --scalar "{statement}"', counted)
    assert (code, counted.strip()) == (0, "1")
    assert await metric(still, "open_positions", evidence) == 1


@pytest.mark.row("S4-068")
async def test_the_size_of_a_position_is_the_ledgers(still: Pod, evidence: Note) -> None:
    (row,) = await sql(still, "select symbol,size from positions where status='OPEN'", evidence)
    assert await metric(still, "position_size", evidence) == pytest.approx(float(row["size"]))
    assert await metric(still, "position_notional", evidence) > 0


@pytest.mark.row("S0-103")
@pytest.mark.row("S0-190")
@pytest.mark.row("S1-060")
async def test_trades_are_rows_of_the_ledger(still: Pod, evidence: Note) -> None:
    """Every sell that was filled is one, with prices, result and reason; both spellings of the runbooks run."""
    sold = await sql(still, "SELECT DISTINCT client_id FROM fills WHERE side = 'sell'")
    rows = await sql(still, "SELECT * FROM trades ORDER BY exit_time DESC LIMIT 20;", evidence)
    assert {row["id"] for row in rows} <= {row["client_id"] for row in sold}
    assert len(rows) == min(20, len(sold))
    for row in rows:
        gain = Decimal(row["size"]) * (Decimal(row["exit_price"]) - Decimal(row["entry_price"]))
        assert float(row["pnl"]) == pytest.approx(float(gain - Decimal(row["fees"])), abs=1e-6)
    statement = (
        "SELECT symbol, side, entry_price, exit_price, pnl, exit_reason FROM trades ORDER BY exit_time DESC LIMIT 10;"
    )
    for row in await sql(still, statement, evidence):
        assert (row["symbol"], row["side"]) == ("BTC/USDT", "long")
        assert row["exit_reason"]
    assert len(await sql(still, "SELECT * FROM trades ORDER BY timestamp DESC LIMIT 10;", evidence)) == min(
        10, len(sold)
    )


@pytest.mark.row("S0-192")
@pytest.mark.row("S0-193")
@pytest.mark.row("S3-032")
async def test_reports_are_what_the_runbooks_sql_says(still: Pod, evidence: Note) -> None:
    """Performance, results by day and the summary of today equal the statements, digit by digit."""
    (row,) = await sql(
        still,
        "SELECT COUNT(*) as total_trades, SUM(CASE WHEN pnl > 0 THEN 1 ELSE 0 END) * 100.0 / COUNT(*) as win_rate,"
        " SUM(pnl) as total_pnl, AVG(pnl) as avg_pnl FROM trades WHERE exit_time > NOW() - INTERVAL '30 days';",
        evidence,
    )
    told = await api(still, "/api/reports/performance?days=30", evidence)
    assert told["total_trades"] == row["total_trades"]
    for name in ("win_rate", "total_pnl", "avg_pnl"):
        assert float(told[name]) == pytest.approx(float(row[name]), abs=1e-6)
    days = await sql(
        still,
        "SELECT DATE(exit_time) as trade_date, COUNT(*) as trades, SUM(pnl) as daily_pnl FROM trades"
        " WHERE exit_time > NOW() - INTERVAL '7 days' GROUP BY DATE(exit_time) ORDER BY trade_date DESC;",
        evidence,
    )
    answered = await api(still, "/api/reports/daily-pnl?days=7", evidence)
    assert [(day["trade_date"], day["trades"], Decimal(day["daily_pnl"])) for day in answered] == [
        (day["trade_date"], day["trades"], Decimal(day["daily_pnl"])) for day in days
    ]
    today = await api(still, "/api/reports/trading-summary/today", evidence)
    (counted,) = await sql(still, "SELECT count(*) AS trades FROM trades WHERE exit_time >= CURRENT_DATE")
    assert today["trades"] == counted["trades"]


@pytest.mark.row("S2-030")
@pytest.mark.row("S1-044")
async def test_the_sharpe_ratio_is_that_of_the_days(still: Pod, evidence: Note) -> None:
    """By the last equity of each day, as anybody can count it from the ledger."""
    rows = await sql(
        still,
        "SELECT DISTINCT ON (DATE(timestamp)) balance FROM account_balances ORDER BY DATE(timestamp), timestamp DESC",
    )
    closes = [float(row["balance"]) for row in rows]
    assert closes[:3] == [float(each) for each in EARLIER]
    returns = [after / before - 1 for before, after in pairwise(closes)]
    wanted = statistics.mean(returns) / statistics.stdev(returns) * 365**0.5
    told = await api(still, "/api/metrics/performance", evidence)
    # The market moves on while we look.
    assert float(told["sharpe_ratio"]) == pytest.approx(wanted, rel=0.05)
    assert await metric(still, "sharpe_ratio", evidence) == pytest.approx(wanted, rel=0.05)


@pytest.mark.row("S1-043")
@pytest.mark.row("S4-067")
async def test_results_as_metrics_are_the_sums_of_the_ledger(still: Pod, evidence: Note) -> None:
    """Shares and sums of all trades; the scrape after the next knows of the last one."""
    (row,) = await sql(
        still, "SELECT SUM(pnl) AS pnl, AVG(CASE WHEN pnl > 0 THEN 1.0 ELSE 0.0 END) AS rate FROM trades", evidence
    )
    async with asyncio.timeout(60):
        while await metric(still, "total_pnl", unseen) != pytest.approx(float(row["pnl"])):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.2)
    assert await metric(still, "total_pnl", evidence) == pytest.approx(float(row["pnl"]))
    assert await metric(still, "win_rate", evidence) == pytest.approx(float(row["rate"]))


@pytest.mark.row("S1-040")
@pytest.mark.row("S0-102")
async def test_equity_is_the_newest_balance_of_the_ledger(still: Pod, venue: Venue, evidence: Note) -> None:
    """The account has a row for each look that changed it, newest first; the gauge comes to each of them."""
    rows = await sql(still, "SELECT * FROM account_balances ORDER BY timestamp DESC LIMIT 20;", evidence)
    assert len(rows) == 20
    assert [row["timestamp"] for row in rows] == sorted((row["timestamp"] for row in rows), reverse=True)
    # While prices move, the gauge and the newest row are not of the same instant.
    market = f"{venue.url}/control/market"
    await bots.asked(market, {"symbol": "BTCUSDT", "freeze": True})
    try:
        async with asyncio.timeout(60):
            while True:
                (row,) = await sql(still, "SELECT balance FROM account_balances ORDER BY timestamp DESC LIMIT 1")
                if await metric(still, "total_equity", unseen) == pytest.approx(float(row["balance"]), abs=1e-6):
                    break
                await asyncio.sleep(0.1)
    finally:
        await bots.asked(market, {"symbol": "BTCUSDT", "freeze": False})
    evidence("pql total_equity", row["balance"])


@pytest.mark.row("S0-104")
async def test_a_session_began_with_a_balance_and_its_trades_add_up(still: Pod, evidence: Note) -> None:
    """What it began with and what its trades brought is the cash of the bot and the cost of what it holds."""
    statement = (
        "SELECT initial_balance, (SELECT SUM(pnl) FROM trades WHERE session_id = trading_sessions.id) as total_pnl"
        " FROM trading_sessions ORDER BY start_time DESC LIMIT 1;"
    )
    (row,) = await sql(still, statement, evidence)
    assert Decimal(row["initial_balance"]) == Decimal(EARLIER[-1])
    (ended,) = await sql(still, "SELECT SUM(pnl) AS pnl FROM trades")
    assert Decimal(row["total_pnl"]) == Decimal(ended["pnl"])
    (held,) = await sql(still, "SELECT cost + fees AS cost FROM walked_fills ORDER BY n DESC LIMIT 1")
    cash = 10000 + Decimal(ended["pnl"]) - Decimal(held["cost"])
    assert float((await still.status())["cash"]) == pytest.approx(float(cash), abs=1e-6)


@pytest.mark.row("S1-174")
@pytest.mark.row("S2-047")
@pytest.mark.row("S3-161")
async def test_days_migrations_and_the_index_are_where_runbooks_look(still: Pod, evidence: Note) -> None:
    days = await sql(still, "SELECT * FROM performance_metrics ORDER BY date DESC LIMIT 5;", evidence)
    (ended,) = await sql(still, "SELECT count(*) AS trades FROM trades")
    assert len(days) >= 4
    assert sum(day["trades"] for day in days) == ended["trades"]
    versions = await sql(still, "SELECT * FROM schema_migrations ORDER BY version DESC LIMIT 5;", evidence)
    assert versions[0]["version"] == (await still.status())["schema"]["ledger"]
    statement = "select indexname from pg_indexes where indexname='idx_trades_timestamp'"
    assert await sql(still, statement, evidence) == [{"indexname": "idx_trades_timestamp"}]


@pytest.mark.row("S1-160")
@pytest.mark.row("S3-116")
async def test_the_size_of_the_database_is_told(still: Pod, evidence: Note) -> None:
    """Within what is written between two looks; a rule tells where its growth leads to."""
    seen = await metric(still, "database_size_bytes", evidence)
    (row,) = await sql(still, "select pg_database_size(current_database()) AS size", evidence)
    assert seen == pytest.approx(row["size"], rel=0.2)
    tests = RULES.with_name("trading.weeks.test.yaml")
    command = ["promtool", "test", "rules", str(tests)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    evidence("promtool test rules manifests/monitoring/trading.weeks.test.yaml", done.stdout)
    assert "alertname: DatabaseGrowth" in tests.read_text()


@pytest.mark.row("S0-009")
@pytest.mark.row("S0-016")
@pytest.mark.row("S0-023")
async def test_the_ledger_is_verified_beside_the_trader(still: Pod, evidence: Note) -> None:
    """It is reached, new enough and whole; a server that does not answer is no success."""
    code, out = atb(still, "db", "verify", "--json")
    evidence("atb db verify --json", out)
    told = {each["check"]: each["message"] for each in json.loads(out)["checks"]}
    assert (code, told["connection"]) == (0, "Database connection successful")
    assert int(told["server_version_num"]) >= 150000
    tables = await sql(
        still, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'", evidence
    )
    assert {"trades", "positions", "trading_sessions"} <= {row["table_name"] for row in tables}
    secret = still.folder / "secrets/database/url"
    url = secret.read_text()
    secret.write_text(f"postgresql://postgres@127.0.0.1:{bots.free_port()}/btc")
    try:
        code, said = atb(still, "db", "verify")
    finally:
        secret.write_text(url)
    evidence("atb db verify, nobody there", f"{code} {said}")
    assert code != 0


@pytest.mark.row("S1-008")
@pytest.mark.row("S1-027")
@pytest.mark.row("S1-167")
async def test_the_ledger_says_what_it_is_and_that_it_is_there(still: Pod, evidence: Note) -> None:
    code, out = atb(still, "db", "verify")
    evidence("atb db verify", out)
    assert code == 0
    assert ("postgresql" in out, "All tables exist" in out) == (True, True)
    code, out = atb(still, "db", "init", "--check")
    evidence("atb db init --check", out)
    assert (code, out) == (0, "DB initialized\n")


@pytest.mark.row("S0-006")
@pytest.mark.row("S0-026")
@pytest.mark.row("S0-065")
async def test_the_venue_can_be_asked_from_the_pod(lively: Pod, venue: Venue, evidence: Note) -> None:
    """Candles and a ping, over the way the trader goes; nobody there is no success."""
    code, out = await asyncio.to_thread(atb, lively, "data", "test-provider", "binance", "BTCUSDT", "1h")
    evidence("atb data test-provider binance BTCUSDT 1h", out)
    assert (code, out.startswith("binance answered in ")) == (0, True), out
    lines = out.splitlines()[2:]
    newest = datetime.fromisoformat(lines[-1].split()[0])
    assert len(lines) >= 2
    assert (
        timedelta(0) <= datetime.fromtimestamp(venue.exchange.clock.now_ms() / 1000, UTC) - newest < timedelta(hours=2)
    )
    code, out = await asyncio.to_thread(atb, lively, "exchange", "ping", "binance")
    evidence("atb exchange ping binance", out)
    assert (code, out.startswith("binance answered in ")) == (0, True)
    settings = lively.folder / "settings.json"
    text = settings.read_text()
    settings.write_text(text.replace(venue.url, f"http://127.0.0.1:{bots.free_port()}"))
    try:
        away = [
            await asyncio.to_thread(atb, lively, *words) for words in (("exchange", "ping"), ("data", "test-provider"))
        ]
    finally:
        settings.write_text(text)
    evidence("sim off: atb exchange ping; atb data test-provider", str(away))
    assert [code for code, _ in away] == [69, 69]


@pytest.mark.row("S0-053")
@pytest.mark.row("S2-016")
async def test_the_sessions_of_the_server_are_counted(still: Pod, evidence: Note) -> None:
    """The command, the runbooks' statement and the gauge come to the same number; others come and go."""
    statement = "SELECT count(*) FROM pg_stat_activity"
    async with asyncio.timeout(60):
        while True:
            code, out = atb(still, "db", "connections", "--json")
            (row,) = await sql(still, statement, unseen)
            if code == 0 and json.loads(out)["connections"] == row["count"]:
                break
    evidence("atb db connections --json", out)
    evidence(f'atb db query --scalar "{statement}"', str(row["count"]))
    # The bot's own sessions and whoever asks; the gauge is the count of a scrape before.
    assert 3 <= await metric(still, "database_connections_active", evidence) < json.loads(out)["most"]


@pytest.mark.row("S2-017")
@pytest.mark.row("S3-157")
async def test_a_session_that_stands_idle_in_a_transaction_is_ended(still: Pod, evidence: Note) -> None:
    """What works long is listed; what stands idle is ended, and the trader, which never does, goes on."""
    url = (still.folder / "secrets/database/url").read_text()
    async with await psycopg.AsyncConnection.connect(url) as busy, await psycopg.AsyncConnection.connect(url) as idle:
        await idle.execute("SELECT 1")
        sleeping = asyncio.create_task(busy.execute("SELECT pg_sleep(120)"))
        listed = await listed_until(still, busy.info.backend_pid, "db", "long-queries", "--older-than", "100ms")
        evidence("atb db long-queries --older-than 100ms", str(listed))
        await busy.cancel_safe()
        with pytest.raises(psycopg.errors.QueryCanceled):
            await sleeping
        ended = await listed_until(still, idle.info.backend_pid, "db", "kill-idle", "--older-than", "1s")
        evidence("atb db kill-idle --older-than 1s", str(ended))
        with pytest.raises(psycopg.OperationalError):
            await idle.execute("SELECT 1")
    assert (await still.status())["database"] == "ok"


async def listed_until(pod: Pod, pid: int, *command: str) -> list[dict[str, Any]]:
    """What *command* lists as soon as session *pid* is in it."""
    async with asyncio.timeout(60):
        while True:
            code, out = atb(pod, *command, "--json")
            assert code == 0, out
            if pid in {row["pid"] for row in json.loads(out)}:
                return list(json.loads(out))
            await asyncio.sleep(0.05)


@pytest.mark.row("S0-144")
@pytest.mark.row("S2-066")
@pytest.mark.row("S2-068")
async def test_slow_statements_are_listed_and_forgotten(still: Pod, evidence: Note) -> None:
    """Without the extension the cure is told; with it both spellings of the runbooks run, and a reset begins anew."""
    code, said = atb(still, "db", "slow-queries")
    assert (code, said.startswith("atb: pg_stat_statements is not in this database")) == (78, True)
    async with await psycopg.AsyncConnection.connect((still.folder / "secrets/database/url").read_text()) as owner:
        await owner.execute("CREATE EXTENSION pg_stat_statements")
    for columns in ("query, mean_exec_time", "query, mean_exec_time, calls"):
        statement = f"SELECT {columns} FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT 10;"
        assert len(await sql(still, statement, evidence)) == 10
    most = "SELECT max(calls) AS calls FROM pg_stat_statements"
    (before,) = await sql(still, most)
    code, out = atb(still, "db", "slow-queries", "--reset")
    (after,) = await sql(still, most)
    evidence("atb db slow-queries --reset; select max(calls)", f"{before} -> {after}")
    assert (code, after["calls"] < before["calls"]) == (0, True)
    code, out = atb(still, "db", "slow-queries", "--json")
    evidence("atb db slow-queries", out)
    assert {"query", "mean_exec_time", "calls"} == set(json.loads(out)[0])


@pytest.mark.row("S3-158")
async def test_a_session_is_ended_by_its_number_and_the_audit_log_says_so(still: Pod, evidence: Note) -> None:
    """What it was doing is broken off; a number that nobody has is refused."""
    url = (still.folder / "secrets/database/url").read_text()
    async with await psycopg.AsyncConnection.connect(url) as busy:
        pid = busy.info.backend_pid
        sleeping = asyncio.create_task(busy.execute("SELECT pg_sleep(600)"))
        await listed_until(still, pid, "db", "long-queries", "--older-than", "100ms")
        code, out = atb(still, "db", "kill", "--pid", str(pid))
        evidence(f"atb db kill --pid {pid}", out)
        assert (code, out) == (0, f"session {pid} of postgres has ended: SELECT pg_sleep(600)\n")
        with pytest.raises(psycopg.OperationalError):
            await sleeping
    assert await sql(still, f"SELECT pid FROM pg_stat_activity WHERE pid = {pid}", evidence) == []
    told = f"SELECT actor, details FROM audit_logs WHERE subject = 'session {pid}'"
    (row,) = await sql(still, told, evidence)
    assert row["actor"] == "person"
    assert json.loads(row["details"])["query"] == "SELECT pg_sleep(600)"
    code, said = atb(still, "db", "kill", "--pid", str(pid))
    assert (code, said) == (1, f"atb: the server has no other session {pid}: atb db long-queries lists what runs\n")


@pytest.mark.row("S2-065")
async def test_slow_statements_are_logged_for_a_while(still: Pod, evidence: Note) -> None:
    """On while the command stays, off by itself when the time has passed, and off when it is ended before."""
    code, out = atb(still, "db", "slow-log")
    assert (code, out) == (0, "log_min_duration_statement is -1\n")
    shown = "SHOW log_min_duration_statement"
    for lasts, sign in (("2s", None), ("15m", signal.SIGHUP)):
        words = ("db", "slow-log", "--on", "1000ms", "--for", lasts)
        process = await asyncio.create_subprocess_exec(
            bots.ATB, *words, env=still.environment, stdout=asyncio.subprocess.PIPE
        )
        assert await shows(still, shown, "1s")
        if sign:
            process.send_signal(sign)
        out = (await process.communicate())[0].decode()
        evidence(f"atb {' '.join(words)} ({sign or 'until its end'}); {shown} meanwhile and after", f"1s; {out}")
        assert await shows(still, shown, "-1")
        assert process.returncode == (0 if sign is None else 143)
    told = "SELECT details FROM audit_logs WHERE subject = 'setting log_min_duration_statement' ORDER BY id LIMIT 2"
    assert [json.loads(row["details"]) for row in await sql(still, told)] == [{"value": "1000ms"}, {"value": None}]


async def shows(pod: Pod, statement: str, wanted: str) -> bool:
    """A new session of the server shows *wanted*."""
    url = (pod.folder / "secrets/database/url").read_text()
    async with asyncio.timeout(60):
        while True:
            async with await psycopg.AsyncConnection.connect(url) as connection:
                (found,) = await (await connection.execute(statement.encode())).fetchone() or (None,)
                if found == wanted:
                    return True
            await asyncio.sleep(0.02)


async def test_tables_are_measured_and_vacuumed_and_settings_changed(still: Pod) -> None:
    """Beside a trader that goes on: sizes, a vacuum of every table, a setting at once and one for the next restart."""
    code, out = atb(still, "db", "table-sizes", "--json")
    sizes = {row["name"]: row["bytes"] for row in json.loads(out)}
    assert code == 0
    assert {"intents", "fills", "equity"} <= sizes.keys()
    assert all(size > 0 for size in (sizes["intents"], sizes["fills"]))
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)
    newest = "SELECT count(*) AS n FROM pg_stat_user_tables WHERE last_vacuum IS NULL OR last_analyze IS NULL"
    assert (await sql(still, newest))[0]["n"] > 0
    code, out = atb(still, "db", "vacuum")
    assert (code, out) == (0, f"{len(sizes)} tables vacuumed and analyzed\n")
    async with asyncio.timeout(30):
        while (await sql(still, newest))[0]["n"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    assert atb(still, "db", "set", "work_mem", "5MB") == (0, "work_mem is 5MB now; it was 4MB\n")
    assert await shows(still, "SHOW work_mem", "5MB")
    assert atb(still, "db", "set", "work_mem", "--reset") == (0, "work_mem is what the file says now; it was 5MB\n")
    assert await shows(still, "SHOW work_mem", "4MB")
    later = "max_wal_senders is 20 with the server's next restart; it was 10\n"
    assert atb(still, "db", "set", "max_wal_senders", "20") == (0, later)
    code, said = atb(still, "db", "set", "work_mem", "much")
    assert (code, said.startswith("atb: cannot set work_mem: invalid value")) == (78, True)
    code, said = atb(still, "db", "set", "more_memory", "1")
    assert (code, said) == (78, 'atb: the server has no setting "more_memory": write it as in SHOW ALL\n')
    assert (await still.status())["database"] == "ok"


@pytest.mark.row("S3-152")
async def test_a_dump_is_written_when_it_is_asked_for(pod: Pod, evidence: Note) -> None:
    """By a signal, beside a trader that goes on; it says what fills the memory and where each thread stands."""
    folder = pod.folder / "data/dumps"
    before = (await pod.status())["last_decision"]
    pod.process.send_signal(signal.SIGUSR2)
    async with asyncio.timeout(30):
        while not [line for line in pod.log.splitlines() if "Dump written" in line]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
    (file,) = folder.iterdir()
    told = json.loads(file.read_text())
    evidence("kill -USR2 1; ls /data/dumps", f"{file.name} {str(told)[:200]}")
    assert told["rss_bytes"] > 10_000_000
    assert {"MainThread", "trader"} <= {name.partition("_")[0] for name in told["threads"]}
    assert told["tasks"]["Engine._beat"] == 1
    await pod.until(lambda seen: seen["last_decision"] != before or seen["halts"])


@pytest.mark.row("S2-101")
async def test_a_token_is_valid_until_the_second_rotation_after_it(pod: Pod, evidence: Note) -> None:
    """The operator's patch of the Secret, as the pod's file shows it: the new one above that before, and no older."""
    file = pod.folder / "secrets/api/token"
    first = file.read_text()
    tried = [(await pod.api("/api/status", token=None))[0], (await pod.api("/api/status", token=first))[0]]
    try:
        for name in ("second", "third"):
            body = {"metadata": {"uid": "u", "resourceVersion": "1"}, "data": {"token": encoded(file.read_text())}}
            patch = rotated(body, Tokens(f"{name}-0123456789", "operator-0123456789"), "2026-11-21T12:00:00Z")
            file.write_text(patch["stringData"]["token"])
            offered = (first, "second-0123456789", "third-0123456789")
            tried += [(await pod.api("/api/status", token=token))[0] for token in offered]
    finally:
        file.write_text(first)
    evidence("curl :8000/api/status without, with the token, and after each of two rotations", str(tried))
    assert tried == [401, 200, 200, 200, 401, 401, 200, 200]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_a_strategy_is_switched_off_and_on_while_it_runs(lively: Pod, evidence: Note) -> None:
    """Through atb, by another process that reads it too; the ledger has both, and the audit log who it was."""
    code, out, _ = await lively.atb("strategies", "disable", "sma_cross", "--reason", "it loses")
    evidence("atb strategies disable sma_cross", out)
    assert (code, out.split()[:6]) == (0, ["NAME", "ENABLED", "TRADES", "PNL", "sma_cross", "no"])
    off = await lively.until(lambda seen: seen["strategies"][0]["enabled"] is False)
    assert (off["halts"], off["state"]) == ([], "trading")
    assert await gauge(lively, "tradingbot_strategy_enabled") == 0
    latched = await sql(
        lively, "SELECT kind, reason FROM halts WHERE id LIKE 'strategy-sma_cross-%' AND resumed_at IS NULL"
    )
    assert latched == [{"kind": "reduce", "reason": "it loses"}]
    code, out = atb(lively, "strategies", "enable", "sma_cross")
    assert (code, out.split()[5]) == (0, "yes")
    await lively.until(lambda seen: seen["strategies"][0]["enabled"] is True)


@pytest.mark.row("S4-080")
async def test_the_state_file_tells_whether_the_kill_switch_is_thrown(still: Pod, evidence: Note) -> None:
    """Halted it is, a second after; the file is on the volume, and is no ledger."""
    async with asyncio.timeout(30):
        while not (shown := json.loads(atb(still, "state", "show")[1]))["kill_switch"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    evidence("atb state show | jq .kill_switch", f"{shown['kill_switch']} {json.dumps(shown)}")
    status = await still.status()
    assert shown["halts"] == [halt["id"] for halt in status["halts"]]
    assert (shown["bot"], shown["ledger_id"], shown["state"]) == ("btc", status["ledger_id"], "halted")
    assert "positions" not in shown


@pytest.mark.row("S1-095")
async def test_what_each_strategy_has_brought_is_told(still: Pod, evidence: Note) -> None:
    """As a metric, as JSON and in the terminal; with one strategy it is all that the bot has brought."""
    told = (await api(still, "/api/strategies", evidence))["strategies"]
    (row,) = await sql(still, "SELECT count(*) AS trades, sum(pnl) AS pnl FROM trades")
    assert [(each["name"], each["trades"]) for each in told] == [("sma_cross", row["trades"])]
    assert float(told[0]["pnl"]) == pytest.approx(float(row["pnl"]), abs=1e-6)
    series: list[str] = []
    async with asyncio.timeout(60):
        while [float(line.rpartition(" ")[2]) for line in series] != [pytest.approx(float(row["pnl"]), abs=1e-6)]:
            _, text = await still.ops("/metrics")
            series = [line for line in text.splitlines() if line.startswith("pnl_total{")]
            await asyncio.sleep(0.1)
    evidence("pql 'sum by(strategy)(pnl_total)'", "\n".join(series))
    assert ['strategy="sma_cross"' in line for line in series] == [True]
    code, out = atb(still, "strategies", "status")
    evidence("atb strategies status", out)
    assert (code, out.split()[4:7]) == (0, ["sma_cross", "yes", str(row["trades"])])


@pytest.mark.row("S1-173")
async def test_the_strategies_are_listed(pod: Pod, evidence: Note) -> None:
    code, out = atb(pod, "strategies", "list")
    evidence("atb strategies list", out)
    assert (code, out) == (0, "ml_basic\nrsi\nsma_cross\n")


@pytest.mark.row("S1-092")
async def test_a_market_that_moves_more_is_told(pod: Pod, venue: Venue, evidence: Note) -> None:
    """How far the price goes from bar to bar, before and after bars are stretched three times."""
    # Midnight and the news of the recorded day are steps of 3 %: beside one of them nothing else is seen for an hour.
    async with asyncio.timeout(60):
        while not 0 < await gauge(pod, "market_volatility") < 0.001:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    calm = await metric(pod, "market_volatility", evidence)
    market = f"{venue.url}/control/market"
    await bots.asked(market, {"symbol": "BTCUSDT", "volatility": "3"})
    try:
        async with asyncio.timeout(60):
            while await gauge(pod, "market_volatility") < 1.5 * calm:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
    finally:
        await bots.asked(market, {"symbol": "BTCUSDT", "volatility": "1"})
    await metric(pod, "market_volatility", evidence)


async def refreshed(pod: Pod, evidence: Note, *arguments: str) -> str:
    """What the verb says that has put a venue's words into the ledger."""
    code, said = await asyncio.to_thread(atb, pod, "data", *arguments)
    evidence(f"atb data {' '.join(arguments)}", said)
    assert code == 0, said
    return said


@pytest.mark.row("S4-103")
@pytest.mark.row("S4-116")
@pytest.mark.row("S4-118")
async def test_filters_fees_and_universe_of_the_venue_are_tables_with_an_age(pod: Pod, evidence: Note) -> None:
    """Each verb has put what the venue tells into its table; the bot says when that was."""
    newest = "SELECT max(updated_at) AS at FROM fee_schedules"
    await refreshed(pod, evidence, "refresh-fees")
    (first,) = await sql(pod, newest, evidence)
    await refreshed(pod, evidence, "refresh-fees")
    (second,) = await sql(pod, newest, evidence)
    assert first["at"] < second["at"]

    symbols = pod.folder / "data/universe/symbols.json"
    await refreshed(pod, evidence, "universe", "--exchange", "binance", "--output", str(symbols))
    markets = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    assert json.loads(symbols.read_text()) == {"exchange": "binance", "symbols": markets}
    rows = await sql(pod, "SELECT symbol FROM universe_symbols ORDER BY symbol", evidence)
    assert [row["symbol"] for row in rows] == markets

    assert await refreshed(pod, evidence, "fetch-filters") == "filters of 1 markets of binance are in the ledger\n"
    await refreshed(pod, evidence, "fetch-filters", "binance", "--universe")
    assert await sql(pod, "SELECT count(*) AS n FROM exchange_filters", evidence) == [{"n": len(markets)}]
    async with asyncio.timeout(60):
        while len((await pod.status())["market_data"]["updated"]) < 3:
            # The ledger is asked when the bot is scraped, at most every ten seconds.
            await pod.ops("/metrics")
            await asyncio.sleep(0.1)
    assert await metric(pod, "market_data_age_seconds", evidence) < 60
    told = (await pod.status())["market_data"]
    assert list(told["updated"]) == ["binance fees", "binance filters", "binance universe"]
    assert told["volatility"]["BTC/USDT"] > 0


@pytest.mark.row("S3-095")
async def test_after_an_hour_the_account_on_paper_is_what_the_ledger_says(lively: Pod, evidence: Note) -> None:
    """To the smallest part of a coin. They are compared every 15 s, so the second hour's last look is of the first."""
    async with asyncio.timeout(90):
        while (bars := await gauge(lively, "tradingbot_bars")) < 120:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
    assert len((await lively.api("/api/trades"))[1]) >= 4
    error = await metric(lively, "virtual_balance_error", evidence)
    evidence("pql virtual_balance_error; pql tradingbot_bars (of one minute)", f"{error} {bars:g}")
    assert error == 0


async def connected(pod: Pod, wanted: float) -> None:
    """The bot says so of its venue."""
    async with asyncio.timeout(60):
        while await gauge(pod, "api_connected") != wanted:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


@pytest.mark.row("S1-037")
@pytest.mark.row("S3-077")
@pytest.mark.row("S0-067")
async def test_a_venue_that_goes_and_comes_is_told_and_traded_on_again(
    lively: Pod, venue: Venue, evidence: Note
) -> None:
    """Not connected while it is away, alive all the same; then connected, and a new trade without a new process."""
    before, process = await gauge(lively, "tradingbot_bars"), lively.process.pid
    await bots.asked(f"{venue.url}/control/market", {"outage": True})
    try:
        await connected(lively, 0)
        sockets = (await lively.api("/api/health/websockets"))[1]["streams"]
        evidence("sim off: pql api_connected; websocket_connected", f"0; {sockets}")
        assert sockets == [{"name": "market", "connected": False}]
        assert (await lively.ops("/livez"))[0] == 200
    finally:
        await bots.asked(f"{venue.url}/control/market", {"outage": False})
    await connected(lively, 1)
    assert await metric(lively, "websocket_connected", evidence) == 1
    (since,) = await sql(lively, "SELECT now() AS at, max(bar) AS bar FROM decisions")
    entries = f"SELECT count(*) AS n FROM intents WHERE purpose = 'entry' AND timestamp > '{since['bar']}'"
    async with asyncio.timeout(60):
        while not (await sql(lively, entries))[0]["n"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
    evidence("sim back: entries without a restart", str(await sql(lively, entries)))
    assert lively.process.pid == process
    assert await gauge(lively, "tradingbot_bars") > before

"""After a disaster, by hand: what a real trader and its account disagree about, and what a person does about it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest
import pytest_asyncio

import bots
from bots import Pod
from exchange_simulator import desk as counter
from exchange_simulator.domain.account import Balance
from exchange_simulator.domain.request import Sender
from exchange_simulator.server import Venue, running
from halting import KEY, held, sandboxed, simulator
from trading import AT_ONCE

pytestmark = pytest.mark.asyncio(loop_scope="module")
Note = Callable[[str, str], None]
CHEAP = {"api_key": KEY, "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "9000"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def venue() -> AsyncIterator[Venue]:
    async with running(simulator(), time.time) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pod(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pod]:
    """A bot halted with a position under its stop."""
    folder = tmp_path_factory.mktemp("reconcile")
    rendered = sandboxed(folder, venue.url, strategy=AT_ONCE, engine={"check_interval": "5s"})
    async with bots.pod(folder, rendered, KEY) as made:
        await held(made)
        yield made


async def compared(pod: Pod, evidence: Note) -> dict[str, dict[str, object]]:
    """As soon as nothing is under way."""
    async with asyncio.timeout(60):
        while True:
            _, out, complaint = await pod.atb("reconcile", "--json")
            found = json.loads(out) if out else {}
            if "orders" in found:
                evidence("atb reconcile --json", out)
                return found
            assert "ask again" in complaint, complaint


@pytest.mark.row("S1-103")
@pytest.mark.row("S1-104")
@pytest.mark.row("S1-105")
async def test_positions_money_and_orders_are_compared_with_the_account(pod: Pod, venue: Venue, evidence: Note) -> None:
    """All of it agrees; then an order of a person is named by its id, and nothing else is said of it."""
    found = await compared(pod, evidence)
    assert [found[part]["match"] for part in ("positions", "account", "orders")] == [True, True, True]
    (position,) = (await pod.status())["positions"]
    assert [each["ledger"] for each in found["differences"]] == [position["quantity"]]
    code, placed = await bots.asked(f"{venue.url}/control/foreign", CHEAP)
    assert code == 200, placed
    found = await compared(pod, evidence)
    (name,) = found["orders"].pop("unknown")
    assert found["orders"] == {"match": False, "missing": []}
    assert name in {order["clientOrderId"] for order in (await account(venue))["open_orders"]}
    assert (found["positions"]["match"], found["account"]["match"]) == (True, True)


@pytest.mark.row("S4-081")
async def test_an_orphan_at_the_venue_keeps_the_bot_halted(pod: Pod, venue: Venue, evidence: Note) -> None:
    """Coins and an order of nobody: refused with both by name, until they are gone, or somebody takes it upon them."""
    await bots.asked(f"{venue.url}/control/withdraw", {"api_key": KEY, "asset": "BTC", "amount": "-0.5"})
    (halt,) = (await pod.status())["halts"]
    code, _, said = await pod.atb("resume", halt["id"], "all is well")
    evidence("atb resume ID 'all is well'; echo $?", f"{said} {code}")
    assert code == 1
    assert "BTC/USDT unexpected: 0.5" in said
    assert " is unknown here" in said
    assert [each["id"] for each in (await pod.status())["halts"]] == [halt["id"]]
    cancel_all(venue, "foreign")
    take(venue, Decimal("0.5"))
    await pod.until(lambda seen: seen["open_orders"] == 1 and not seen["unresolved"])
    assert (await compared(pod, evidence))["orders"]["match"] is True


@pytest.mark.row("S0-131")
async def test_a_position_that_is_gone_is_marked_closed_by_hand(pod: Pod, venue: Venue, evidence: Note) -> None:
    """Refused while the venue shows it; afterwards the trade has price and reason of the person, and the log a row."""
    words = ("db", "close-position", "--symbol", "BTCUSDT", "--exit-price", "50000", "--exit-reason", "manual_close")
    code, _, said = await settled(pod, *words)
    evidence(f"atb {' '.join(words)}; echo $?", f"{said} {code}")
    assert (code, said) == (2, "atb: the venue still shows BTC/USDT: close it there first, or use --force\n")
    cancel_all(venue, "a person")
    take(venue, venue.exchange.accounts[KEY].balance("BTC").free)
    code, out, said = await settled(pod, *words)
    assert code == 0, said
    evidence(f"(the coins are gone) atb {' '.join(words)}; echo $?", f"{out} {code}")
    query = "SELECT exit_price, exit_reason FROM trades ORDER BY exit_time DESC LIMIT 1"
    _, out, _ = await pod.atb("db", "query", "--json", query)
    evidence(f'atb db query "{query}"', out)
    assert [(float(row["exit_price"]), row["exit_reason"]) for row in json.loads(out)] == [(50000.0, "manual_close")]
    query = "SELECT subject, actor FROM audit_logs WHERE event_type = 'RECONCILED' AND actor = 'person'"
    _, out, _ = await pod.atb("db", "query", "--json", query)
    evidence(f'atb db query "{query}"', out)
    assert json.loads(out) == [{"subject": "BTC/USDT", "actor": "person"}]
    await pod.until(lambda seen: seen["positions"] == [] and seen["open_orders"] == 0)


async def settled(pod: Pod, *words: str) -> tuple[int, str, str]:
    """What the command says once nothing is under way."""
    async with asyncio.timeout(60):
        while True:
            code, out, said = await pod.atb(*words)
            if "ask again" not in said:
                return code, out, said


async def account(venue: Venue) -> dict[str, list[dict[str, str]]]:
    return dict((await bots.asked(f"{venue.url}/control/accounts/{KEY}"))[1])


def cancel_all(venue: Venue, who: str) -> None:
    exchange = venue.exchange
    counter.cancel_all(exchange, "BTCUSDT", Sender(KEY, who, "", exchange.clock.now_ms()))


def take(venue: Venue, coins: Decimal) -> None:
    """Coins that nobody sold are gone before the bot could say a word."""
    balances = venue.exchange.accounts[KEY].balances
    balances["BTC"] = Balance(free=balances["BTC"].free - coins, locked=balances["BTC"].locked)

"""The lease functions are one format, shared by bot and operator: names, order of arguments, bodies and answers."""

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from desks import IDENTITY, desk
from ledgers import BOOK, NOW, OWNER, TIMES, instance, order
from tradingbot.api.rest import http_app
from tradingbot.domain.lease import Instance, Lease
from tradingbot.domain.lease import Successor as BotSuccessor
from tradingbot.ledger import LedgerReader, SqlLedger, open_ledger, open_reader, rights
from tradingbot_operator.domain.lease import Fenced, LeaseRow, LedgerAway, Sign, Successor
from tradingbot_operator.ledger.embedded import EmbeddedDoor, Pods

SIGNATURES = [
    "tb_claim(instance text, revision text) RETURNS TABLE (claimed bigint, refusal text)",
    "tb_release(epoch bigint, successor text) RETURNS TABLE (named bigint, refusal text)",
    "tb_retire(epoch bigint) RETURNS boolean",
    "tb_bind(account text) RETURNS text",
    "tb_order(epoch bigint, expected text, successor text, lasts_ms integer) RETURNS boolean",
    "tb_fence(epoch bigint) RETURNS boolean",
    "tb_grant(expected bigint, new bigint, holder text, instance text, revision text) RETURNS boolean",
    "tb_hold(epoch bigint, instance text, lasts_ms integer) RETURNS boolean",
    "tb_guard_ms() RETURNS bigint",
]
SQL = files("tradingbot.ledger.migrations").joinpath("sql/0002_postgresql.sql").read_text()
PAGE = (Path(__file__).parents[2] / "docs/contracts.md").read_text()
STANDBY = Instance("green", "pod-2", "a", "r2")
GREEN = Successor("green", "pod-2/a", "r2")


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_lease_function_has_the_names_and_order_of_the_contract(signature: str) -> None:
    """In the migration word for word, safe against a forged search path, and with its arguments on the page."""
    made = re.sub(r"\s+", " ", SQL)
    assert f"CREATE FUNCTION {signature} LANGUAGE" in made
    body = made.partition(f"CREATE FUNCTION {signature} ")[2].partition("$$")[0]
    assert body.endswith("SECURITY DEFINER SET search_path = {schema}, pg_temp AS ")
    assert f"`{signature.partition(' RETURNS')[0]}`" in PAGE


def test_each_function_is_granted_to_whom_the_page_names() -> None:
    """By the types of its arguments, as a grant names it."""
    bare = {re.sub(r"(\w+) (bigint|text|integer)", r"\2", one.partition(" RETURNS")[0]) for one in SIGNATURES}
    assert {*rights.COLOUR_CALLS, *rights.FENCER_CALLS} == bare
    assert set(rights.COLOUR_CALLS) & set(rights.FENCER_CALLS) == {"tb_guard_ms()"}
    for call in rights.COLOUR_CALLS[:-1]:
        assert re.search(rf"`{call.partition('(')[0]}\([^|]*\| colour \|", PAGE)
    for call in rights.FENCER_CALLS[:-1]:
        assert re.search(rf"`{call.partition('(')[0]}\([^|]*\| fencer \|", PAGE)


def test_both_sides_write_a_successor_alike() -> None:
    """Three words with one space between."""
    assert GREEN.text == BotSuccessor("green", "pod-2/a", "r2").text == "green pod-2/a r2"
    assert Successor.parse(BotSuccessor("green", "pod-2/a", "r2").text) == GREEN


@dataclass
class Bridge:
    """Stands for the operator's HTTP session, and leads straight into the bot's application."""

    client: TestClient

    @asynccontextmanager
    async def post(self, url: str, json: Any, headers: Mapping[str, str], timeout: Any) -> Any:  # noqa: ASYNC109
        answer = self.client.post(url.removeprefix("http://pod"), json=json, headers=headers)
        yield Answer(answer.status_code, answer.json())


@dataclass
class Answer:
    status: int
    body: Any

    async def json(self, content_type: Any) -> Any:
        return self.body


@dataclass
class Bot:
    """A bot on an embedded ledger, and the operator's door to it."""

    ledger: SqlLedger
    reader: LedgerReader
    door: EmbeddedDoor


@pytest.fixture(name="bot")
def embedded_bot(tmp_path: Path) -> Iterator[Bot]:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    ledger = open_ledger(url, OWNER, BOOK, "blue", random.Random(7).randrange)
    reader = open_reader(url)
    client = TestClient(http_app(desk(ledger=reader, identity=IDENTITY)), raise_server_exceptions=False)
    door = EmbeddedDoor(Bridge(client), Pods(("http://pod",), "operator"))  # type: ignore[arg-type]
    yield Bot(ledger, reader, door)
    reader.close()
    ledger.close()


def trading(bot: Bot) -> Lease:
    lease = bot.ledger.claim(instance(), NOW)
    assert isinstance(lease, Lease)
    bot.ledger.heartbeat(STANDBY, "standby", NOW)
    return lease


@pytest.mark.asyncio
async def test_the_operator_reads_the_row_of_an_embedded_ledger(bot: Bot) -> None:
    """Every field of its own value is filled from the bot's answer."""
    trading(bot)
    row = await bot.door.row()
    assert row == LeaseRow(
        ledger_id=bot.ledger.ledger_id,
        epoch=1,
        holder="blue",
        instance="pod-1/a",
        revision=None,
        successor=None,
        order_left_ms=None,
        released=False,
        hold_left_ms=None,
        signs=tuple(Sign(who, what, row.silent_ms(who) or 0) for who, what in _signs(row)),
    )
    assert sorted(_signs(row)) == [("pod-1/a", "trader"), ("pod-2/a", "standby")]


def _signs(row: LeaseRow) -> list[tuple[str, str]]:
    return [(sign.instance, sign.role) for sign in row.signs]


@pytest.mark.asyncio
async def test_a_hand_over_goes_through_the_operators_door(bot: Bot) -> None:
    """Order, release, and an order taken back: each side does what the other has said."""
    lease = trading(bot)
    assert await bot.door.order(1, None, GREEN, 60_000)
    assert not await bot.door.order(1, None, GREEN, 60_000), "one stands"
    assert (await bot.door.row()).successor == GREEN
    assert await bot.door.order(1, GREEN, None, 0)
    assert (await bot.door.row()).successor is None
    assert await bot.door.order(1, None, GREEN, 60_000)
    successor = bot.ledger.order_stands()
    assert successor is not None
    bot.ledger.release(lease, successor, NOW)
    row = await bot.door.row()
    assert (row.epoch, row.holder, row.instance, row.revision) == (2, "green", "pod-2/a", "r2")


@pytest.mark.asyncio
async def test_a_forced_hand_over_goes_through_the_operators_door(bot: Bot) -> None:
    """Fence with the time to wait, grant to a process or to the next start, and an exit grant that refuses both."""
    lease = trading(bot)
    bot.ledger.intend(lease, order(), *TIMES)
    assert await bot.door.fence(0) is None
    assert await bot.door.fence(1) == Fenced(3000)
    assert await bot.door.grant(1, 2, GREEN)
    assert (await bot.door.row()).instance == "pod-2/a"
    assert await bot.door.grant(2, 3, Successor("blue", "", "r1"))
    row = await bot.door.row()
    assert (row.epoch, row.holder, row.instance, row.revision) == (3, "blue", None, "r1")
    assert bot.ledger.claim(instance("pod-3", revision="r1"), NOW)
    assert await bot.door.hold(4, "pod-3/a", 60_000)
    assert await bot.door.fence(4) is None
    assert not await bot.door.grant(4, 5, GREEN)
    left = (await bot.door.row()).hold_left_ms
    assert left is not None
    assert 0 < left <= 60_000


@pytest.mark.asyncio
async def test_a_bot_that_has_no_ledger_yet_is_away(tmp_path: Path) -> None:
    """Unknown is unknown: nothing moves."""
    client = TestClient(http_app(desk(ledger=None)), raise_server_exceptions=False)
    door = EmbeddedDoor(Bridge(client), Pods(("http://pod",), "operator"))  # type: ignore[arg-type]
    with pytest.raises(LedgerAway, match="answers 503: the ledger cannot be reached"):
        await door.row()

"""A strategy that a person has switched off: it enters nothing, leaves what it holds, and stays off over restarts."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from desks import NOW, WELL, ListeningEngine, StoredLedger, desk
from trading import BTC, START, MemoryLedger, bars, candle, instrument, replay, sma
from tradingbot import ticking
from tradingbot.api.gauges import Gauges
from tradingbot.api.rest import http_app
from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.domain.halt import Halt, HaltKind, cause, switch_id, switched
from tradingbot.domain.intent import Action
from tradingbot.domain.trade import Account, Trade
from tradingbot.execution.book import Book
from tradingbot.execution.halting import Halts
from tradingbot.halts.journal import Journal
from tradingbot.halts.latch import Latch
from tradingbot.strategy import strategy_of

PEOPLE = {"Authorization": "Bearer people"}
OFF = Halt(switch_id("sma_cross", "h1"), HaltKind.REDUCE, "http", "it loses", START)
RISE, FALL = (100, 100, 101, 103, 104, 105, 106), (104, 102, 100, 99, 99)


class AwayLedger(MemoryLedger):
    """A ledger that answers nothing while *away*."""

    away = False

    def latch(self, halt: Halt) -> str:
        if self.away:
            raise LedgerUnavailable("away")
        return super().latch(halt)


def actions(ledger: MemoryLedger) -> set[Action | None]:
    return {decision.intent and decision.intent.action for decision, _ in ledger.decisions}


def test_its_name_is_in_the_id_and_no_halt_has_such_an_id() -> None:
    assert OFF.id == "strategy-sma_cross-h1"
    assert (switched(OFF.id), switched("drawdown-12000"), cause(OFF.id)) == ("sma_cross", None, "StrategyDisabled")


def test_what_is_switched_off_enters_nothing_and_says_nothing_of_it() -> None:
    """The same bars that are a trade otherwise; every one of them is decided, to hold."""
    ledger = MemoryLedger()
    ledger.latch(OFF)
    world = replay(bars(*RISE, *FALL), sma(), ledger=ledger)
    asyncio.run(world.engine.run())
    assert (ledger.orders(), actions(ledger)) == ((), {None})
    assert world.engine.snapshot().halts == ()


def test_a_restart_with_it_off_still_leaves_what_is_held() -> None:
    """Entered while on, left while off, and its stop was there in between."""
    ledger = MemoryLedger()
    first = replay(bars(*RISE), sma(), ledger=ledger)
    asyncio.run(first.engine.run())
    ledger.latch(OFF)
    asyncio.run(replay(bars(*RISE, *FALL), sma(), ledger=ledger).engine.run())
    purposes = [record.write.request.purpose for record in reversed(ledger.orders())]
    assert purposes[0] == "entry"
    assert purposes.count("entry") == 1
    assert "exit" in purposes


class Asked(Exception):
    """Somebody wants in, and risk is asked."""


class AskedGuard:
    """A guard that is never to be asked about an entry of what is off."""

    def __init__(self, *off: str) -> None:
        self.halts = Halts(MemoryLedger(), off=dict.fromkeys(off, OFF))

    def exposure(self, *_: object, **__: object) -> None:
        raise Asked


@pytest.mark.parametrize("parameters", [{"style": "market"}, {}])
def test_a_metronome_that_is_off_places_nothing(parameters: dict[str, str]) -> None:
    """Its beat wants in and is not even looked at; switched on, it is."""
    parts = SimpleNamespace(strategy=strategy_of("metronome", parameters), clock=SimpleNamespace(now=lambda: START))
    desk_ = SimpleNamespace(book=Book({BTC: instrument()}, Decimal(10000)))
    bars_ = SimpleNamespace(newest=lambda _: candle())
    off = SimpleNamespace(parts=parts, bars=bars_, guard=AskedGuard("metronome"))
    assert asyncio.run(ticking.tick(off, desk_, BTC)) is False  # type: ignore[arg-type]
    on = SimpleNamespace(parts=parts, bars=bars_, guard=AskedGuard("another"))
    with pytest.raises(Asked):
        asyncio.run(ticking.tick(on, desk_, BTC))  # type: ignore[arg-type]


def test_off_and_on_again_are_told_apart_from_halts() -> None:
    """Switched off twice it is off once; on again it is on in the ledger too, and no halt is touched."""
    ledger = MemoryLedger()
    halt = Halt("h7", HaltKind.HALT, "http", "spread", START)
    halts = Halts(ledger)
    halts.add(halt)
    halts.switch(OFF)
    halts.switch(replace(OFF, id=switch_id("sma_cross", "h2")))
    assert (set(halts.off), set(halts.standing), halts.ruling) == ({"sma_cross"}, {"h7"}, HaltKind.HALT)
    again = Halts(ledger)
    again.refresh()
    assert (set(again.off), set(again.standing)) == ({"sma_cross"}, {"h7"})
    halts.switch_on("sma_cross", "it wins", NOW)
    halts.switch_on("sma_cross", "it wins", NOW)
    again.refresh()
    assert (halts.off, again.off, set(again.standing)) == ({}, {}, {"h7"})
    assert ledger.resumed == {OFF.id: "it wins"}


def test_a_ledger_that_is_away_does_not_delay_it() -> None:
    """It is off at once, and latched as soon as the ledger is back."""
    ledger = AwayLedger()
    ledger.away = True
    halts = Halts(ledger)
    halts.switch(OFF)
    assert set(halts.off) == {"sma_cross"}
    ledger.away = False
    halts.refresh()
    assert (set(halts.off), [halt.id for halt in ledger.halts()]) == ({"sma_cross"}, [OFF.id])


def test_a_running_engine_is_switched_and_shows_it() -> None:
    ledger = MemoryLedger()
    world = replay(bars(*RISE), sma(), ledger=ledger)

    async def switch() -> None:
        await world.engine.switch("sma_cross", False, "it loses")
        assert world.engine.snapshot().disabled == {"sma_cross"}
        await world.engine.switch("sma_cross", True, "it wins")
        assert world.engine.snapshot().disabled == frozenset()

    asyncio.run(switch())
    assert list(ledger.resumed.values()) == ["it wins"]


class Person:
    """Orders over HTTP to a bot that trades."""

    def __init__(self) -> None:
        self.engine = ListeningEngine(WELL)
        self._client = TestClient(http_app(desk(self.engine)))

    def post(self, path: str, **sent: str) -> tuple[int, Any]:
        answer = self._client.post(path, headers=PEOPLE, json=sent)
        return answer.status_code, answer.json()

    def told(self) -> Any:
        return self._client.get("/api/strategies", headers=PEOPLE).json()["strategies"]


def test_a_person_switches_over_http_and_sees_it() -> None:
    person = Person()
    code, answer = person.post("/api/strategies/disable", name=" sma_cross ", reason="it loses")
    off = [{"name": "sma_cross", "enabled": False, "symbols": [BTC], "trades": None, "pnl": None}]
    assert (code, answer["strategies"], person.told()) == (200, off, off)
    assert person.post("/api/strategies/enable", name="sma_cross")[0] == 200
    assert person.told()[0]["enabled"] is True
    assert [told[0] for told in person.engine.told] == ["it loses", "switched on"]


def test_each_strategy_is_shown_with_what_it_has_brought() -> None:
    """By the trades it has entered; those that nobody's decision stands behind are of none."""
    mine = [Trade(BTC, Decimal(pnl), Decimal(0), NOW, "sma_cross") for pnl in ("1.50", "-0.25")]
    ledger = StoredLedger(ended=(*mine, Trade(BTC, Decimal(7), Decimal(0), NOW)))
    client = TestClient(http_app(desk(ListeningEngine(WELL), ledger=ledger)))
    told = client.get("/api/strategies", headers=PEOPLE).json()["strategies"]
    assert told == [{"name": "sma_cross", "enabled": True, "symbols": [BTC], "trades": 2, "pnl": "1.25"}]


def test_the_metric_has_each_strategy_and_whatever_none_has_entered() -> None:
    """Zero before a first trade; together they are all that was brought."""
    mine = Trade(BTC, Decimal("1.25"), Decimal(0), NOW, "sma_cross")
    for ended, brought in (
        ((), {"sma_cross": 0.0}),
        ((mine, replace(mine, strategy="")), {"sma_cross": 1.25, "none": 1.25}),
    ):
        gauges = Gauges(desk(account=Account(ended, (), 0, None)))
        (family,) = (family for family in gauges.collect() if family.name == "pnl_total")
        assert {sample.labels["strategy"]: sample.value for sample in family.samples} == brought
    (family,) = (family for family in Gauges(desk()).collect() if family.name == "pnl_total")
    assert family.samples == []


def test_a_strategy_that_is_not_there_is_refused() -> None:
    person = Person()
    code, answer = person.post("/api/strategies/disable", name="rsi")
    assert (code, answer["error"]) == (404, 'name "rsi" is no strategy of this bot: write one of sma_cross')
    assert person.post("/api/strategies/disable")[0] == 422
    assert person.engine.told == []


@pytest.mark.asyncio
async def test_before_the_trader_is_there_nothing_is_switched(tmp_path: Any) -> None:
    """The caller is told to come again; a switch that nobody has taken would be forgotten."""
    latch = Latch(Journal(tmp_path / "halts"), lambda: NOW, lambda: "id")
    with pytest.raises(LedgerUnavailable, match="the trader is not there yet"):
        await latch.switch("sma_cross", False, "it loses")
    engine = ListeningEngine(WELL)
    await latch.attach(engine)
    await latch.switch("sma_cross", False, "it loses")
    assert engine.shown.disabled == {"sma_cross"}

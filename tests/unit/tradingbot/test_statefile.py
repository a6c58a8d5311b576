"""The state file: whole whatever happens, written by the one that trades, ignored when it is broken."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import bots
from desks import NOW, WELL, ListeningEngine, desk
from tradingbot.breakers import Breakers
from tradingbot.cli.program import run
from tradingbot.domain.breaker import Breaker, BreakerState, Operation, Rule
from tradingbot.domain.candle import Candle
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.snapshot import EngineState, Snapshot
from tradingbot.start import statefile
from tradingbot.start.statefile import State, keep, load, path_of, state_of, store, take_over

Note = Callable[[str, str], None]
HALTED = replace(WELL, state=EngineState.HALTED, halts=(Halt("h1", HaltKind.HALT, "flag", "spread", NOW),))
OPEN = Breaker("binance/enter", Rule(), opened_at=NOW, last_error="503", trips=3)
BROKEN = replace(WELL, breakers=((Breaker("binance/orders"), BreakerState.CLOSED), (OPEN, BreakerState.OPEN)))


def around(data: Path, shown: Snapshot = WELL) -> Any:
    """What a process lends to its trader, as far as the file needs it."""
    (data / "state").mkdir(exist_ok=True)
    settings = SimpleNamespace(paths=SimpleNamespace(data=data))
    return SimpleNamespace(settings=settings, latch=ListeningEngine(shown), desk=desk(ListeningEngine(shown)))


def state(shown: Snapshot = WELL) -> State:
    made = SimpleNamespace(desk=desk(ListeningEngine(shown)))
    return state_of(made, shown)  # type: ignore[arg-type]


async def kept(at: Any, condition: Callable[[State], bool]) -> State:
    """The file as soon as *condition* holds of it, while it is kept."""
    async with asyncio.timeout(10):
        while (found := load(path_of(at.settings.paths.data))) is None or not condition(found):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    return found


def test_it_tells_people_what_stands_and_keeps_no_money() -> None:
    """Halts as their names and as one word; prices of the markets; nothing of positions, orders or equity."""
    at = desk(streams={"market": True})
    at.market.tell(Candle("BTC/USDT", "1m", NOW, Decimal(1), Decimal(2), Decimal(1), Decimal("1.50"), Decimal(9)))
    told = json.loads(state_of(SimpleNamespace(desk=at), HALTED).model_dump_json())  # type: ignore[arg-type]
    assert (told["kill_switch"], told["halts"], told["state"], told["bot"]) == (True, ["h1"], "halted", "btc")
    assert told["markets"] == [{"symbol": "BTC/USDT", "bar": "2026-11-21T12:00:00Z", "price": "1.50"}]
    assert told["streams"] == {"market": True}
    assert not {"positions", "equity", "cash", "orders"} & told.keys()


@pytest.mark.row("S1-006")
@pytest.mark.row("S1-171")
def test_a_process_killed_while_it_writes_leaves_a_whole_file(tmp_path: Path, evidence: Note) -> None:
    """A hundred times, each in the middle of a write: what is there can be read, and is the one before or the next."""
    path, whole = path_of(tmp_path), 0
    path.parent.mkdir()
    store(path, state())
    for _ in range(100):
        child = os.fork()
        if child == 0:
            try:
                while True:
                    store(path, state(HALTED))
            finally:
                os._exit(1)
        while not path.with_suffix(".blue.new").exists():
            assert os.waitpid(child, os.WNOHANG) == (0, 0)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        whole += load(path) is not None
    evidence("kill -9 while data/state/bot_state.json is written, 100 times", f"{whole} of 100 read whole")
    assert whole == 100
    path.with_suffix(".blue.new").write_text("{")
    store(path, state())
    assert load(path) == state()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 2}', json.dumps({"version": 1, "at": "yesterday"})])
def test_what_cannot_be_read_is_as_if_it_were_not_there(tmp_path: Path, content: str) -> None:
    """Nothing is taken over from it, and the next write makes it whole."""
    path = path_of(tmp_path)
    path.parent.mkdir()
    path.write_text(content)
    breakers = Breakers("binance", (Operation.ENTER,), Rule(), lambda: NOW)
    take_over(path, breakers)
    assert (load(path), breakers.open) == (None, ())


@pytest.mark.parametrize(("later", "open_"), [(0, (OPEN.why,)), (59, (OPEN.why,)), (60, ()), (-1, ())])
def test_what_was_left_alone_is_left_alone_until_its_time_is_over(
    tmp_path: Path, later: int, open_: tuple[str, ...]
) -> None:
    """A restart is no way around an open breaker; a clock that went back keeps nothing shut."""
    path = path_of(tmp_path)
    path.parent.mkdir()
    store(path, state(BROKEN))
    breakers = Breakers("binance", (Operation.ORDERS, Operation.ENTER), Rule(), lambda: NOW + timedelta(seconds=later))
    take_over(path, breakers)
    assert breakers.open == open_


@pytest.mark.asyncio
async def test_it_is_written_at_once_and_with_each_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A halt is in it a look later; removed, it is written anew; and the last word is that of the end."""
    monkeypatch.setattr(statefile, "LOOK_SECONDS", 0.001)
    at = around(tmp_path)
    keeping = asyncio.create_task(keep(at))
    await kept(at, lambda found: not found.kill_switch)
    at.latch.shown = HALTED
    await kept(at, lambda found: found.kill_switch)
    path_of(tmp_path).unlink()
    await kept(at, lambda found: found.kill_switch)
    at.latch.shown = replace(WELL, state=EngineState.STOPPING)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    found = load(path_of(tmp_path))
    assert found is not None
    assert found.state is EngineState.STOPPING


@pytest.mark.asyncio
@pytest.mark.parametrize("shown", [replace(WELL, state=EngineState.STANDBY), replace(WELL, epoch=None)])
async def test_one_that_does_not_trade_leaves_the_file_to_the_other(tmp_path: Path, shown: Snapshot) -> None:
    at = around(tmp_path, shown)
    keeping = asyncio.create_task(keep(at))
    await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert not path_of(tmp_path).exists()


@pytest.mark.asyncio
async def test_a_volume_that_takes_nothing_keeps_nobody_from_trading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, and tried again with the next change, not at every look."""
    monkeypatch.setattr(statefile, "LOOK_SECONDS", 0.001)
    tried: list[State] = []

    def full(_: Path, told: State) -> None:
        tried.append(told)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(statefile, "store", full)
    at, looks = around(tmp_path), 0

    class Counted(ListeningEngine):
        def snapshot(self) -> Snapshot:
            nonlocal looks
            looks += 1
            return super().snapshot()

    at.latch = Counted(WELL)
    keeping = asyncio.create_task(keep(at))
    async with asyncio.timeout(10):
        while looks < 5:  # noqa: ASYNC110 - nobody tells of a look
            await asyncio.sleep(0.001)
    assert (len(tried), keeping.done()) == (1, False)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


def test_it_is_shown_and_not_reset_by_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``atb state show`` prints it, or says why not; ``reset`` does nothing without --confirm."""
    for name, value in bots.mounted(tmp_path, bots.settings(tmp_path)).items():
        monkeypatch.setenv(name, value)
    path = path_of(tmp_path / "data")
    assert run(["state", "show"]) == 1
    assert "does not exist: a trader that holds the lease writes it anew within a second" in capsys.readouterr().err
    path.write_text("{")
    assert run(["state", "show"]) == 1
    assert "is not what a trader has written" in capsys.readouterr().err
    store(path, state(HALTED))
    assert run(["state", "show"]) == 0
    assert json.loads(capsys.readouterr().out)["kill_switch"] is True
    assert run(["state", "reset"]) == 2
    assert path.exists()

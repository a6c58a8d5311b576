"""What a process knew that no ledger keeps, on the state volume: for people, and for the process that comes after it.

Orders, positions, money, halts and switches are the ledger's; where they are told here they are for people only.
"""

import asyncio
import os
import time
from collections.abc import Hashable
from pathlib import Path
from typing import Literal

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from tradingbot.breakers import Breakers
from tradingbot.domain.breaker import BreakerState
from tradingbot.domain.snapshot import EngineState, Snapshot
from tradingbot.start.around import Around

NAME = "bot_state.json"
EVERY_SECONDS = 300.0
LOOK_SECONDS = 1.0
log = structlog.stdlib.get_logger(__name__)


class Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class KeptBreaker(Kept):
    name: str
    state: BreakerState
    opened_at: AwareDatetime | None
    last_error: str
    trips: int


class Market(Kept):
    symbol: str
    bar: AwareDatetime
    price: str


class State(Kept):
    """*kill_switch*: a halt stands. *version* is that of this form; another one is not read."""

    version: Literal[1] = 1
    at: AwareDatetime
    bot: str
    ledger_id: str
    colour: str
    instance: str
    state: EngineState
    kill_switch: bool
    halts: tuple[str, ...]
    disabled: tuple[str, ...]
    bars_seen: int
    data_seen_at: AwareDatetime | None
    clock: str
    streams: dict[str, bool]
    breakers: tuple[KeptBreaker, ...]
    markets: tuple[Market, ...]


def path_of(data: Path) -> Path:
    return data / "state" / NAME


def store(path: Path, state: State) -> None:
    """*path* holds *state*, whole, even if the process ends in the middle of it; raises OSError."""
    # Two colours may share the volume, and one may still end while the other writes.
    fresh = path.with_suffix(f".{state.colour}.new")
    with fresh.open("w") as file:
        file.write(state.model_dump_json(indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load(path: Path) -> State | None:
    """What *path* holds; None when there is nothing that can be read."""
    try:
        return State.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def take_over(path: Path, breakers: Breakers) -> None:
    """What the process before had to leave alone at the venue is left alone until its time is over."""
    before = load(path)
    for each in before.breakers if before else ():
        if each.state is not BreakerState.CLOSED and each.opened_at is not None:
            breakers.resume(each.name, each.opened_at, each.last_error, each.trips)


async def keep(around: Around) -> None:
    """Until cancelled the file is as old as five minutes at most, and as a second where something has changed."""
    path, due, before, there = path_of(around.settings.paths.data), float("-inf"), None, False
    try:
        while True:
            snapshot = around.latch.snapshot()
            # Whoever has removed it, as a reset does, is given a new one; a volume that takes none is left alone.
            changed = (told := _matters(snapshot)) != before or (there and not await asyncio.to_thread(path.exists))
            if _is_ours(snapshot) and (changed or time.monotonic() >= due):
                there = await asyncio.to_thread(_stored, path, state_of(around, snapshot))
                due, before = time.monotonic() + EVERY_SECONDS, told
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        last = around.latch.snapshot()
        if _is_ours(last):
            _stored(path, state_of(around, last))


def _is_ours(snapshot: Snapshot) -> bool:
    """Two colours may share the volume: the one that trades writes."""
    return snapshot.epoch is not None and snapshot.state is not EngineState.STANDBY


def _matters(snapshot: Snapshot) -> Hashable:
    standing = tuple(halt.id for halt in snapshot.halts)
    breakers = tuple((held.name, state) for held, state in snapshot.breakers)
    return snapshot.state, snapshot.epoch, standing, snapshot.disabled, breakers


def _stored(path: Path, state: State) -> bool:
    try:
        store(path, state)
    except OSError as error:
        log.warning("The state volume takes no state file", error=str(error))
        return False
    return True


def state_of(around: Around, snapshot: Snapshot) -> State:
    """*snapshot* as the file has it."""
    breakers = tuple(
        KeptBreaker(name=held.name, state=state, opened_at=held.opened_at, last_error=held.last_error, trips=held.trips)
        for held, state in snapshot.breakers
    )
    return State(
        at=around.desk.now(),
        bot=around.desk.identity.bot,
        ledger_id=snapshot.ledger_id,
        colour=around.desk.identity.colour,
        instance=around.desk.identity.instance,
        state=snapshot.state,
        kill_switch=snapshot.halted,
        halts=tuple(halt.id for halt in snapshot.halts),
        disabled=tuple(sorted(snapshot.disabled)),
        bars_seen=snapshot.bars_seen,
        data_seen_at=snapshot.data_seen_at,
        clock=snapshot.clock.value,
        streams=dict(around.desk.streams),
        breakers=breakers,
        markets=tuple(
            Market(symbol=each.symbol, bar=each.open_time, price=str(each.close)) for each in around.desk.market.newest
        ),
    )

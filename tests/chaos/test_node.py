"""Real processes on a real node, killed, frozen, deleted and doubled, at rest and in the middle of hand-overs.

NODE_SEED=n draws other strikes, NODE_STRIKES=n another number of them, NODE_ONLY=kill_trader,freeze_trader these alone.
"""

import os
import shutil
from collections.abc import Iterator

import pytest

import node
from chaos import struck as scene
from chaos.chaosbook import note
from chaos.striking import ACTIONS, GIVEN_UP_SECONDS, Outcome, Strike, marks, plan, rested, struck
from chaos.struck import World

SEED = int(os.environ.get("NODE_SEED", "20261121"))
STRIKES = int(os.environ.get("NODE_STRIKES", "60"))
ONLY = os.environ.get("NODE_ONLY", "")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A node of its own, which is gone with the last strike unless it was up before."""
    with scene.own_node("chaos"), scene.world() as made:
        yield made


def told(world: World, outcome: Outcome) -> None:
    """A line for each strike; of one that failed, also what was seen."""
    ended = f"{outcome.seconds:.1f} s, unprotected {outcome.unprotected_ms} ms{', FAILED' if outcome.faults else ''}"
    print(f"{outcome.strike}: {ended}", flush=True)
    for fault in outcome.faults:
        print(f"    {fault}", flush=True)
    if outcome.faults:
        for bot in world.bots.values():
            print(f"{bot.name} {bot.told()}\n{bot.tail()}", flush=True)
        logs = node.ROOT / "build" / "chaos" / f"strike-{outcome.strike.number}"
        shutil.copytree(scene.state() / "pod-logs", logs, symlinks=True, dirs_exist_ok=True)


@pytest.mark.slow
def test_a_bot_trades_again_after_every_strike(world: World) -> None:
    """Within 60 s it trades under one epoch, at rest, with books that agree; and never did two send at once."""
    print(f"NODE_SEED={SEED}, {STRIKES} strikes")
    outcomes: list[Outcome] = []
    for strike in plan(SEED, STRIKES, ONLY):
        outcomes.append(struck(world, strike))
        told(world, outcomes[-1])
        if outcomes[-1].faults and rested(world, GIVEN_UP_SECONDS, marks(world)):
            break
    failed = [each for each in outcomes if each.faults]
    slowest = max(each.seconds for each in outcomes)
    note("node_strikes", {"count": len(outcomes), "failed": len(failed), "slowest_s": round(slowest, 1), "seed": SEED})
    assert [f"{each.strike}: {each.faults}" for each in failed] == [], f"NODE_SEED={SEED}"
    assert len(outcomes) == STRIKES


def test_the_same_seed_draws_the_same_strikes() -> None:
    """A failure can be struck again; among sixty strikes each action is drawn, at rest and in hand-overs."""
    drawn = plan(SEED, 60)
    assert drawn == plan(SEED, 60) != plan(SEED + 1, 60)
    assert {each.action for each in drawn} == set(ACTIONS)
    assert {each.moment for each in drawn} == {"rest", "rollout", "verifying", "rollback"}
    assert Strike(1, "kill_trader", "filed", "rest", 700, 3.0).__str__() == "strike 1: kill_trader at filed, rest"

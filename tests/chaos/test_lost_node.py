"""The node of the trader is lost: its processes stand still and its link is cut. Then it comes back.

The other colour was kept warm on the other node, where PostgreSQL, operator and venue are too, and trades meanwhile.
"""

import contextlib
import subprocess
from collections.abc import Iterator

import pytest

import node
import node_postgres
from chaos import judging
from chaos import struck as scene
from chaos.chaosbook import note
from chaos.struck import Struck, World
from peers import nodeapi

# What the product promises of a colour that is kept warm.
TAKEN_OVER_MS = 30_000
COME_BACK_SECONDS = 120


def names() -> list[str]:
    """Both nodes, the one with the control plane first."""
    return sorted(node.kubectl("get", "nodes", "-o", "name").replace("node/", "").split())


def warm(api: nodeapi.NodeApi, server: node_postgres.NodeServer) -> list[Struck]:
    """The one bot, whose pods may be on either node; what was placed before is on the first one."""
    node.kubectl("uncordon", names()[1])
    bot = scene.on_server(api, server)
    bot.standby, bot.observe = "warm", "1s"
    return [bot]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Two nodes, and a bot with a standby; all it needs is on the first one."""
    with scene.own_node("two", "--nodes", "2"):
        node.kubectl("cordon", names()[1])
        with scene.world(warm) as made:
            yield made


def places(bot: Struck) -> dict[str, str]:
    """The node of each colour's pod."""
    pods = ((each["metadata"]["labels"]["tradingbot.io/colour"], each["spec"]) for each in bot.pods())
    return {colour: spec.get("nodeName", "") for colour, spec in pods}


def traders_node(bot: Struck) -> str:
    return places(bot).get(bot.status()["active"]["colour"], "")


@contextlib.contextmanager
def lost() -> Iterator[None]:
    """The second node is cut off and stands still while the block runs."""
    sources = ". cluster/lib.sh; . cluster/node/lifecycle.sh; set_addresses $(cat $STATE/index)"
    every = "for again in 1 2; do node_processes /second/ | cut -d' ' -f1 | xargs kill {} || :; done"
    subprocess.run([*node.network(), "ip", "link", "set", "second", "down"], check=True)
    node.command("bash", "-c", f"{sources}; {every.format('-STOP')}")
    try:
        yield
    finally:
        node.command("bash", "-c", f"{sources}; {every.format('-CONT')}; connect_second")


def at_rest(world: World, since: int) -> bool:
    assert (missing := world.unrest({"served": since})) == [], missing
    return True


@pytest.mark.slow
def test_the_warm_colour_trades_within_thirty_seconds_of_the_loss_of_the_traders_node(world: World) -> None:
    """No order is sent by two, and the colour that comes back with its node sends nothing until it is named again."""
    bot, nodes = world.bots["served"], names()
    node.eventually(lambda: at_rest(world, 0) and sorted(places(bot).values()) == nodes, COME_BACK_SECONDS)
    if traders_node(bot) == nodes[0]:
        bot.task("restart")
        node.eventually(lambda: traders_node(bot) == nodes[1] and at_rest(world, 0), COME_BACK_SECONDS)
    before, trader = places(bot), bot.sender
    assert trader is not None
    with lost():
        at = nodeapi.now_ms()
        took = bot.first_of_another(trader) - at
        print(f"the other colour trades {took} ms after the loss", flush=True)
        node.eventually(lambda: bot.step() in ("Observing", "Done"), COME_BACK_SECONDS)
    assert took <= TAKEN_OVER_MS
    since = len(bot.entries)
    node.eventually(lambda: at_rest(world, since) and places(bot) == before, COME_BACK_SECONDS)
    assert bot.log_faults(bot.ledger()) == []
    late = [each for each in bot.entries[since:] if each["sender"] == trader and each["outcome"] == "accepted"]
    assert late == []
    note("node_lost", {"takeover_ms": took, "unprotected_ms": judging.unprotected(bot.entries)})

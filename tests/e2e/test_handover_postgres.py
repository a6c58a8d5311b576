"""A bot with its ledger on a person's PostgreSQL, on the real node: it trades, is swapped, rolled back, and fenced."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

import node
import node_postgres
from node_postgres import NodeServer
from trading import OFTEN

NAMESPACE, BOT = "trading", "ledgered"
OWNER, FENCER = "ledgered_owner", "ledgered_fencer"
WORD = "a-word-for-the-test"
pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("product")]


def spec(slow: str = "5") -> dict:
    return {
        "mode": "paper",
        "profile": "dev",
        "exchange": {
            "name": "binance",
            "symbols": ["BTC/USDT"],
            "endpoint": "http://exchange-simulator.exchange-simulator.svc:8080",
            "sandbox": True,
            "credentialsSecretRef": {"name": f"{BOT}-exchange"},
        },
        "strategy": {**OFTEN, "parameters": {"fast": "2", "slow": slow}},
        "risk": {
            "maxOrdersPerMinute": 6000,
            "maxDailyLoss": "5000",
            "maxDailyLossPercent": "50",
            "maxDrawdownPercent": "50",
        },
        "rollout": {"observe": "10m"},
        "database": {
            "mode": "postgres",
            "postgres": {
                "ownerSecretRef": {"name": f"{BOT}-owner"},
                "fencerSecretRef": {"name": f"{BOT}-fencer"},
            },
        },
    }


def apply(wanted: dict) -> None:
    body = {
        "apiVersion": "tradingbot.io/v1alpha1",
        "kind": "TradingBot",
        "metadata": {"name": BOT, "namespace": NAMESPACE},
        "spec": wanted,
    }
    node.kubectl("apply", "-f", "-", text=json.dumps(body))


@pytest.fixture(scope="module")
def database(product: None) -> Iterator[NodeServer]:
    """A server where a person made a database, its owner and a fencer, each with a password."""
    with node_postgres.running() as server:
        for role, rights in ((OWNER, ""), (FENCER, "CREATEROLE")):
            server.sql(f"CREATE ROLE {role} LOGIN {rights} PASSWORD '{WORD}'")
        server.sql(f"GRANT pg_signal_backend TO {FENCER}")
        server.sql(f"CREATE DATABASE {BOT} OWNER {OWNER}")
        server.sql(f"ALTER SCHEMA public OWNER TO {OWNER}", BOT)
        yield server


def secret(name: str, **data: str) -> None:
    node.kubectl("-n", NAMESPACE, "delete", "secret", name, "--ignore-not-found")
    literals = [f"--from-literal={key}={value}" for key, value in data.items()]
    node.kubectl("-n", NAMESPACE, "create", "secret", "generic", name, *literals)


@pytest.fixture(scope="module")
def bot(database: NodeServer) -> Iterator[str]:
    """A bot at work on that database, with an account of its own at the simulator."""
    balances = {"USDT": "100000", "BTC": "5"}
    node.ask_simulator("/control/accounts", {"api_key": BOT, "secret": "e2e-only", "balances": balances})
    secret(f"{BOT}-exchange", apiKey=BOT, secret="e2e-only")
    for name, role in (("owner", OWNER), ("fencer", FENCER)):
        secret(f"{BOT}-{name}", url=database.url(BOT, role, WORD))
    apply(spec())
    try:
        node.eventually(lambda: in_schema(database) and epoch_of(database, "blue"), within=180)
        yield BOT
    finally:
        node.kubectl("-n", NAMESPACE, "annotate", "tradingbot", BOT, "tradingbot.io/delete=over", "--overwrite")
        node.kubectl("-n", NAMESPACE, "delete", "tradingbot", BOT, "--timeout=180s")


def status() -> dict:
    return node.resource("tradingbot", BOT, NAMESPACE).get("status", {})


def in_schema(database: NodeServer) -> bool:
    return database.sql("SELECT to_regclass('lease') IS NOT NULL", BOT) == [(True,)]


def epoch_of(database: NodeServer, colour: str) -> int | None:
    """The epoch that colour holds and has sent an order under, by the ledger and the venue; None: it does not trade."""
    found = database.sql("SELECT epoch, holder FROM lease", BOT)
    if not found or not found[0][1].endswith(f"_{colour}"):
        return None
    epoch = int(found[0][0])
    return epoch if epoch in sent_under() else None


def sent_under() -> list[int]:
    """The epochs of all orders of this ledger, in the order of the venue. An old order may still fill at any time."""
    mark = f"t{status()['ledgerId']}"
    ids = [entry["client_id"] for entry in log() if entry["action"] == "order"]
    return [int(identity[7:11], 36) for identity in ids if identity.startswith(mark)]


def log(since: int = 0) -> list[dict]:
    entries = node.simulator(f"/control/orders?since={since}")["entries"]
    return [entry for entry in entries if entry["api_key"] == BOT]


def pod(colour: str) -> dict:
    labels = f"tradingbot.io/bot={BOT},tradingbot.io/colour={colour}"
    pods = json.loads(node.kubectl("-n", NAMESPACE, "get", "pods", "-l", labels, "-o", "json"))["items"]
    return next(each for each in pods if "deletionTimestamp" not in each["metadata"])


def epochs(database: NodeServer) -> list[tuple]:
    return database.sql("SELECT epoch, event, holder FROM lease_history ORDER BY id", BOT)


def one_sender_at_a_time() -> None:
    """In the order of the venue, the epochs of what was sent never go back (I1, I2)."""
    epochs_sent = sent_under()
    assert epochs_sent == sorted(epochs_sent)


def test_a_bot_trades_on_a_persons_server(bot: str, database: NodeServer) -> None:
    """Id, roles, Secret and schema were made without a hand; the holder is the blue role."""
    ledger = status()["ledgerId"]
    assert epochs(database)[0] == (1, "claim", f"tb_{ledger}_blue")
    roles = database.sql(f"SELECT rolname FROM pg_roles WHERE rolname LIKE 'tb_{ledger}_%' ORDER BY 1")
    assert roles == [(f"tb_{ledger}_{login}",) for login in ("blue", "green", "task")]
    # Who writes is told with the first report of the process, which may come after the pod is ready.
    node.eventually(lambda: node.condition(BOT, NAMESPACE, "SingleWriter")["status"] == "True", within=60)


def test_an_edit_hands_the_epoch_to_the_other_colour(bot: str, database: NodeServer) -> None:
    """The green role is named by the blue one's release, and nothing of the old epoch comes after the new one."""
    apply(spec(slow="6"))
    assert node.eventually(lambda: epoch_of(database, "green"), within=180) == 2
    ledger, history = status()["ledgerId"], epochs(database)
    assert history[-2:] == [(1, "release", f"tb_{ledger}_blue"), (2, "named", f"tb_{ledger}_green")]
    one_sender_at_a_time()


def test_a_frozen_trader_is_shut_out_and_replaced(bot: str, database: NodeServer) -> None:
    """The active process stands still and the bot is asked to go back: its role is shut out, the other one trades."""
    ledger, name, uid = status()["ledgerId"], pod("green")["metadata"]["name"], pod("green")["metadata"]["uid"]
    process = next(pid for pid in processes(f"{NAMESPACE}/{name}") if is_bot(pid, uid))
    os.kill(process, signal.SIGSTOP)
    try:
        began = time.monotonic()
        apply(spec())
        node.eventually(lambda: shut_out(database, "green"), within=60, every=0.1)
        print(f"shut out {time.monotonic() - began:.1f} s after the edit")
        # A request lives by the clock of the venue, which runs sixty times as fast: two seconds there are 120 here.
        held = node.eventually(lambda: holds(database, "blue"), within=180, every=0.1)
        print(f"the other colour holds {time.monotonic() - began:.1f} s after the edit")
        assert shut_out(database, "green")
        node.eventually(lambda: epoch_of(database, "blue") == held, within=120)
    finally:
        # The kubelet may have ended it meanwhile, since its heart did not beat.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)
    steps = [each for each in epochs(database) if each[1] in ("fence", "grant")]
    assert steps[-2:] == [(2, "fence", f"tb_{ledger}_green"), (held, "grant", f"tb_{ledger}_blue")]
    one_sender_at_a_time()


def shut_out(database: NodeServer, colour: str) -> bool:
    name = f"tb_{status()['ledgerId']}_{colour}"
    return database.sql(f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{name}'") == [(False,)]


def holds(database: NodeServer, colour: str) -> int | None:
    epoch, holder = database.sql("SELECT epoch, holder FROM lease", BOT)[0]
    return int(epoch) if holder.endswith(f"_{colour}") else None


def processes(name: str) -> list[int]:
    lines = node.command("cluster/status", "--processes", name).splitlines()
    return [int(each.split()[0]) for each in lines if each.split()]


def is_bot(pid: int, uid: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:
            return f"POD_UID={uid}".encode() in environment.read().split(b"\0")
    except OSError:
        return False

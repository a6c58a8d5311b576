"""One TradingBot in one mode after another: real operator, real ``atb``, real PostgreSQL, and a venue that counts."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

import moneynode
import onenode
import postgres
from onenode import Running, Site
from operators import bot, condition, create_bot, eventually, state

Note = Callable[[str, str], None]
PROVED = {"tradingbot.io/skip-gates": "paper-days,dry-run,alerts,kill-path,doctor proved by hand, ticket 7"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, postgres.Server]]:
    with moneynode.site(tmp_path_factory.mktemp("modes")) as made:
        yield made


def changed(site: Site, name: str, patch: dict[str, Any]) -> str:
    command = ("patch", "tb", name, "-n", "trading", "--type=merge", "-p", json.dumps(patch))
    return f"kubectl {' '.join(command)}\n{site.kubectl(*command)}"


def now_in(site: Site, name: str, book: str) -> Running:
    """The process that trades in that book, once it does."""

    def trader() -> Running | None:
        pods = [pod for key, pod in tuple(site.node.pods.items()) if key.startswith(f"{name}-")]
        said = ((pod, pod.status()) for pod in pods)
        return next((pod for pod, s in said if (s.get("book"), s.get("state")) == (book, "trading")), None)

    def why() -> str:
        said = (bot(site.server, name) or {}).get("status") or {}
        return f"{condition({'status': said}, 'Stalled')} {said.get('rollout')} {site.node.failures[-2:]}"

    return eventually(trader, why, 90)


def practised(site: Site, name: str) -> list[str]:
    return [each["mode"] for each in (bot(site.server, name) or {})["status"].get("practice") or ()]


def account(site: Site) -> dict[str, Any]:
    return site.control("accounts/simulator-demo")


def sent_by(site: Site, pod: Running) -> list[dict[str, Any]]:
    return [each for each in site.control("orders")["entries"] if pod.uid in str(each.get("sender"))]


@pytest.mark.row("S1-069")
@pytest.mark.row("S1-094")
@pytest.mark.row("S0-132")
def test_a_bot_leaves_live_flat_and_comes_back(world: tuple[Site, postgres.Server], evidence: Note) -> None:
    """With a position it waits under its stop and enters nothing; flat it trades on paper; and back as it left."""
    site, database = world
    place = moneynode.owned(site, database, "money")
    create_bot(site.server, "money", moneynode.live(site, place), annotations=PROVED)
    first = now_in(site, "money", "live")
    eventually(lambda: first.status()["positions"] and account(site)["open_orders"], within=60)
    # The operator has heard of it; a bot that was live for a blink is not one that was live.
    eventually(lambda: "live" in practised(site, "money"))

    paper = {"spec": {"mode": "paper", "exchange": {"credentialsSecretRef": None}}}
    evidence("live to paper with a position", changed(site, "money", paper))
    eventually(lambda: state(site.server, "money", "Stalled") == ("True", "PositionsOpen"))
    evidence("kubectl get tb money (condition Stalled)", condition(bot(site.server, "money"), "Stalled")["message"])
    eventually(lambda: [each["kind"] for each in first.status()["halts"]] == ["reduce"])
    assert [each["type"] for each in account(site)["open_orders"]] == ["STOP_LOSS"]
    assert site.node.of("money") is first

    evidence("close them", changed(site, "money", {"spec": {"onModeChange": "Flatten"}}))
    second = now_in(site, "money", "paper")
    assert account(site)["open_orders"] == []
    sold = sum(float(each["quantity"]) * (1 if each["side"] == "BUY" else -1) for each in fills(site))
    evidence("the account of the venue", f"open orders: [], bought less sold: {sold:.5f} BTC")
    assert abs(sold) < 0.0001
    eventually(lambda: second.status()["positions"], within=60)
    assert sent_by(site, second) == []
    eventually(lambda: not (bot(site.server, "money") or {})["status"].get("halts"))

    site.kubectl("annotate", "tb", "money", "-n", "trading", "tradingbot.io/skip-gates-")
    again = {"spec": {"mode": "live", "exchange": {"credentialsSecretRef": {"name": "keys"}}}}
    evidence("paper to live, as it was live before", changed(site, "money", again))
    third = now_in(site, "money", "live")
    assert third.uid not in {first.uid, second.uid}
    told = site.atb("history", "money", "-n", "trading")
    evidence("kubectl atb history money", told)
    changes = [line for line in told.splitlines() if "ModeChanged" in line]
    assert ["paper" in changes[0], "live" in changes[1], len(changes)] == [True, True, 2]
    with psycopg.connect(database.url("money")) as connection:
        books = "SELECT DISTINCT epoch FROM intents UNION ALL SELECT DISTINCT epoch FROM book_paper.intents"
        epochs = [row[0] for row in connection.execute(books)]
        halts = connection.execute("SELECT reason, resume_reason FROM halts WHERE resumed_at IS NOT NULL").fetchall()
    evidence("atb db query 'SELECT reason, resume_reason FROM halts'", str(halts))
    assert len(epochs) == len(set(epochs)) >= 2
    site.kubectl("delete", "tb", "money", "-n", "trading", "--timeout=60s", "--wait=false")


def fills(site: Site) -> list[dict[str, Any]]:
    return [each for each in site.control("orders")["entries"] if each["action"] == "fill"]


@pytest.mark.row("S0-133")
def test_a_bot_that_crashed_is_watched_before_it_counts_as_well(
    world: tuple[Site, postgres.Server], evidence: Note
) -> None:
    """After kill -9 its phase is Recovering and its orders are smaller, until the minutes of the venue have passed."""
    site, _ = world
    create_bot(site.server, "fallen", onenode.spec(site.venue, recovery={"observeMinutes": 40, "sizePercent": "20"}))
    pod = site.trading("fallen")
    eventually(lambda: phase(site, "fallen") == "Running")
    assert pod.status()["recovering_until"] is None
    assert pod.process
    pod.process.kill()
    eventually(lambda: phase(site, "fallen") == "Recovering", lambda: pod.log[-1500:], 60)
    said = pod.status()["recovering_until"]
    evidence("kubectl get tb fallen -o jsonpath='{.status.phase}' after kill -9", f"Recovering until {said}")
    eventually(lambda: phase(site, "fallen") == "Running", within=60)
    assert pod.status()["recovering_until"] is None
    evidence("and after 40 minutes of the venue", "Running")
    site.kubectl("delete", "tb", "fallen", "-n", "trading", "--timeout=60s", "--wait=false")


def phase(site: Site, name: str) -> str:
    return str((bot(site.server, name) or {})["status"].get("phase"))

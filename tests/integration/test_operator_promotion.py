"""From practice to money against a real API server: a live bot starts only when its configuration was practised."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import make_operator as make
import operators
from apiserver import ApiServer
from operators import bot, condition, create_bot, deployment, eventually, patch_bot, state
from tradingbot_operator.domain.practice import config_hash

TRADING = "/api/v1/namespaces/trading"
BOTS = "/apis/tradingbot.io/v1alpha1/namespaces/trading/tradingbots"
CONFIG = config_hash(make.bot(make.LIVE).spec)
PAPER = {
    **make.MINIMAL,
    **{name: make.LIVE[name] for name in ("exchange", "strategy", "risk")},
    "exchange": make.MINIMAL["exchange"],
}
KNOWN_ELSEWHERE = "alerts,doctor,kill-path proved by hand, ticket 7"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    folder = tmp_path_factory.mktemp("promotion")
    with operators.prepared(folder) as made, operators.operator(made, folder) as operator:
        operator.start(allow_live="true")
        yield made


def practised(server: ApiServer, *spells: dict[str, Any]) -> None:
    """What the paper bot's status tells of its practice, as if it had run for so long."""
    path = f"{BOTS}/paper/status"
    code, answer = server.request("PATCH", path, {"status": {"practice": list(spells)}}, operators.MERGE)
    assert code == 200, answer


def spell(mode: str, seconds: int) -> dict[str, Any]:
    return {"mode": mode, "config": CONFIG, "revision": "r1", "seconds": seconds}


def blocked(server: ApiServer) -> str:
    eventually(lambda: state(server, "money", "Stalled") == ("True", "PromotionBlocked"))
    return str(condition(bot(server, "money"), "Stalled")["message"])


def look_again(server: ApiServer, skipped: str) -> None:
    patch_bot(server, "money", {"metadata": {"annotations": {"tradingbot.io/skip-gates": skipped}}})


@pytest.mark.row("S1-020")
@pytest.mark.row("S4-039")
def test_live_bot_starts_only_after_a_fortnight_on_paper_and_a_dry_run(
    server: ApiServer, evidence: Callable[[str, str], None]
) -> None:
    """On day 1 it is PromotionBlocked and nothing exists for it; 14 seeded days and a dry-run let it go on."""
    create_bot(server, "paper", PAPER)
    eventually(lambda: deployment(server, "paper"))
    practised(server, spell("paper", 86400))
    create_bot(server, "money", make.LIVE, annotations={"tradingbot.io/skip-gates": KNOWN_ELSEWHERE})
    said = blocked(server)
    evidence("kubectl get tb money (condition Stalled)", f"PromotionBlocked: {said}")
    assert said.startswith("status.practice: 1.0 of 14 days of mode paper")
    assert "NoDryRun" in said
    assert deployment(server, "money") is None
    practised(server, spell("paper", 14 * 86400))
    look_again(server, f"{KNOWN_ELSEWHERE} a")
    eventually(lambda: blocked(server).startswith("status.practice: NoDryRun: no mode dry-run"))
    evidence("after 14 days of paper", blocked(server))
    practised(server, spell("paper", 14 * 86400), spell("dry-run", 3600))
    look_again(server, f"{KNOWN_ELSEWHERE} b")
    eventually(lambda: state(server, "money", "Stalled")[1] not in (None, "PromotionBlocked"))
    after = condition(bot(server, "money"), "Stalled")
    evidence("after the dry-run too", f"{after['reason']}: {after['message']}")
    assert after["reason"] == "DatabaseSecretMissing"
    gates = {each["gate"]: each for each in bot(server, "money")["status"]["promotion"]["gates"]}
    assert (gates["paper-days"]["result"], gates["dry-run"]["result"]) == ("passed", "passed")
    assert gates["alerts"] == {"gate": "alerts", "result": "skipped", "message": "proved by hand, ticket 7 b"}
    told = server.request("GET", f"{TRADING}/events")[1]["items"]
    assert "gate alerts is skipped: proved by hand, ticket 7 b" in {each["message"] for each in told}


def test_practice_is_noted_of_what_trades(server: ApiServer) -> None:
    """The process says that it trades on paper; the status says since when, and of which configuration."""
    create_bot(server, "noted", PAPER)
    eventually(lambda: deployment(server, "noted"))
    with operators.stand_in_bot("127.0.1.9", mode="paper"):
        operators.stand_in_pod(server, "noted", "127.0.1.9")
        eventually(lambda: (bot(server, "noted") or {}).get("status", {}).get("practice"))
        (spell,) = bot(server, "noted")["status"]["practice"]
    assert (spell["mode"], spell["config"], spell["seconds"]) == ("paper", CONFIG, 0)
    assert datetime.now(UTC) - datetime.fromisoformat(spell["since"]) < timedelta(minutes=2)
    assert bot(server, "noted")["status"]["active"]["mode"] == "paper"

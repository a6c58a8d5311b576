"""A bot whose other colour is kept warm, with real traders: restarted again and again, and its trader lost."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import invariants
import onenode
from chaos import judging
from onenode import APPS, NAMESPACE, Running, Site, seconds_until, trader
from operators import eventually, found

Note = Callable[[str, str], None]
RESTART = ("rollout", "restart", "deploy", "-n", NAMESPACE, "-l", "app=tradingbot")
# An order every 100 ms, whatever the market does.
BEATS = {"name": "metronome", "parameters": {"every_ms": "100", "notional": "10", "positions": "3"}}
# What the product promises of a colour that is kept warm.
TAKEN_OVER_SECONDS = 30


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    # A trader that is shut out is waited for by the venue's clock: here that is everybody's.
    with onenode.site(tmp_path_factory.mktemp("standby"), speed="1") as made:
        yield made


@pytest.fixture(scope="module")
def name(site: Site) -> Iterator[str]:
    with trader(site, "warm", image="localhost/tradingbot:bench", strategy=BEATS, rollout={"standby": "warm"}):
        yield "warm"


def log(site: Site) -> list[dict[str, Any]]:
    return site.control("orders")["entries"]


def epochs(site: Site) -> list[int]:
    """The fencing tokens of the orders the venue accepted, one after the other, each as often as it came anew."""
    taken = [each for each in judging.named_by_pod(log(site)) if each["action"] == "order" and each["request"]]
    found = [invariants.epoch_of(each["client_id"]) for each in taken if each["outcome"] == "accepted"]
    return [each for each, before in zip(found, [None, *found], strict=False) if each != before and each is not None]


def states(site: Site, name: str) -> dict[str, Running]:
    """The pods of both colours, by what their processes say of themselves."""
    pods = [pod for pod in (site.node.of(name, colour) for colour in ("blue", "green")) if pod]
    return {str(pod.status().get("state")): pod for pod in pods}


def written_by(site: Site, pod: Running) -> bool:
    """The venue has accepted an order of this process."""
    orders = (each for each in log(site) if each["action"] == "order" and each["outcome"] == "accepted")
    return any(each["sender"].endswith(pod.uid) for each in orders)


def pair(site: Site, name: str) -> dict[str, Running]:
    """The trader and its standby, as soon as there are both."""
    said = states(site, name)
    active = {state: pod.status().get("trading_active") for state, pod in said.items()}
    return said if active == {"trading": True, "standby": False} else {}


@pytest.mark.row("S3-057")
def test_the_standby_trades_when_the_trader_is_lost(site: Site, name: str, evidence: Note) -> None:
    """Two pods, one trader; the process of the one gone for good, the other has an order accepted within 30 s."""
    before = eventually(lambda: pair(site, name), site.operator.log, 60)
    pods = site.kubectl("get", "pods", "-n", NAMESPACE, "-l", f"tradingbot.io/bot={name}")
    evidence("kubectl get pods -l tradingbot.io/bot=warm", pods)
    assert all(pod.name in pods for pod in before.values())
    before["trading"].lose()
    taker = before["standby"]
    took = seconds_until(lambda: written_by(site, taker), 60)
    evidence("kill -9 of the trader -> GET /control/orders: the standby's first", f"{took:.1f} s")
    assert took < TAKEN_OVER_SECONDS


@pytest.mark.row("S2-013")
def test_ten_restarts_of_every_deployment_show_the_venue_one_fencing_token_at_a_time(
    site: Site, name: str, evidence: Note
) -> None:
    """Both colours begin anew as often as kubectl lets them; each that trades does so under an epoch of its own."""
    eventually(lambda: found(site.server, f"{APPS}/deployments/{name}-green"), site.operator.log, 60)
    before = eventually(lambda: epochs(site), within=60)[-1]
    for _ in range(2):
        for _ in range(5):
            said = restarted(site)
        eventually(lambda: trades_anew(site, name), site.operator.log, 120)
    evidence("kubectl rollout restart deploy -l app=tradingbot, ten times", said)
    assert {f"deployment.apps/{name}-{colour} restarted" for colour in ("blue", "green")} == set(said.splitlines())
    seen, entries = epochs(site), log(site)
    evidence("GET /control/orders: fencing tokens, one after the other", f"{seen}")
    assert seen == sorted(set(seen))
    assert len([each for each in seen if each > before]) >= 2
    assert judging.log_faults(entries, invariants.holders(judging.named_by_pod(entries))) == []


def trades_anew(site: Site, name: str) -> bool:
    """Each colour's pod is of the newest restart, and one of them has had an order accepted."""
    trader = states(site, name).get("trading")
    if trader is None or not written_by(site, trader):
        return False
    asked = {colour: found(site.server, f"{APPS}/deployments/{name}-{colour}") for colour in ("blue", "green")}
    pods = {colour: site.node.of(name, colour) for colour in asked}
    return all(
        pods[colour] and pods[colour].restarted == onenode.restarted(asked[colour]["spec"]["template"])
        for colour in asked
    )


def restarted(site: Site) -> str:
    """What kubectl said when it did it; a second one within a second it refuses."""
    return eventually(lambda: (said := site.kubectl(*RESTART, code=None)) and "failed" not in said and said)

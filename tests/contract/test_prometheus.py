"""What a real Prometheus says to the operator's questions; whatever is not one number is not known."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import aiohttp
import pytest

import onenode
from apiserver import free_port
from operators import eventually
from tradingbot_operator.cluster.prometheus import Prometheus, value
from tradingbot_operator.plan.promotion import RULES

OTHERS = {"ApiKeyRotationDue", "CircuitBreakerOpen", "CircuitBreakerFlapping", "ClockDrift"}
OTHERS |= {"BotUptimeBelowTarget", "DatabaseGrowth", "PaperTradingViolation"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Prometheus that scrapes nothing."""
    with onenode.prometheus(tmp_path_factory.mktemp("prometheus")) as address:
        yield address


def said(server, text):
    async def asked():
        async with aiohttp.ClientSession() as session:
            return await Prometheus(session).query(server, text, datetime.now(UTC))

    return asyncio.run(asked())


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("0.25", Decimal("0.25")),
        ("vector(3)", Decimal(3)),
        ("no_such_metric", None),
        ("vector(1) / vector(0)", None),
        ("vector(0) / vector(0)", None),
        ('label_replace(vector(1), "a", "1", "", "") or vector(2)', None),
        ("sum(", None),
        ("prometheus_ready[1m]", None),
        ('"text"', None),
    ],
)
def test_answer_is_one_finite_number_or_nothing(server, text, known):
    """No series, more than one, no number and a query that cannot be read: nothing is known."""
    assert said(server, text) == known


def test_prometheus_that_is_away_says_nothing():
    """Neither a refused connection nor a server of another kind is an answer."""
    assert said(f"http://127.0.0.1:{free_port()}", "1") is None


def test_rules_that_a_promotion_asks_for_are_among_those_we_ship(server):
    """Loaded as they stand in manifests/monitoring; who does not answer has none to show."""

    async def asked(address):
        async with aiohttp.ClientSession() as session:
            return await Prometheus(session).rules(address)

    eventually(lambda: asyncio.run(asked(server)))
    assert asyncio.run(asked(server)) == RULES | OTHERS
    assert asyncio.run(asked(f"http://127.0.0.1:{free_port()}")) is None


def test_path_of_an_address_is_kept(server):
    """Behind a prefix it is asked there; here nothing answers at that place."""
    assert said(f"{server}/prefix/", "1") is None
    assert said(f"{server}/", "1") == Decimal(1)


def test_scalar_that_is_no_number_is_not_known():
    """Whatever a server between the two makes of it."""
    assert value({"resultType": "scalar", "result": [0, "many"]}) is None

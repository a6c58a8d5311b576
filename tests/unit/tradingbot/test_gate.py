"""The rate gate: no window of a provider ever holds more than it allows, and protection always finds room."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tradingbot.domain.provider import Limit, Provider
from tradingbot.domain.quota import Told, Use, Wait, full, is_exhausted, take, told
from tradingbot.domain.spending import Spent
from tradingbot.gate.app import gate_app
from tradingbot.gate.desk import Desk

VENUE = Provider("venue", (Limit("weight-1m", "weight", 100, 60.0), Limit("orders-10s", "orders", 10, 10.0)))
USUAL, URGENT = Use(1, 0, urgent=False), Use(1, 0, urgent=True)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class FakeTokens:
    def admits(self, offered):
        return offered == "open"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(clock):
    return Desk(clock, (VENUE, Provider("alphavantage", (Limit("requests-1m", "weight", 5, 60.0),), 0)))


@pytest.fixture
def client(desk):
    return TestClient(gate_app(desk, FakeTokens()))


@given(
    st.lists(st.tuples(st.floats(0, 20), st.integers(1, 30)), min_size=1, max_size=60),
    st.floats(0, 60),
)
def test_no_window_of_the_provider_holds_more_than_it_allows(asked, phase):
    """Wherever its minutes begin, and though each request may be up to two seconds on its way."""
    quota, now, sent = full(VENUE), 1000.0, []
    for pause, weight in asked:
        now += pause
        answer = take(quota, Use(weight, 0, urgent=True), now)
        if not isinstance(answer, Wait):
            quota = answer
            sent.append((now, weight))
    for held_up in (0.0, 2.0):
        first = sent[0][0] if sent else 0.0
        for begin in (phase + first - 60 + each for each, _ in sent):
            early = sum(w for at, w in sent if begin <= at + held_up < begin + 60 and at < begin + 30)
            late = sum(w for at, w in sent if begin + 30 <= at < begin + 60)
            assert early + late <= 100


def test_what_was_used_leaves_after_its_window_and_what_it_may_have_been_on_its_way():
    """At sixty seconds a cell is one second wide: what was used at 1000.4 counts until 1063."""
    window = Spent(60.0).with_use(7, 1000.4).with_use(2, 1000.9).with_use(1, 1002.0)
    assert [window.used(at) for at in (1000.9, 1062.9, 1063.0, 1065.0)] == [10, 10, 1, 0]
    assert (window.wait(9, 1010.0), window.wait(10, 1010.0), window.wait(0, 1010.0)) == (53.0, 55.0, 0.0)


def test_a_window_forgets_what_has_left_it():
    """However long it runs, it holds no more than its cells."""
    window = Spent(60.0)
    for second in range(1000):
        window = window.with_use(1, 5000.0 + second)
    assert (len(window.cells), window.used(6000.0)) == (63, 62)


def test_the_reserve_is_for_what_cancels_or_protects():
    """The last tenth is refused to the usual, given to the urgent, and then to nobody."""
    quota = take(full(VENUE), Use(90, 0, urgent=False), 1000.0)
    assert take(quota, USUAL, 1000.0) == Wait(63.0, "weight-1m is used up")
    assert is_exhausted(quota, 1000.0)
    quota = take(quota, Use(10, 0, urgent=True), 1000.0)
    assert take(quota, URGENT, 1010.0) == Wait(53.0, "weight-1m is used up")
    assert not isinstance(take(quota, USUAL, 1063.0), Wait)


@given(st.integers(0, 200), st.integers(0, 200))
def test_every_entry_that_is_let_in_finds_room_for_its_stop_and_its_exit(entries, reads):
    """Whatever enters and asks before: two orders for each entry that was let in go at once, and so does its cancel."""
    quota, let_in = full(VENUE), 0
    for use in [Use(1, 1, urgent=False, enters=True)] * entries + [USUAL] * reads:
        answer = take(quota, use, 1000.0)
        if not isinstance(answer, Wait):
            quota, let_in = answer, let_in + use.orders
    for _ in range(2 * let_in):
        quota = take(quota, Use(1, 1, urgent=True), 1000.0)
        assert not isinstance(quota, Wait)
    assert not isinstance(take(quota, URGENT, 1000.0), Wait)


def test_entries_leave_room_for_questions():
    """A tenth that no entry takes: who may enter nothing more still hears what became of what it holds."""
    quota = take(full(VENUE), Use(80, 0, urgent=False, enters=True), 1000.0)
    assert take(quota, Use(1, 0, urgent=False, enters=True), 1000.0) == Wait(63.0, "weight-1m is used up")
    assert is_exhausted(quota, 1000.0)
    assert not isinstance(take(quota, Use(10, 0, urgent=False), 1000.0), Wait)


def test_a_limit_too_small_to_be_divided_lets_one_entry_in():
    """A share of two orders is not none."""
    small = Provider("small", (Limit("orders", "orders", 2, 10.0),), reserve_percent=50)
    quota = take(full(small), Use(1, 1, urgent=False, enters=True), 1000.0)
    assert not isinstance(quota, Wait)
    assert isinstance(take(quota, Use(1, 1, urgent=False, enters=True), 1000.0), Wait)


def test_every_limit_counts_for_itself():
    """Orders run out before the weight does; reads go on."""
    quota = take(full(VENUE), Use(1, 9, urgent=False), 1000.0)
    wait = take(quota, Use(1, 1, urgent=False), 1000.0)
    assert (wait.why, round(wait.seconds, 6)) == ("orders-10s is used up", 12.166667)
    assert not isinstance(take(quota, USUAL, 1000.0), Wait)


def test_what_is_refused_is_not_counted():
    """Asking again and again brings the moment no later."""
    quota = take(full(VENUE), Use(90, 0, urgent=False), 1000.0)
    assert isinstance(take(quota, USUAL, 1001.0), Wait)
    assert quota.spent[0].used(1001.0) == 90


def test_what_others_use_of_the_address_counts():
    """The provider's own count rules where it is higher than ours; a lower one changes nothing."""
    quota = told(take(full(VENUE), Use(20, 0, urgent=False), 1000.0), Told(200, None, 85), 1000.0)
    assert quota.spent[0].used(1000.0) == 85
    assert told(quota, Told(200, None, 3), 1000.0).spent[0].used(1000.0) == 85
    assert isinstance(take(quota, Use(6, 0, urgent=False), 1000.0), Wait)


@pytest.mark.parametrize(
    ("answer", "shut", "why"),
    [
        (Told(429, 7.0), 7.0, "the provider told us to wait"),
        (Told(429), 60.0, "the provider told us to wait"),
        (Told(418, 120.0), 120.0, "the address is banned"),
    ],
)
def test_who_is_told_to_wait_sends_nothing(answer, shut, why):
    """Not even what is urgent: each call makes a ban longer."""
    quota = told(full(VENUE), answer, 1000.0)
    assert take(quota, URGENT, 1000.0) == Wait(shut, why)
    assert quota.backoffs == 1
    assert not isinstance(take(quota, URGENT, 1000.0 + shut), Wait)


def test_a_shorter_wait_does_not_end_a_longer_one():
    """A ban stands though a late answer asks for one second only."""
    quota = told(told(full(VENUE), Told(418, 120.0), 1000.0), Told(429, 1.0), 1000.0)
    assert take(quota, USUAL, 1000.0) == Wait(120.0, "the address is banned")
    assert quota.backoffs == 2


def test_bots_take_and_wait(client, clock):
    """A grant is counted; a refusal says how long to wait; urgent requests find the reserve."""
    entry = {"provider": "venue", "kind": "entry", "weight": 1, "orders": 4}
    assert client.post("/take", json=entry).json()["error"] == "orders-10s allows 3 at most: ask for less at once"
    ask = {"provider": "alphavantage", "kind": "usual", "weight": 5, "orders": 0}
    assert client.post("/take", json=ask).json() == {"granted": True}
    refused = client.post("/take", json={**ask, "weight": 1}).json()
    assert refused == {"granted": False, "wait_seconds": 63.0, "why": "requests-1m is used up"}
    clock.now += 63
    assert client.post("/take", json=ask).json() == {"granted": True}


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"provider": "nobody"}, 'provider "nobody" is unknown: write one of venue, alphavantage'),
        ({"kind": "first"}, 'kind "first" is unknown: write urgent, usual or entry'),
        ({"weight": -1}, 'weight -1 is not right: send for example {"weight": 1}'),
        ({"weight": 101}, "weight-1m allows 90 at most: ask for less at once"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(client, sent, said):
    """One sentence with field, value and cure; nothing is counted."""
    answer = client.post("/take", json={"provider": "venue", "kind": "usual", "weight": 1, "orders": 0, **sent})
    assert (answer.status_code, answer.json()) == (422, {"error": said})
    assert client.get("/status").json()["providers"][0]["used"] == 0


def test_a_reset_needs_the_token(client):
    """Without it nothing is forgotten."""
    assert client.post("/reset").status_code == 401
    assert client.post("/reset", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_reset_is_refused_unless_somebody_is_blocked(client, desk):
    """With nothing blocked it would only hide a leak; a person may insist, with a reason."""
    headers = {"Authorization": "Bearer open"}
    desk.take("venue", USUAL)
    said = client.post("/reset", headers=headers)
    assert said.status_code == 409
    assert said.json()["error"].startswith("nothing is blocked: a reset would only hide who uses it up")
    assert client.post("/reset/venue", headers=headers).json()["error"].startswith("venue is not blocked: ")
    force = json.dumps({"force": "true"})
    assert client.post("/reset", headers=headers, content=force).status_code == 422
    force = json.dumps({"force": "true", "reason": "another address now"})
    assert client.post("/reset", headers=headers, content=force).json() == {"reset": ["venue", "alphavantage"]}
    assert desk.quotas["venue"].spent[0].used(1000.0) == 0


def test_one_provider_is_reset_and_the_others_stay(client, desk):
    """Only the quota that is named changes."""
    desk.told("alphavantage", Told(429, 60.0))
    desk.take("venue", USUAL)
    answer = client.post("/reset/alphavantage", headers={"Authorization": "Bearer open"})
    assert answer.json() == {"reset": ["alphavantage"]}
    shown = {
        each["name"]: (each["used"], each["blocked_seconds"]) for each in client.get("/status").json()["providers"]
    }
    assert shown == {"venue": (1, 0.0), "alphavantage": (0, 0.0)}


def test_a_reset_of_a_provider_nobody_knows_is_refused(client):
    """It names who is known."""
    answer = client.post("/reset/nobody", headers={"Authorization": "Bearer open"})
    assert (answer.status_code, answer.json()["error"][:29]) == (422, 'provider "nobody" is unknown:')


def test_what_is_used_is_seen_by_prometheus(client, desk):
    """Every provider has its series from the start."""
    before = client.get("/metrics").text
    assert 'rate_gate_quota_used{limit="requests-1m",provider="alphavantage"} 0.0' in before
    assert 'rate_gate_backoff_count_total{provider="venue"} 0.0' in before
    client.post("/take", json={"provider": "venue", "kind": "urgent", "weight": 4, "orders": 1})
    client.post("/told", json={"provider": "venue", "status": 429, "retry_after": 9})
    after = client.get("/metrics").text
    assert 'rate_gate_quota_used{limit="weight-1m",provider="venue"} 4.0' in after
    assert 'rate_gate_backoff_count_total{provider="venue"} 1.0' in after
    assert 'rate_gate_blocked_seconds{provider="venue"} 9.0' in after


def test_what_was_answered_wrongly_is_told(client):
    """An answer without a status says nothing of the budget."""
    assert client.post("/told", json={"provider": "venue"}).status_code == 422

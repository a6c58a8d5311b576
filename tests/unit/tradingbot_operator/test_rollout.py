"""The record of a hand-over: written whole, read again by whoever comes next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingbot_operator.domain.handover import Held, Kind, Place, Rollout, Step, Terms, Verdict
from tradingbot_operator.domain.lease import Successor
from tradingbot_operator.domain.observed import Adoption
from tradingbot_operator.domain.rollout import deadline, moment, parse_rollout, written

BEGAN = datetime(2026, 11, 21, 14, 0, 0, 250_000, tzinfo=UTC)
SINCE = datetime(2026, 11, 21, 14, 0, 9, 7_000, tzinfo=UTC)
LEAST = Rollout("1a2b", Kind.RESTART, Step.DONE, Place("blue", "r1"), Place("green", "r1"), BEGAN, SINCE)
FULL = Rollout(
    "1a2b",
    Kind.SWAP,
    Step.OBSERVING,
    Place("blue", "r1"),
    Place("green", "r2"),
    BEGAN,
    SINCE,
    epoch=4,
    successor=Successor("green", "pod-2/1", "r2"),
    reason="it is observed",
    gates=(Verdict("ready", "passed"), Verdict("exchange", "waiting", "the venue answers 503")),
    held=Held("r3", "it crashes"),
    task="back",
    adoption=Adoption(5, "adopted", adopted=2, milliseconds=850),
)
WRITTEN = {
    "uid": "1a2b",
    "kind": "swap",
    "step": "Observing",
    "from": {"colour": "blue", "revision": "r1"},
    "to": {"colour": "green", "revision": "r2"},
    "epoch": 4,
    "successor": "green pod-2/1 r2",
    "startedAt": "2026-11-21T14:00:00.250Z",
    "stepSince": "2026-11-21T14:00:09.007Z",
    "deadline": "2026-11-21T14:15:09.007Z",
    "reason": "it is observed",
    "gates": [
        {"gate": "ready", "result": "passed", "message": ""},
        {"gate": "exchange", "result": "waiting", "message": "the venue answers 503"},
    ],
    "held": {"revision": "r3", "reason": "it crashes"},
    "task": "back",
    "adoption": {
        "epoch": 5,
        "result": "adopted",
        "adopted": 2,
        "cancelled": 0,
        "recovered": 0,
        "unknown": 0,
        "milliseconds": 850,
    },
}


def test_record_is_written_whole():
    """Every field of a hand-over, literally, and the end of its step."""
    assert written(FULL, Terms()) == WRITTEN


def test_what_is_not_there_is_not_written():
    """No epoch, no successor, no reason, no gate, no hold, no task and no end of the step."""
    assert written(LEAST, Terms()) == {
        "uid": "1a2b",
        "kind": "restart",
        "step": "Done",
        "from": {"colour": "blue", "revision": "r1"},
        "to": {"colour": "green", "revision": "r1"},
        "startedAt": "2026-11-21T14:00:00.250Z",
        "stepSince": "2026-11-21T14:00:09.007Z",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {**WRITTEN, "kind": "dance"},
        {**WRITTEN, "step": "Dancing"},
        {**WRITTEN, "startedAt": "yesterday"},
        {**WRITTEN, "from": {"colour": "blue"}},
        {**WRITTEN, "successor": "green"},
        {**WRITTEN, "gates": [{"name": "ready"}]},
        {name: value for name, value in WRITTEN.items() if name != "to"},
    ],
)
def test_record_that_cannot_be_understood_is_no_record(wrong):
    """Nothing is concluded from half of one."""
    assert parse_rollout({"rollout": wrong}) is None
    assert parse_rollout({}) is None
    assert parse_rollout({"rollout": WRITTEN}) == FULL


NAMES = st.text("abcr0123456789-", min_size=1, max_size=8)
MOMENTS = st.integers(0, 10**9).map(lambda ms: BEGAN + timedelta(milliseconds=ms))
PLACES = st.builds(Place, st.sampled_from(("blue", "green")), NAMES)
ROLLOUTS = st.builds(
    Rollout,
    NAMES,
    st.sampled_from(Kind),
    st.sampled_from(Step),
    PLACES,
    PLACES,
    MOMENTS,
    MOMENTS,
    epoch=st.none() | st.integers(0, 9),
    successor=st.none() | st.builds(Successor, NAMES, NAMES, NAMES),
    reason=st.just("") | NAMES,
    gates=st.lists(st.builds(Verdict, NAMES, NAMES, NAMES), max_size=2).map(tuple),
    held=st.none() | st.builds(Held, NAMES, NAMES),
    task=st.none() | NAMES,
    adoption=st.none() | st.builds(Adoption, st.integers(0, 9), NAMES),
)


@given(ROLLOUTS)
def test_record_is_read_as_it_was_written(rollout):
    """An operator that starts anew goes on where the last one was."""
    assert parse_rollout({"rollout": written(rollout, Terms())}) == rollout


def test_time_has_its_milliseconds():
    """Cut, not rounded: a record is never ahead of the clock."""
    assert moment(datetime(2026, 1, 2, 3, 4, 5, 6_999, tzinfo=UTC)) == "2026-01-02T03:04:05.006Z"
    assert moment(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05.000Z"


@pytest.mark.parametrize(
    ("step", "kind", "ends"),
    [
        (Step.STARTING, Kind.SWAP, "2026-11-21T14:10:00.250Z"),
        (Step.VERIFYING, Kind.PROMOTION, "2026-11-21T14:10:00.250Z"),
        (Step.DRAINING, Kind.ROLLBACK, "2026-11-21T14:10:00.250Z"),
        (Step.RELEASING, Kind.RESTART, "2026-11-21T14:10:00.250Z"),
        (Step.ADOPTING, Kind.SWAP, "2026-11-21T14:00:19.007Z"),
        (Step.ADOPTING, Kind.PROMOTION, "2026-11-21T14:00:19.007Z"),
        (Step.ADOPTING, Kind.ROLLBACK, None),
        (Step.OBSERVING, Kind.SWAP, "2026-11-21T14:15:09.007Z"),
        (Step.ROLLED_BACK, Kind.ROLLBACK, "2026-11-21T14:15:09.007Z"),
        (Step.FORCED, Kind.TAKEOVER, None),
        (Step.ROLLING_BACK, Kind.ROLLBACK, None),
        (Step.REFUSED, Kind.SWAP, None),
    ],
)
def test_step_ends_when_the_spec_says(step, kind, ends):
    """The start counts from the hand-over's, taking stock and observing from their own; the rest has no end."""
    rollout = Rollout("u", kind, step, Place("blue", "r1"), Place("green", "r2"), BEGAN, SINCE)
    end = deadline(rollout, Terms())
    assert (moment(end) if end else None) == ends


def test_successor_is_three_words_and_is_read_again():
    """Holder, process and revision, as the ledger keeps them."""
    green = Successor("tb_q3v9zk_green", "pod-2/1", "r2")
    assert green.text == "tb_q3v9zk_green pod-2/1 r2"
    assert Successor.parse("tb_q3v9zk_green pod-2/1 r2") == green
    with pytest.raises(ValueError, match="values to unpack"):
        Successor.parse("tb_q3v9zk_green pod-2/1")

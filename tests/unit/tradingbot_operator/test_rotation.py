"""Tokens are followed by new ones every week, and the one before stays valid for another week."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest

import make_operator as make
from tradingbot_operator.cluster import reading
from tradingbot_operator.domain.moment import soonest
from tradingbot_operator.domain.outcome import APPLIED, Applied, Trouble
from tradingbot_operator.plan.decide import decide
from tradingbot_operator.render.secret import rotated
from tradingbot_operator.report.wait import look_again

WEEK = timedelta(days=7)


def plan(age, spec=None, **metadata):
    seen = make.observed(tokens=make.tokens(made=make.NOW - age))
    return decide(make.bot(spec, **metadata), seen, make.SITE, make.NOW)


def test_tokens_of_a_week_are_followed_by_new_ones():
    """Due after seven days to the second; the next look is at the next rotation."""
    young = plan(WEEK - timedelta(seconds=90))
    assert (young.rotate, young.again_seconds) == (None, 90.0)
    old = plan(WEEK)
    assert (old.rotate, old.again_seconds) == (make.tokens(made=make.NOW - WEEK), 604800.0)


def test_tokens_that_are_not_there_are_not_rotated():
    """A bot without its Secret gets one; there is nothing to follow."""
    made = decide(make.bot(), make.observed(), make.SITE, make.NOW)
    assert (made.rotate, made.again_seconds) == (None, None)


def test_refused_spec_does_not_keep_a_token_from_growing_old():
    """The pod of the old spec runs on, and so does the rotation."""
    assert plan(WEEK, {**make.MINIMAL, "modus": "x"}).rotate is not None


def test_tokens_of_a_bot_that_goes_are_left():
    """An end writes nothing that goes with it."""
    going = {"deletionTimestamp": "2026-11-21T14:00:00Z", "finalizers": ["tradingbot.io/operator"]}
    assert plan(WEEK, **going).rotate is None


@pytest.mark.parametrize(
    ("annotations", "made"),
    [
        (None, datetime(2026, 11, 1, 9, 0, tzinfo=UTC)),
        ({}, datetime(2026, 11, 1, 9, 0, tzinfo=UTC)),
        ({"tradingbot.io/rotated-at": "2026-11-20T08:00:00Z"}, datetime(2026, 11, 20, 8, 0, tzinfo=UTC)),
        ({"tradingbot.io/rotated-at": "yesterday"}, datetime(2026, 11, 1, 9, 0, tzinfo=UTC)),
        ({"tradingbot.io/rotated-at": "2026-11-20T08:00:00"}, datetime(2026, 11, 1, 9, 0, tzinfo=UTC)),
    ],
)
def test_age_is_counted_from_the_annotation_or_the_creation(annotations, made):
    """A Secret of an older operator, or one whose note cannot be read, counts from when it was created."""
    meta = {"name": "btc-api", "resourceVersion": "12", "creationTimestamp": "2026-11-01T09:00:00Z"}
    assert reading.tokens({"metadata": {**meta, "annotations": annotations}}).made == made


def secret(**data):
    encoded = {name.replace("_", "-"): b64encode(text.encode()).decode() for name, text in data.items()}
    return {"metadata": {"uid": "u", "resourceVersion": "12"}, "data": encoded}


def patch(body):
    return rotated(body, make.TOKENS, "2026-11-21T14:00:00Z")


def test_new_token_stands_above_the_one_before():
    """Two lines: a client has a week to fetch the new one."""
    made = patch(secret(token="first", operator_token="second\n"))
    assert made["stringData"] == {"token": "http-token\nfirst", "operator-token": "operator-token\nsecond"}
    assert made["metadata"] == {
        "uid": "u",
        "resourceVersion": "12",
        "annotations": {"tradingbot.io/rotated-at": "2026-11-21T14:00:00Z"},
    }


def test_token_before_the_one_before_ends():
    """No token is valid for more than two weeks."""
    assert patch(secret(token="second\nfirst", operator_token="b"))["stringData"]["token"] == "http-token\nsecond"


@pytest.mark.parametrize("body", [secret(), secret(token="", operator_token=" \n"), {**secret(), "data": None}])
def test_empty_secret_gets_its_tokens(body):
    """Nothing stands below a new token where nothing was."""
    assert patch(body)["stringData"] == {"token": "http-token", "operator-token": "operator-token"}


def test_nearest_reason_to_look_again_counts():
    """A rotation in six days hides no deadline of a start, and no trouble."""
    assert soonest(None, 7.0, 5.0) == 5.0
    assert soonest(None, None) is None
    made, bot = plan(timedelta(days=1)), make.bot()
    trouble = Applied(Trouble("NameTaken", "x"))
    starting = {"conditions": [{"type": "Reconciling"}]}
    assert look_again(bot, made, trouble, starting) == 10.0
    assert look_again(bot, made, APPLIED, starting) == 601.0
    assert look_again(bot, made, APPLIED, {"conditions": []}) == 518400.0

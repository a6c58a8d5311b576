"""A revision is named by what was asked for, and nothing else."""

import pytest

import make_operator as make
from tradingbot_operator.domain.revision import HASH_VERSION, asked, canonical, digest, is_record_of, revision_name


def name(spec):
    return revision_name(make.bot(spec).spec)


def test_name_is_twenty_hex_digits_that_never_change():
    """Recorded names are found again by every later operator: this literal must not change within a hash version."""
    assert HASH_VERSION == "1"
    assert name(make.MINIMAL) == "a047e330f403f1363398"


def test_fields_at_their_default_make_no_difference():
    """Writing down a default, or null, is the same request."""
    spelled = {**make.MINIMAL, "mode": "paper", "engine": {"checkInterval": "15s"}, "image": None}
    assert name(spelled) == name(make.MINIMAL)


@pytest.mark.parametrize(
    "part",
    [
        {"suspend": True},
        {"contacts": [{"name": "ann", "email": "a@example.org"}]},
        {"rollout": {"historyLimit": 3}},
        {"deletion": {"deadline": "1h"}},
        {"storage": {"size": "40Gi"}},
        {"reconcile": {"onMismatch": "Adopt", "interval": "1h"}},
    ],
)
def test_what_only_steers_the_operator_makes_no_revision(part):
    """No pod is disturbed by a change that no pod can see."""
    assert name({**make.MINIMAL, **part}) == name(make.MINIMAL)


@pytest.mark.parametrize(
    "part",
    [
        {"image": "localhost/tradingbot:0.2.0"},
        {"strategy": {"name": "rsi"}},
        {"logging": {"level": "debug"}},
        {"data": {"cacheTtl": "1h"}},
        {"reconcile": {"interval": "2h"}},
        {"reconcile": {"foreignOrders": "Halt"}},
        {"resources": {"limits": {"memory": "6Gi"}}},
        {"pod": {"labels": {"team": "a"}}},
    ],
)
def test_what_a_pod_can_see_makes_a_revision(part):
    """Whatever reaches the pod or its settings is a version of its own."""
    assert name({**make.MINIMAL, **part}) != name(make.MINIMAL)


def test_only_what_was_said_is_recorded():
    """A revision holds the request, not the defaults of the operator that read it."""
    assert asked(make.bot(make.MINIMAL).spec) == make.MINIMAL


def test_canonical_text_does_not_depend_on_the_order():
    """One value has one text."""
    assert canonical({"b": 1, "a": ["é"]}) == '{"a":["é"],"b":1}'
    assert digest({"b": 1, "a": 2}, 10) == digest({"a": 2, "b": 1}, 10)


def test_taken_name_is_followed_by_another():
    """The count of collisions is part of the name; without one the name is what it always was."""
    spec = make.bot().spec
    assert revision_name(spec, 0) == "a047e330f403f1363398"
    assert len({revision_name(spec, count) for count in range(4)}) == 4


def test_record_is_told_by_what_was_asked_not_by_what_was_made_of_it():
    """An older operator's rendering is the same request; another request, or another way of naming, is not."""
    spec = make.bot().spec
    assert is_record_of(spec, {"hashVersion": "1", "spec": make.MINIMAL, "template": {"older": True}})
    assert not is_record_of(spec, {"hashVersion": "1", "spec": {**make.MINIMAL, "mode": "sim"}})
    assert not is_record_of(spec, {"hashVersion": "0", "spec": make.MINIMAL})
    assert not is_record_of(spec, {})

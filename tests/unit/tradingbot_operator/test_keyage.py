"""Keys that grew old: when a person is reminded, and what Prometheus is told."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

import make_operator as make
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.cluster.reading import rotated_at
from tradingbot_operator.domain.keyage import key_age
from tradingbot_operator.domain.observed import Keys
from tradingbot_operator.engine.keyages import KeyAges
from tradingbot_operator.report.conditions import key_rotation_due

MADE = "2026-10-01T12:00:00Z"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LONGER = {**make.SANDBOX, "monitoring": {"thresholds": [{"name": "api_key_age_days", "warning": "90"}]}}
OTHER = {**make.SANDBOX, "monitoring": {"thresholds": [{"name": "drawdown", "warning": "1"}]}}


def due(days, spec=make.SANDBOX, seconds=0):
    since = make.facts().now - timedelta(days=days, seconds=seconds)
    return key_rotation_due(make.facts(spec, seen=make.observed(keys=Keys("keys", True, since=since))))


@pytest.mark.parametrize(
    ("spec", "days", "seconds", "told"),
    [
        (make.SANDBOX, 30, 1, True),
        (make.SANDBOX, 30, 0, False),
        (OTHER, 31, 0, True),
        (LONGER, 31, 0, False),
        (LONGER, 91, 0, True),
    ],
)
def test_keys_older_than_the_limit_are_due(spec, days, seconds, told):
    """Thirty days, or what the spec's threshold says; its age is not in the message, which would change every day."""
    found = due(days, spec, seconds)
    assert (found is not None and found[1] == "ApiKeyRotationDue") is told


def test_the_reminder_says_what_to_do():
    assert due(31)[2].endswith("make new keys and run kubectl atb keys rotate btc")


@pytest.mark.parametrize("keys", [None, Keys("keys", False)])
def test_without_keys_nothing_is_due(keys):
    """Nor while the spec cannot be understood."""
    assert key_rotation_due(make.facts(make.SANDBOX, seen=make.observed(keys=keys))) is None
    old = Keys("keys", True, since=NOW - timedelta(days=999))
    assert key_rotation_due(make.facts({"exchange": {}}, seen=make.observed(keys=old))) is None


@pytest.mark.parametrize(
    ("noted", "expected"),
    [
        ({"tradingbot.io/rotated-at": "2026-11-01T00:00:00Z"}, "2026-11-01T00:00:00+00:00"),
        ({"tradingbot.io/rotated-at": "lately"}, "2026-10-01T12:00:00+00:00"),
        ({}, "2026-10-01T12:00:00+00:00"),
    ],
)
def test_a_secret_without_a_readable_note_counts_from_its_creation(noted, expected):
    assert rotated_at({"creationTimestamp": MADE, "annotations": noted}).isoformat() == expected


def test_an_age_is_told_as_it_is_when_asked_for():
    """Days as a fraction, beside the limit; a bot that is gone is not told any more."""
    memory, registry = Memory(), CollectorRegistry()
    registry.register(KeyAges(lambda: memory.key_ages(NOW)))
    bot, labels = ("trading", "btc"), {"namespace": "trading", "bot": "btc"}
    memory.remember_keys(bot, key_age(make.bot(LONGER).spec, NOW - timedelta(days=30, hours=12)))
    assert registry.get_sample_value("api_key_age_days", labels) == 30.5
    assert registry.get_sample_value("api_key_age_limit_days", labels) == 90
    memory.forget(bot)
    assert registry.get_sample_value("api_key_age_days", labels) is None

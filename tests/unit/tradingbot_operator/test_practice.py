"""The record of practice: what counts, what does not, and which configurations are the same."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_operator as make
from tradingbot_operator.domain.practice import Spell, Working, config_hash, noted, parse_practice, written

DAY = timedelta(days=1)
PAPER = Working("paper", "r1", "c1", trades=True)


def hashed(**changes):
    return config_hash(make.bot({**make.MINIMAL, **changes}).spec)


def test_mode_image_ledger_and_keys_do_not_change_a_configuration():
    """What decides and what limits does."""
    live = {name: part for name, part in make.LIVE.items() if name != "risk"}
    assert config_hash(make.bot({**make.LIVE}).spec) == hashed(risk=make.LIVE["risk"], image="other/bot:2")
    assert hashed() != hashed(strategy={"name": "rsi"})
    assert hashed() != hashed(risk={"maxOrderNotional": "10"})
    assert hashed() != hashed(exchange={"name": "binance", "symbols": ["ETH/USDT"]})
    assert hashed() == hashed(rollout={"observe": "1m"})
    two = {"exchange": make.SEVERAL["exchange"]}
    assert hashed(**two) != hashed(**two, strategies=make.SEVERAL["strategies"])
    assert live["mode"] == "live"


def test_spell_runs_while_the_same_trades_and_stops_when_it_does_not():
    """A day of trading is a day, a day of silence is none, and it goes on where it stopped."""
    first = noted((), PAPER, make.NOW)
    assert first == (Spell("paper", "c1", "r1", 0, make.NOW),)
    assert noted(first, PAPER, make.NOW + DAY) == first
    silent = noted(first, None, make.NOW + DAY)
    assert silent == (Spell("paper", "c1", "r1", 86400),)
    again = noted(silent, PAPER, make.NOW + 2 * DAY)
    assert again == (Spell("paper", "c1", "r1", 86400, make.NOW + 2 * DAY),)
    assert again[0].lasted(make.NOW + 3 * DAY) == 2 * DAY


def test_halted_bot_does_not_practise_and_the_halt_it_obeyed_is_kept():
    """Only the newest halt counts, and it is no news when it is told again."""
    trading = noted((), PAPER, make.NOW)
    halted = Working("paper", "r1", "c1", trades=False, halted="2026-11-22T14:00:00Z")
    stopped = noted(trading, halted, make.NOW + DAY)
    assert stopped == (Spell("paper", "c1", "r1", 86400, None, "2026-11-22T14:00:00Z"),)
    assert noted(stopped, halted, make.NOW + 2 * DAY) == stopped
    older = Working("paper", "r1", "c1", trades=False, halted="2026-11-20T14:00:00Z")
    assert noted(stopped, older, make.NOW + 2 * DAY) == stopped


def test_another_configuration_or_mode_is_a_spell_of_its_own():
    """The one before ends; coming back to it goes on with it."""
    one = noted((), PAPER, make.NOW)
    other = noted(one, Working("paper", "r2", "c2", trades=True), make.NOW + DAY)
    assert [(each.config, each.seconds, each.since) for each in other] == [
        ("c1", 86400, None),
        ("c2", 0, make.NOW + DAY),
    ]
    dry = noted(other, Working("dry-run", "r3", "c1", trades=True), make.NOW + 2 * DAY)
    assert [(each.mode, each.config, each.seconds) for each in dry] == [
        ("paper", "c1", 86400),
        ("paper", "c2", 86400),
        ("dry-run", "c1", 0),
    ]


def test_revision_that_is_no_longer_asked_for_goes_on_with_its_own_configuration():
    """While a promotion is blocked or a candidate starts, the spec says nothing about what trades."""
    one = noted((), PAPER, make.NOW)
    behind = Working("paper", "r1", None, trades=True)
    assert noted(one, behind, make.NOW + DAY) == one
    stranger = Working("paper", "r9", None, trades=True)
    assert noted(one, stranger, make.NOW + DAY) == (Spell("paper", "c1", "r1", 86400),)


def test_new_image_of_the_same_configuration_goes_on():
    """Its revision is another one, what it decides is not."""
    one = noted((), PAPER, make.NOW)
    assert noted(one, Working("paper", "r2", "c1", trades=True), make.NOW + DAY) == (
        Spell("paper", "c1", "r2", 0, make.NOW),
    )


def test_bot_that_has_not_traded_yet_has_no_spell():
    """A start is no practice."""
    assert noted((), Working("paper", "r1", "c1", trades=False), make.NOW) == ()


def test_eight_spells_are_kept():
    """The oldest goes first."""
    spells = ()
    for number in range(10):
        spells = noted(spells, Working("paper", f"r{number}", f"c{number}", trades=True), make.NOW)
    assert [each.config for each in spells] == [f"c{number}" for number in range(2, 10)]


@pytest.mark.parametrize("said", [{"mode": "paper"}, {"mode": "paper", "config": "c", "revision": "r", "seconds": "x"}])
def test_spell_that_cannot_be_understood_is_no_practice(said):
    """Whoever wrote it."""
    assert parse_practice({"practice": [said]}) == ()


WORKING = st.none() | st.builds(
    Working,
    st.sampled_from(["paper", "dry-run"]),
    st.sampled_from(["r1", "r2"]),
    st.none() | st.sampled_from(["c1", "c2"]),
    st.booleans(),
    st.none() | st.sampled_from(["2026-11-20T14:00:00Z", "2026-11-22T14:00:00Z"]),
)


@given(st.lists(st.tuples(WORKING, st.integers(0, 10**6)), max_size=12))
def test_record_survives_its_text_runs_at_most_one_spell_and_never_counts_more_than_passed(looks):
    """Whatever is seen, and whenever."""
    spells, now = (), make.NOW
    for working, seconds in looks:
        now += timedelta(seconds=seconds)
        spells = noted(spells, working, now)
        assert parse_practice({"practice": written(spells)}) == spells
        assert sum(each.since is not None for each in spells) <= 1
    assert sum((each.lasted(now) for each in spells), timedelta(0)) <= now - make.NOW
    assert all(isinstance(each.since, datetime | None) for each in spells)

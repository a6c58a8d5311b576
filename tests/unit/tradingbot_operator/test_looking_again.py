"""When a bot is looked at again though nothing happens: no event tells of a record that the operator itself wrote."""

from planted import NEW, running, states
from tradingbot_operator.domain.handover import AT_REST, Step

EVERY_NTH = 199


def test_what_is_under_way_is_looked_at_again_whatever_was_done_now():
    """From every planted state: a move that leaves a hand-over under way says when the next one is."""
    tried = [each.plant().once() for each in tuple(states())[::EVERY_NTH]]
    under_way = [made for made in tried if made.rollout is not None and made.rollout.step not in AT_REST]
    assert len(under_way) > 200
    assert [made.rule for made in under_way if made.again_ms is None] == []


def test_an_observation_begins_with_a_time_to_look_again():
    """It is the new trader's adoption that ends one step and begins the next; then nothing happens for minutes."""
    at_work = running(NEW)
    made = at_work.once()
    while not at_work.step_is(Step.OBSERVING):
        made = at_work.once()
    assert made.again_ms == 500

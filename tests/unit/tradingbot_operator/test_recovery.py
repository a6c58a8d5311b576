"""What a bot does after a crash: it is rendered where it is asked for, and the phase tells it."""

from dataclasses import replace

import pytest

import make_operator as make
from tradingbot_operator.domain.revision import asked, revision_name
from tradingbot_operator.render.settings import settings
from tradingbot_operator.report.conditions import conditions
from tradingbot_operator.report.status import phase

WATCHED = {**make.MINIMAL, "recovery": {"observeMinutes": 30, "sizePercent": "20", "maxRestarts": 3}}


def test_minutes_and_size_reach_the_process():
    """Only what a person set; the rest of recovery is the operator's business."""
    bot = make.bot(WATCHED)
    assert settings(bot, bot.spec, make.SITE)["recovery"] == {"observe_minutes": 30, "size_percent": "20"}
    plain = make.bot({**make.MINIMAL, "recovery": {"maxRestarts": 3}})
    assert "recovery" not in settings(plain, plain.spec, make.SITE)


def test_another_time_of_watching_is_another_revision():
    """And a spec that says nothing of it keeps the name it had before it could."""
    assert asked(make.bot(WATCHED).spec)["recovery"] == {"observeMinutes": 30, "sizePercent": "20"}
    named = revision_name(make.bot({**make.MINIMAL, "recovery": {"maxRestarts": 3}}).spec)
    assert named == revision_name(make.bot(make.MINIMAL).spec)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"recovering": True}, "Recovering"), ({}, "Running"), ({"recovering": True, "halts": (make.halt(),)}, "Halted")],
)
def test_phase_tells_that_it_is_watched(changes, said):
    """A halt that stands is told before it."""
    trader = replace(make.said(), **changes)
    revision = revision_name(make.bot().spec)
    seen = make.observed(
        pods=(make.pod(revision=revision),),
        workloads=(make.workload(revision=revision),),
        report=trader,
        reports={"pod-1": trader},
    )
    facts = make.facts(seen=seen)
    assert phase(facts, conditions(facts)) == said

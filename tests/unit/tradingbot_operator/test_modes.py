"""What a bot leaves when its mode changes, and when it may."""

from dataclasses import replace

import pytest

import make_operator as make
from planted import NEW, OLD, running
from tradingbot_operator.domain.handover import Kind, Place, Rollout, Seen, Side, Step, Terms, Verdict
from tradingbot_operator.domain.observed import Schema
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.practice import config_hash
from tradingbot_operator.plan import modes
from tradingbot_operator.plan.case import Case
from tradingbot_operator.plan.decide import decide
from tradingbot_operator.plan.gates import verdicts
from tradingbot_operator.plan.halts import UNSEEN, notes, order_id, standing
from tradingbot_operator.plan.handover import posts
from tradingbot_operator.plan.sides import request, seen

PAPER = {**make.MINIMAL, "database": make.LIVE["database"]}
FLAT = {"positions": 0, "open_orders": 0, "unresolved": 0}
LIVE_BEFORE = {"active": {"mode": "live", "book": "live", "colour": "blue", "since": "2026-11-21T13:00:00Z"}}


def trader(book="live", **changes):
    return make.said(mode="paper" if book == "sandbox" else book, book=book, **changes)


def live(**changes):
    said = trader(**(FLAT | changes))
    return make.observed(report=said, reports={"pod-1": said}, pods=(make.pod(),))


def spec_of(spec):
    return make.bot(spec).spec


@pytest.mark.parametrize(("spec", "book"), [(make.MINIMAL, "paper"), (make.SANDBOX, "sandbox"), (make.LIVE, "live")])
def test_a_spec_asks_for_one_book(spec, book):
    """That of its mode; a sandbox, which is of mode paper, has its own."""
    assert spec_of(spec).book == book


@pytest.mark.parametrize(
    ("status", "report", "book"),
    [
        ({}, None, "paper"),
        (LIVE_BEFORE, None, "live"),
        (LIVE_BEFORE, trader("paper"), "paper"),
        (LIVE_BEFORE, trader("paper", epoch=None), "live"),
        ({"active": {"mode": "live"}}, None, "live"),
        ({"active": {"mode": "paper"}}, make.said(mode="live"), "live"),
        ({"active": {"mode": "paper"}}, make.said(mode="paper"), "paper"),
    ],
)
def test_what_traded_last_is_by_the_word_of_who_holds_the_epoch(status, report, book):
    """A standby of another mode does not count; a process of before books were told says its mode."""
    bot = make.bot(PAPER, status)
    assert modes.traded(bot, bot.spec, make.observed(report=report)) == book


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (None, "what is open there is not known"),
        (trader(epoch=None, **FLAT), "what is open there is not known"),
        (trader(positions=0, open_orders=0), "what is open there is not known"),
        (trader(**FLAT), None),
        (trader(**FLAT | {"positions": 1, "open_orders": 2}), "positions: 1, open orders: 2"),
        (trader(**FLAT | {"unresolved": 1}), "writes of unknown outcome: 1"),
    ],
)
def test_nothing_is_open_only_when_the_trader_says_so(report, said):
    """What it does not say, or nobody says, is not nothing."""
    assert modes.standing_open(report) == said


def unfinished(spec, status, observed):
    bot = make.bot(spec, status)
    return modes.unfinished(bot, bot.spec, observed)


def test_a_market_is_left_flat_or_not_at_all():
    """With a position nothing moves, and the sentence names field, value and cure; without one there is no reason."""
    refusal = unfinished(PAPER, LIVE_BEFORE, live(positions=1, open_orders=1))
    assert refusal == Keep(
        "PositionsOpen",
        "spec.mode: 'paper' leaves book live (positions: 1, open orders: 1); stops stay at the venue and nothing is "
        "entered; it changes once all is closed; to close it now set spec.onModeChange to Flatten",
        1.0,
    )
    assert unfinished(PAPER, LIVE_BEFORE, live()) is None
    assert unfinished(make.LIVE, LIVE_BEFORE, live(positions=1)) is None
    assert unfinished(make.LIVE, {}, make.observed(report=trader("paper"))) is None


def test_a_suspended_bot_does_not_leave_what_nobody_looks_after():
    """Nobody runs who could say that it is flat: a person is told both ways."""
    said = unfinished({**PAPER, "suspend": True}, LIVE_BEFORE, make.observed())
    assert said.message.endswith("write the mode back, or set spec.suspend to false")
    assert modes.leaving(make.bot({**PAPER, "suspend": True}, LIVE_BEFORE), make.observed()) is None


def test_a_file_keeps_the_book_of_paper_or_of_a_sandbox():
    """Both would lie on the same claim: refused with the cure; on a server it is a change like any other."""
    said = unfinished(make.SANDBOX, {"active": {"book": "paper"}}, make.observed())
    assert (said.reason, said.message.partition(":")[0]) == ("BookInFile", "spec.exchange.sandbox")
    served = {**make.SANDBOX, "database": make.LIVE["database"]}
    assert unfinished(served, {"active": {"book": "paper"}}, make.observed()) is None


def test_a_bot_with_positions_keeps_its_revision():
    """The decision is to keep what trades, and to look again."""
    action = decide(make.bot(PAPER, LIVE_BEFORE), live(positions=1), make.SITE, make.NOW).action
    assert isinstance(action, Keep)
    assert action.reason == "PositionsOpen"


@pytest.mark.parametrize(("policy", "kind"), [({}, "reduce"), ({"onModeChange": "Flatten"}, "flatten")])
def test_nothing_is_entered_while_a_market_is_left(policy, kind):
    """The pods carry an order that ends with the change: to exit only, or to close everything."""
    bot = make.bot({**PAPER, **policy}, LIVE_BEFORE)
    words = f"{kind}: book live is left for paper (spec.mode)"
    assert standing(bot, live()) == words
    name = order_id(bot, live(), UNSEEN)
    assert name.startswith("mode-")
    (note,) = notes(bot, live())
    assert dict(note.annotations)["tradingbot.io/halt"] == words
    later = make.bot({**PAPER, **policy}, {"active": {**LIVE_BEFORE["active"], "since": "2026-11-22T13:00:00Z"}})
    assert order_id(later, live(), UNSEEN) != name


def test_a_stronger_order_of_a_person_rules():
    """The mode's order never weakens a halt."""
    bot = make.bot(PAPER, LIVE_BEFORE, annotations={"tradingbot.io/halt": "look at it"})
    assert standing(bot, live()) == "look at it"


@pytest.mark.parametrize(
    ("spec", "metadata"), [(make.LIVE, {}), (PAPER, {"deletionTimestamp": "2026-11-21T13:59:00Z"}), ({}, {})]
)
def test_no_mode_is_left(spec, metadata):
    """The mode was written back, the bot goes, or nobody can understand its spec."""
    assert modes.leaving(make.bot(spec, LIVE_BEFORE, **metadata), live()) is None


def test_a_halt_of_a_change_is_resumed_when_it_is_over():
    """Also when it was called off; a person's resume comes after it, and a person's halt stays."""
    stands = (make.halt(id="mode-123456", kind="reduce"), make.halt(id="h1"))
    for spec, book in ((PAPER, "paper"), (make.LIVE, "live")):
        said = trader(book, halts=stands)
        after = make.observed(report=said, reports={"pod-1": said}, pods=(make.pod(),))
        bot = make.bot(spec, {"active": {"book": book}}, annotations={"tradingbot.io/resume": "h1 fine"})
        (note,) = notes(bot, after)
        assert dict(note.annotations) == {"tradingbot.io/resume": f"mode-123456 spec.mode is {book}"}
    assert modes.ended(make.bot(PAPER, LIVE_BEFORE), live(halts=stands)) is None
    assert modes.ended(make.bot(PAPER), make.observed()) is None
    assert modes.ended(make.bot({**PAPER, "suspend": True}), live(halts=stands)) is None
    assert modes.ended(make.bot({}), live(halts=stands)) is None


def test_a_configuration_that_was_live_needs_no_promotion():
    """By the hash of what decides and limits; another one was never proved."""
    config = config_hash(spec_of(make.LIVE))
    spell = {"mode": "live", "config": config, "revision": "r1", "seconds": 9}
    bot = make.bot(make.LIVE, {"practice": [spell]})
    assert modes.was_live(bot, config)
    assert not modes.was_live(bot, "other")
    assert not modes.was_live(make.bot(make.LIVE, {"practice": [{**spell, "mode": "paper"}]}), config)
    site = replace(make.SITE, allow_live=True)
    assert decide(bot, make.observed(), site, make.NOW).gates == ()
    assert decide(make.bot(make.LIVE), make.observed(), site, make.NOW).gates != ()


def looked(spec, status, observed):
    bot = make.bot(spec, status)
    return seen(bot, bot.spec, observed, "r2", make.NOW)


def test_terms_say_whether_the_book_changes_and_whether_a_market_is_left():
    """To live is a change that leaves no market; from live leaves one; the same mode is neither."""
    said = [
        looked(PAPER, LIVE_BEFORE, live()).terms,
        looked(make.LIVE, {"active": {"book": "paper", "mode": "paper"}}, make.observed()).terms,
        looked(make.LIVE, LIVE_BEFORE, live()).terms,
    ]
    assert [(each.changes, each.leaves) for each in said] == [(True, True), (True, False), (False, False)]


def test_a_rollback_task_stays_in_its_mode():
    """A revision of another mode is none to go back to; one recorded before modes were told is."""
    spec = {"bot": "btc", "type": "rollback", "requestedBy": "me@example.org", "reason": "worse"}
    known = (make.revision(1, "r1", book="paper"), make.revision(2, "r2", book="live"), make.revision(3, "r3"))
    bot = make.bot(make.LIVE, LIVE_BEFORE)
    for target, found in (("r1", None), ("r2", "r2"), ("r3", "r3")):
        task = make.task({**spec, "target": target})
        observed = replace(live(), tasks=(task,), revisions=known)
        assert request(bot, observed).target == found


def test_what_traded_in_another_mode_is_not_kept_warm():
    """With ``standby: warm`` the other colour comes up with what trades now."""
    at = make.NOW
    rollout = Rollout("u", Kind.MODE, Step.DONE, Place("blue", "r1"), Place("green", "r2"), at, at)
    warm = {**PAPER, "rollout": {"standby": "warm"}}
    row = make.row(holder="green", revision="r2")
    works = (make.workload(), make.workload(name="btc-green", colour="green", revision="r2"))
    looked_at = looked(warm, {"active": {"book": "paper"}}, make.observed(row=row, workloads=works))
    assert [(each.colour, each.revision, each.replicas) for each in posts(rollout, looked_at, at)] == [
        ("blue", "r2", 1),
        ("green", "r2", 1),
    ]


def candidate(**open_):
    """A candidate of another mode beside a live trader."""
    ready = make.said(instance="pod-2/1", state="standby", exchange="ok", database="ok", schema=Schema("2", "2"))
    blue = Side("blue", "r1", 1, "btc-blue-1", True, None, "pod-1/1", 100, trader(journal=0, **FLAT | open_))
    green = Side("green", "r2", 1, "btc-green-1", True, None, "pod-2/1", 100, ready)
    rollout = Rollout("u", Kind.MODE, Step.VERIFYING, Place("blue", "r1"), Place("green", "r2"), make.NOW, make.NOW)
    terms = Terms(changes=True, leaves=True)
    return Case(rollout, Seen(make.row(), blue, green, Place("blue", "r1"), "r2", terms), make.NOW)


def test_a_candidate_waits_for_a_trader_that_is_not_flat():
    """Whatever was true when the swap began is asked again before the order; nobody skips it."""
    assert Verdict("flat", "passed") in verdicts(candidate())
    waits = "the trader leaves something open: positions: 1"
    assert Verdict("flat", "waiting", waits) in verdicts(candidate(positions=1))


def test_another_mode_is_done_when_it_trades():
    """It is not observed, so that no check and no lost process gives the lease back to the mode that was left."""
    at = running(NEW)
    at.terms = replace(at.terms, changes=True)
    steps = []
    at.until(lambda: steps.append(at.rollout and at.rollout.step) or at.step_is(Step.DONE))
    assert (at.rollout.kind, Step.OBSERVING in steps) == (Kind.MODE, False)
    at.terms = replace(at.terms, changes=False)
    at.settle()
    assert (at.trades(), at.deployed) == (NEW, {"blue": (OLD, 0), "green": (NEW, 1)})


def test_a_market_is_not_left_on_the_way_back():
    """While the live process takes stock, the warm paper colour is not given the lease without the gate of flat."""
    at = running()
    at.node.deaf.add(NEW)
    at.wanted, at.terms = NEW, replace(at.terms, changes=True)
    at.until(lambda: at.step_is(Step.ADOPTING))
    at.wanted, at.terms = OLD, replace(at.terms, leaves=True)
    assert at.once().rollout.step is Step.ADOPTING
    at.node.processes["green"].deaf = False
    at.until(lambda: at.step_is(Step.DONE))
    assert at.trades() == NEW

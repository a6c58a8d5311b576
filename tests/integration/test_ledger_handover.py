"""The lease functions of a hand-over: one set of rules, held by a file and by PostgreSQL 15 and 17 alike."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from hands import REVISION, Hands, claimed, every_hands, who  # noqa: F401
from ledgers import NOW, TIMES, bar, hold, migrated_file, order, running_server, running_server_17  # noqa: F401
from tradingbot.domain.errors import Fenced, LedgerUnavailable
from tradingbot.domain.intent import Action, Decision, Intent
from tradingbot.domain.lease import Lease, LeaseRow, NotClaimed, NotReleased, Released
from tradingbot.ledger.highwater import HighWater, load, path_of, record

LONG = 60_000


def beating(hands: Hands, colour: str = "green", name: str = "pod-2/a") -> None:
    hands.open(colour).heartbeat(who(colour, name), "standby", NOW)


def history(hands: Hands) -> list[tuple[int, str, str]]:
    rows = hands.place.raw("SELECT epoch, event, holder FROM lease_history ORDER BY id")
    return [(epoch, event, holder.rpartition("_")[2]) for epoch, event, holder in rows]


def test_a_release_moves_the_epoch_to_the_named_successor(hands: Hands) -> None:
    """One transaction: the successor writes under epoch 2 at once, the old trader nothing more."""
    blue, green = hands.open(), hands.open("green")
    old = claimed(blue)
    beating(hands)
    assert green.named(who("green", "pod-2/a")) is None
    assert hands.door.order(1, None, hands.successor().text, LONG)
    assert blue.order_stands() == hands.successor()
    assert blue.release(old, hands.successor(), NOW) == Released(2)
    new = green.named(who("green", "pod-2/a"))
    assert new == Lease(blue.ledger_id, 2, hands.holder("green"), "pod-2/a", REVISION)
    assert new is not None
    assert green.intend(new, order(), *TIMES).sequence == 1
    with pytest.raises(Fenced):
        blue.intend(old, order(), *TIMES)
    assert blue.order_stands() is None
    assert blue.lease_row() == LeaseRow(blue.ledger_id, 2, hands.holder("green"), "pod-2/a", REVISION, None, None, None)
    assert history(hands) == [(1, "claim", "blue"), (1, "release", "blue"), (2, "named", "green")]


def test_a_release_whose_answer_was_lost_is_answered_again(hands: Hands) -> None:
    """The old trader asks once more and learns that it has let go; no third epoch begins."""
    blue = hands.open()
    old = claimed(blue)
    beating(hands)
    assert hands.door.order(1, None, hands.successor().text, LONG)
    assert blue.release(old, hands.successor(), NOW) == blue.release(old, hands.successor(), NOW) == Released(2)
    assert blue.lease_row().epoch == 2


def test_a_release_that_is_not_as_ordered_is_refused(hands: Hands) -> None:
    """No order, another successor, a silent one, a void order, a stale epoch: each has its name."""
    blue, door = hands.open(), hands.door
    old = claimed(blue)
    to, other = hands.successor(), hands.successor(name="pod-3/a")
    assert blue.release(old, to, NOW) == NotReleased("NoOrder")
    assert door.order(1, None, to.text, LONG)
    assert blue.release(old, other, NOW) == NotReleased("OtherSuccessor")
    assert blue.release(old, to, NOW) == NotReleased("SuccessorSilent")
    beating(hands)
    hands.place.silence("pod-2/a", 2)
    assert blue.release(old, to, NOW) == NotReleased("SuccessorSilent")
    beating(hands)
    assert door.order(1, to.text, to.text, 0)
    assert blue.release(old, to, NOW) == NotReleased("OrderVoid")
    assert blue.order_stands() is None, "a void order is no order"
    assert blue.intend(old, order(), *TIMES).sequence == 1
    blue.retire(old, NOW)
    assert blue.release(old, to, NOW) == NotReleased("Stale")


def test_only_the_holder_releases(hands: Hands) -> None:
    """The other colour cannot give away what it does not hold, whatever epoch it names."""
    blue, green = hands.open(), hands.open("green")
    old = claimed(blue)
    beating(hands)
    assert hands.door.order(1, None, hands.successor().text, LONG)
    forged = Lease(old.ledger_id, 1, hands.holder("green"), "pod-2/a", REVISION)
    assert green.release(forged, hands.successor(), NOW) == NotReleased("Stale")
    assert not green.retire(forged, NOW)
    assert blue.lease_row().epoch == 1


def test_an_order_is_set_and_taken_back_only_as_it_stands(hands: Hands) -> None:
    """Compare-and-set on epoch and successor; a void order counts as none; a released row takes no order."""
    blue, door = hands.open(), hands.door
    old = claimed(blue)
    first, second = hands.successor().text, hands.successor(name="pod-3/a").text
    assert not door.order(0, None, first, LONG), "another epoch"
    assert door.order(1, None, first, LONG)
    assert not door.order(1, None, second, LONG), "one stands"
    assert not door.order(1, second, None, 0), "another stands"
    assert door.order(1, first, second, LONG)
    assert door.order(1, second, None, 0)
    assert (blue.lease_row().successor, blue.lease_row().order_until) == (None, None)
    assert door.order(1, None, first, 0)
    assert door.order(1, None, second, LONG), "the first was void"
    assert blue.retire(old, NOW)
    assert not door.order(1, second, first, LONG)


@pytest.mark.parametrize(
    "text", ["green", "green pod-2/a", "green pod-2 r", "green  pod-2/a r", "green pod-2/a r x", ""]
)
def test_an_order_to_nobody_is_a_fault(hands: Hands, text: str) -> None:
    """A successor that is not three words would be released to nobody."""
    claimed(hands.open())
    with pytest.raises(Exception, match="is not HOLDER INSTANCE REVISION"):
        hands.door.order(1, None, text, LONG)


def test_a_claim_clears_an_order_of_the_epoch_before(hands: Hands) -> None:
    blue = hands.open()
    claimed(blue)
    assert hands.door.order(1, None, hands.successor().text, LONG)
    again = claimed(blue, name="pod-1/b")
    assert blue.order_stands() is None
    assert blue.release(again, hands.successor(), NOW) == NotReleased("NoOrder")


def test_a_grant_gives_a_higher_epoch_to_a_process_or_to_the_next_start(hands: Hands) -> None:
    """After a fence: only from the epoch that was expected, only upwards; without an instance the next start claims."""
    blue, green, door = hands.open(), hands.open("green"), hands.door
    old = claimed(blue)
    to = (hands.holder("green"), "pod-2/a", REVISION)
    assert not door.grant(0, 5, to)
    assert not door.grant(1, 1, to)
    assert door.grant(1, 5, to)
    with pytest.raises(Fenced):
        blue.intend(old, order(), *TIMES)
    new = green.named(who("green", "pod-2/a"))
    assert new is not None
    assert (new.epoch, green.intend(new, order(), *TIMES).epoch) == (5, 5)
    assert door.grant(5, 6, (hands.holder("blue"), None, None))
    assert blue.named(who()) is None
    refused = blue.claim(who(), NOW)
    assert isinstance(refused, NotClaimed)
    assert refused.reason == "InstanceUsed", "who was fenced never claims again"
    assert claimed(blue, name="pod-1/b").epoch == 7
    assert [event for _, event, _ in history(hands)] == ["claim", "grant", "grant", "claim"]


def test_a_grant_revives_a_released_row(hands: Hands) -> None:
    blue, green = hands.open(), hands.open("green")
    assert blue.retire(claimed(blue), NOW)
    assert hands.door.grant(1, 2, (hands.holder("green"), "pod-2/a", REVISION))
    new = green.named(who("green", "pod-2/a"))
    assert new is not None
    assert green.intend(new, order(), *TIMES).epoch == 2


def test_a_fence_names_the_epoch_it_means(hands: Hands) -> None:
    """Another epoch answers no: the operator that asked is stale."""
    claimed(hands.open())
    assert hands.door.fence(1)
    assert not hands.door.fence(0)
    assert not hands.door.fence(2)
    assert history(hands)[-1] == (1, "fence", "blue")


def test_an_exit_grant_keeps_fence_grant_and_other_pods_away(hands: Hands) -> None:
    """Until its end plus the guard time; the pod it was given to may start anew, no other pod may claim."""
    blue, door = hands.open(), hands.door
    old = claimed(blue)
    blue.intend(old, order(), NOW, NOW + timedelta(seconds=2))
    assert door.hold(1, "pod-1/a", LONG)
    assert door.state().hold_left_ms is not None
    assert not door.fence(1)
    assert not door.grant(1, 2, (hands.holder("green"), "pod-2/a", REVISION))
    hands.place.silence("pod-1/a", 5)
    refused = blue.claim(who(name="pod-9/a"), NOW)
    assert isinstance(refused, NotClaimed)
    assert (refused.reason, refused.retry) == ("ExitGranted", True)
    assert claimed(blue, name="pod-1/b").epoch == 2
    assert not door.fence(2), "it stands whichever epoch it was given to"


@pytest.mark.parametrize(("ago_ms", "done"), [(2900, False), (3100, True)])
def test_the_guard_of_an_exit_grant_is_the_newest_request_life_and_skew(hands: Hands, ago_ms: int, done: bool) -> None:
    """With requests that live 2 s, nothing moves before 3 s after the grant has ended."""
    blue, door = hands.open(), hands.door
    old = claimed(blue)
    assert door.state().guard_ms == 6000, "nothing was ever sent: the longest of the usual venues"
    blue.intend(old, order(), NOW, NOW + timedelta(seconds=9))
    blue.intend(old, order(), NOW, NOW + timedelta(seconds=2))
    assert door.state().guard_ms == 3000
    assert door.hold(1, "pod-1/a", -ago_ms)
    assert door.fence(1) is done


def test_an_exit_grant_is_for_the_trader_and_not_beside_an_order(hands: Hands) -> None:
    """Another epoch, another instance, a released row, a standing order: refused. A void order does not count."""
    blue, door = hands.open(), hands.door
    old = claimed(blue)
    assert not door.hold(0, "pod-1/a", LONG)
    assert not door.hold(1, "pod-1/b", LONG)
    assert door.order(1, None, hands.successor().text, LONG)
    assert not door.hold(1, "pod-1/a", LONG)
    assert door.order(1, hands.successor().text, hands.successor().text, 0)
    assert door.hold(1, "pod-1/a", 0)
    assert blue.retire(old, NOW)
    assert not door.hold(1, "pod-1/a", LONG)


def test_the_epoch_of_the_row_never_goes_back(hands: Hands) -> None:
    """Not even by the owner's own hand."""
    claimed(hands.open())
    with pytest.raises(Exception, match="lease refuses"):
        hands.place.raw("UPDATE lease SET epoch = 0")


def test_the_quiet_time_does_not_count_an_epoch_that_was_released(hands: Hands) -> None:
    """A release settles first, so the successor begins at once; a fenced epoch's requests may still arrive."""
    blue, green, door = hands.open(), hands.open("green"), hands.door
    old = claimed(blue)
    blue.intend(old, order(), NOW, NOW + timedelta(seconds=9))
    beating(hands)
    assert door.order(1, None, hands.successor().text, LONG)
    assert blue.release(old, hands.successor(), NOW) == Released(2)
    assert green.quiet_until() is None
    new = green.named(who("green", "pod-2/a"))
    assert new is not None
    assert green.unclean(new) == frozenset()
    green.intend(new, order(), NOW, NOW + timedelta(seconds=5))
    assert door.fence(2)
    assert green.retire(new, NOW)
    assert door.grant(2, 3, (hands.holder("blue"), None, None))
    assert blue.quiet_until() == NOW + timedelta(seconds=5)
    assert blue.unclean(claimed(blue, name="pod-1/b")) == frozenset({2})


def test_a_standby_ends_when_a_fresh_start_could_claim(hands: Hands) -> None:
    """Its colour holds, another instance of it has been silent for 5 s, no exit grant stands: else it stays."""
    blue, green = hands.open(), hands.open("green")
    claimed(blue)
    me = who(name="pod-9/a")
    assert not blue.holder_silent(me)
    hands.place.silence("pod-1/a", 5)
    assert blue.holder_silent(me)
    assert not blue.holder_silent(who()), "not the holder itself"
    assert not green.holder_silent(who("green", "pod-2/a")), "not another colour"
    assert hands.door.hold(1, "pod-1/a", LONG)
    assert not blue.holder_silent(me)


def test_the_state_tells_what_the_operator_judges_by(hands: Hands) -> None:
    """Row, what is left of order and exit grant, and when each process was last heard of."""
    blue, door = hands.open(), hands.door
    claimed(blue)
    hands.place.silence("pod-1/a", 4)
    state = door.state()
    assert (state.row.epoch, state.order_left_ms, state.hold_left_ms) == (1, None, None)
    (sign,) = state.signs
    assert (sign.instance, sign.role) == ("pod-1/a", "trader")
    assert 4000 <= sign.silent_ms < 60_000
    assert door.order(1, None, hands.successor().text, LONG)
    left = door.state().order_left_ms
    assert left is not None
    assert 30_000 < left <= LONG
    assert door.order(1, hands.successor().text, hands.successor().text, -5)
    left = door.state().order_left_ms
    assert left is not None
    assert left < 0


def entered(minute: int) -> Decision:
    wish = Intent("BTC/USDT", "sma_cross", bar(minute), Action.ENTER, Decimal(100), NOW, "crossed up")
    return Decision("sma_cross", "BTC/USDT", bar(minute), wish)


def test_a_standbys_decisions_are_compared_with_the_traders(hands: Hands) -> None:
    """Same bars only; how many differ in action, and how far the quantities of the others are apart."""
    blue, green = hands.open(), hands.open("green")
    lease = claimed(blue)
    blue.decide(lease, hold(0), None, None)
    blue.decide(lease, hold(1), None, None)
    blue.decide(lease, entered(2), order("0.5"), TIMES)
    blue.decide(lease, entered(3), None, None)
    green.record_shadow(hold(1), REVISION, Decimal(0))
    green.record_shadow(entered(1), REVISION, Decimal(9))  # the same bar twice changes nothing
    green.record_shadow(entered(2), REVISION, Decimal("0.4"))
    assert green.shadow_compared(REVISION, bar(0)) == (2, 0, Decimal(20))
    green.record_shadow(hold(3), REVISION, Decimal(0))
    green.record_shadow(hold(4), REVISION, Decimal(0))
    assert green.shadow_compared(REVISION, bar(0)) == (3, 1, Decimal(20))
    assert green.shadow_compared(REVISION, bar(3)) == (1, 1, Decimal(0))
    assert green.shadow_compared("another", bar(0)) == (0, 0, Decimal(0))


def test_an_epoch_that_was_given_is_remembered_like_one_that_was_claimed(hands: Hands, tmp_path: Path) -> None:
    """On the state volume of the process it was given to, once."""
    blue, green = hands.open(), hands.open("green")
    green.remember(tmp_path)
    claimed(blue)
    assert hands.door.grant(1, 7, (hands.holder("green"), "pod-2/a", REVISION))
    new = green.named(who("green", "pod-2/a"))
    assert new is not None
    green.remembered()
    path = path_of(tmp_path, green.ledger_id)
    assert load(path) == HighWater(7, 0)
    path.unlink()
    assert green.named(who("green", "pod-2/a")) == new
    green.remembered()
    assert load(path) is None, "asked every second, written once"


def test_an_epoch_that_the_volume_does_not_take_is_not_remembered(hands: Hands, tmp_path: Path) -> None:
    """It is told each time it is asked for, until the volume takes it."""
    blue, green = hands.open(), hands.open("green")
    green.remember(tmp_path)
    claimed(blue)
    path = path_of(tmp_path, green.ledger_id)
    in_the_way = path.with_suffix(".new")
    in_the_way.mkdir()
    assert hands.door.grant(1, 7, (hands.holder("green"), "pod-2/a", REVISION))
    assert green.named(who("green", "pod-2/a")) is not None
    for _ in range(2):
        with pytest.raises(LedgerUnavailable, match="cannot be written"):
            green.remembered()
    in_the_way.rmdir()
    green.remembered()
    assert load(path) == HighWater(7, 0)


def test_a_process_is_not_given_an_epoch_of_a_ledger_that_was_set_back(hands: Hands, tmp_path: Path) -> None:
    """Its volume has seen more than this ledger knows: it does not trade, the epoch is over, the ledger is halted."""
    blue, green = hands.open(), hands.open("green")
    record(path_of(tmp_path, green.ledger_id), HighWater(9, 40))
    green.remember(tmp_path)
    claimed(blue)
    assert hands.door.grant(1, 7, (hands.holder("green"), "pod-2/a", REVISION))
    assert green.named(who("green", "pod-2/a")) is None
    assert green.lease_row().released_at is not None
    assert [halt.id for halt in green.halts()] == ["set-back-9-40"]


def test_an_epoch_that_nobody_holds_is_not_released(hands: Hands) -> None:
    """It was granted to the next start: another process of that role has nothing to give away."""
    blue = hands.open()
    claimed(blue)
    beating(hands)
    assert hands.door.grant(1, 2, (hands.holder("blue"), None, None))
    assert hands.door.order(2, None, hands.successor().text, LONG)
    forged = Lease(blue.ledger_id, 2, hands.holder("blue"), "pod-1/a", REVISION)
    assert blue.release(forged, hands.successor(), NOW) == NotReleased("Stale")

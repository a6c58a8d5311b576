"""What the order log says of programs that trade side by side."""

from peers import overlap


def order(sender, at, **changes):
    return {"action": "order", "outcome": "accepted", "sender": sender, "arrived_ms": at, **changes}


def test_gap_lies_between_the_last_order_of_one_and_the_first_of_the_next():
    """A quarter of a second without a trader."""
    assert overlap.gaps_ms([order("a", 0), order("a", 100), order("b", 350)]) == [250]


def test_overlap_is_a_gap_below_zero():
    """Both traded for 60 ms."""
    assert overlap.gaps_ms([order("a", 0), order("b", 40), order("a", 100), order("b", 120)]) == [-60]


def test_refused_orders_count_for_nobody():
    """Who is refused does not trade."""
    refused = order("b", 40, outcome="refused")
    assert overlap.gaps_ms([order("a", 0), refused, order("a", 100)]) == []
    assert overlap.traders_at_once([order("a", 0), refused, order("a", 100)]) == 1


def test_traders_at_once_are_counted_at_one_instant():
    """Three in all, two at once; and nobody in an empty log."""
    log = [order("a", 0), order("b", 50), order("a", 100), order("b", 150), order("c", 200)]
    assert overlap.traders_at_once(log) == 2
    assert overlap.traders_at_once([]) == 0

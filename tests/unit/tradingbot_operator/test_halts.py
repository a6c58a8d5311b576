"""How orders reach pods."""

import pytest

import make_operator as make
from tradingbot_operator.domain.plan import Note
from tradingbot_operator.plan.halts import notes, raised, standing

HALT, RESUME, ORIGIN = "tradingbot.io/halt", "tradingbot.io/resume", "tradingbot.io/halt-origin"
COPIED = {HALT: "old", ORIGIN: "tradingbot"}


def bot(**annotations):
    return make.bot(annotations={f"tradingbot.io/{key}": value for key, value in annotations.items()})


def seen(annotations=None, **changes):
    return make.observed(pods=(make.pod(annotations=annotations or {}),), **changes)


def note(**annotations):
    pairs = {f"tradingbot.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return (Note("btc-blue-abc", "pod-1", tuple(sorted(pairs.items()))),)


def test_halt_of_the_bot_is_copied_with_its_origin():
    """The copy is marked, so that it can be told from what a person wrote on the pod."""
    assert notes(bot(halt="why"), seen()) == note(halt="why", halt_origin="tradingbot")


def test_copied_halt_goes_when_the_bots_goes():
    """What the operator wrote it takes back."""
    assert notes(bot(), seen(COPIED)) == note(halt=None, halt_origin=None)


def test_persons_halt_on_a_pod_is_never_removed():
    """Only a person takes back what a person wrote."""
    assert notes(bot(), seen({HALT: "by hand"})) == ()


def test_resume_is_copied_and_taken_back():
    """The order to resume travels like the halt."""
    assert notes(bot(resume="h1 fine"), seen()) == note(resume="h1 fine")
    assert notes(bot(), seen({RESUME: "h1 fine"})) == note(resume=None)


def test_pod_that_carries_its_orders_needs_no_note():
    """Nothing is written twice."""
    assert notes(bot(halt="old"), seen(COPIED)) == ()


def test_pod_that_goes_is_left_alone():
    """A pod that is being deleted takes no more orders."""
    going = make.observed(pods=(make.pod(deleting=True),))
    assert notes(bot(halt="why"), going) == ()


@pytest.mark.parametrize(
    ("own", "namespace", "rules"),
    [
        (None, None, None),
        ("a", None, "a"),
        (None, "b", "b"),
        ("reduce: a", "b", "b"),
        ("a", "reduce: b", "a"),
        ("a", "flatten: b", "flatten: b"),
        ("flatten: a", "halt: b", "flatten: a"),
        ("", None, ""),
    ],
)
def test_most_restrictive_order_rules(own, namespace, rules):
    """Of bot and namespace the one that forbids more counts; any value at all halts."""
    subject = bot() if own is None else bot(halt=own)
    assert standing(subject, make.observed(namespace_halt=namespace)) == rules


def test_halt_on_a_pod_is_raised_to_the_bot():
    """The strictest of what people wrote on pods, where nothing halts the bot yet."""
    pods = (make.pod(annotations={HALT: "reduce: x"}), make.pod(name="p2", annotations={HALT: "y"}))
    assert raised(bot(), make.observed(pods=pods)) == "y"


def test_copied_halt_is_not_raised():
    """What came from the bot does not go back to it."""
    assert raised(bot(), seen(COPIED)) is None


def test_halted_bot_raises_nothing():
    """The bot's own order stands."""
    assert raised(bot(halt="a"), seen({HALT: "b"})) is None

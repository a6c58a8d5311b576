"""How orders reach pods."""

import pytest

import make_operator as make
from tradingbot_operator.domain.order import Orders, Written, pod_origin
from tradingbot_operator.domain.order import seen as seen_anew
from tradingbot_operator.domain.plan import Note
from tradingbot_operator.plan.halts import UNSEEN, hurried, notes, order_id, raised, roused, standing

HALT, RESUME, ORIGIN = "tradingbot.io/halt", "tradingbot.io/resume", "tradingbot.io/halt-origin"
ID = "tradingbot.io/halt-id"
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


def own(version="7", words="why", born="", uid="uid-1"):
    return Orders(own=Written(uid, version, words, born))


def test_a_halt_is_carried_with_its_name():
    """Every pod gets the same one, so that one resume ends it everywhere."""
    blue, green = make.pod(), make.pod(name="btc-green-abc", uid="pod-2")
    written = notes(bot(halt="why"), make.observed(pods=(blue, green)), own())
    named = {dict(each.annotations)["tradingbot.io/halt-id"] for each in written}
    assert len(named) == 1
    assert named == {order_id(bot(halt="why"), make.observed(), own())}


def test_a_halt_written_anew_has_another_name():
    """Taken away and written again, with the same words: what was resumed is not what stands now."""
    before = order_id(bot(halt="why"), seen(), own(born="7"))
    pod = {HALT: "why", ORIGIN: "tradingbot", ID: before}
    after = order_id(bot(halt="why"), seen(pod), own(version="9", born="9"))
    assert before != after
    assert notes(bot(halt="why"), seen(pod), own(version="9", born="9")) == note(halt_id=after)


def test_a_new_operator_keeps_the_name_that_pods_or_status_carry():
    """It did not see the words appear, so it names nothing anew: neither for a pod that comes now nor for none."""
    pod = {HALT: "why", ORIGIN: "tradingbot", ID: (name := order_id(bot(halt="why"), seen(), own(born="5")))}
    assert order_id(bot(halt="why"), seen(pod), own(version="9")) == name
    kept = make.bot(annotations={HALT: "why"}, status={"haltOrder": name})
    assert order_id(kept, make.observed(), own(version="9")) == name
    assert order_id(make.bot(annotations={HALT: "else"}, status={"haltOrder": name}), seen(), own(words="else")) != name


def test_bot_and_namespace_name_their_own_halts():
    """The one that rules is named by its own object."""
    both = Orders(Written("uid-1", "7", "reduce: a"), Written("uid-2", "3", "b"))
    observed = make.observed(namespace_halt="b")
    assert order_id(bot(halt="reduce: a"), observed, both) == order_id(bot(), observed, both)
    assert order_id(bot(), make.observed(), both) is None


def test_a_halt_that_came_from_a_pod_keeps_the_name_it_got_there():
    """The processes have named it before the operator saw it; other words on the bot are the operator's again."""
    assert order_id(bot(halt="why", **{"halt-origin": pod_origin("why")}), seen(), own()) is None
    assert order_id(bot(halt="why", **{"halt-origin": pod_origin("else")}), seen(), own()) is not None


def spread(own=None, born="4", namespace="b"):
    return Orders(Written("uid-1", "7", own), Written("uid-2", "4", "b", born)), make.observed(
        pods=(make.pod(), make.pod(name="p2", uid="pod-2", deleting=True)), namespace_halt=namespace
    )


def test_a_namespaces_new_halt_needs_nothing_but_what_events_brought():
    """The pod gets the same words and the same name that its bot's pass would give it."""
    orders, observed = spread()
    (hurried_note,) = hurried(observed, orders)
    assert (hurried_note,) == notes(bot(), observed, orders)
    assert dict(hurried_note.annotations)[HALT] == "b"


@pytest.mark.parametrize(
    ("orders", "observed"),
    [
        spread(own="a"),
        spread(own="flatten: a"),
        spread(born=""),
        spread(namespace=None),
        (Orders(None, Written("u", "4", "b", "4")), spread()[1]),
        (Orders(Written("u", "7", None), None), spread()[1]),
        (Orders(Written("u", "7", None), Written("u", "4", None, "4")), spread()[1]),
    ],
)
def test_what_only_a_pass_can_tell_is_left_to_it(orders, observed):
    """A stricter halt of the bot's own, a name given before this process looked, or what has not been seen."""
    assert hurried(observed, orders) == ()


@pytest.mark.parametrize(
    ("before", "now", "after"),
    [
        (None, Written("u", "5", "why"), Written("u", "5", "why")),
        (Written("u", "5", "why"), Written("u", "6", "why"), Written("u", "6", "why")),
        (Written("u", "5", None), Written("u", "6", "why"), Written("u", "6", "why", "6")),
        (Written("u", "6", "why", "6"), Written("u", "8", "why"), Written("u", "8", "why", "6")),
        (Written("u", "6", "why", "6"), Written("u", "5", None), Written("u", "6", "why", "6")),
        (Written("u", "6", "why", "6"), Written("v", "7", "why"), Written("v", "7", "why")),
        (Written("u", "x", None), Written("u", "a", "why"), Written("u", "a", "why", "a")),
    ],
)
def test_words_are_born_with_the_version_that_brought_them(before, now, after):
    """Old news after a live look changes nothing; another object of the name has a history of its own."""
    assert seen_anew(before, now) == after


def asleep(spec=None, **annotations):
    notes_ = {f"tradingbot.io/{key}": value for key, value in annotations.items()}
    return make.bot(spec or {**make.MINIMAL, "suspend": True}, annotations=notes_)


def test_a_suspended_bot_runs_to_be_flat():
    """Its pods are born with the order, so that nothing is entered before it is read; a resume does not reach them."""
    words = "flatten: out"
    awake = roused(asleep(halt=words, resume="h1 fine"), seen(), own(words=words))
    assert awake.spec.suspend is False
    name = order_id(awake, seen(), own(words=words))
    assert dict(awake.born) == {HALT: words, ORIGIN: "tradingbot", ID: name}
    assert roused(awake, seen(), own(words=words)) == awake
    assert notes(awake, seen(dict(awake.born)), own(words=words)) == ()


@pytest.mark.parametrize(
    "subject",
    [
        asleep(),
        asleep(halt="halt: out"),
        asleep(halt="out"),
        asleep(make.MINIMAL, halt="flatten: out"),
        asleep({"mode": "nonsense"}, halt="flatten: out"),
    ],
)
def test_nothing_else_wakes_a_bot(subject):
    """Another order, none, a bot that runs anyway, or a spec that cannot be understood."""
    assert roused(subject, make.observed(), UNSEEN) == subject


def test_a_namespaces_order_to_flatten_wakes_too():
    """As it would reach the bot if it ran; what stands on the bot as a full halt does not hide it."""
    assert roused(asleep(halt="a"), make.observed(namespace_halt="flatten: b"), UNSEEN).spec.suspend is False


def test_a_bot_that_is_to_sleep_is_not_resumed_first():
    """Its process would trade until it ends."""
    assert notes(asleep(resume="h1 fine"), seen()) == ()

"""What was written is not written again, unless it may have changed."""

from tradingbot_operator.cluster.memory import Memory, Trace, place, trace

BOT = ("trading", "btc")
PLACE = ("Deployment", "trading", "btc-blue")
OTHER = ("ConfigMap", "trading", "btc-1")


def left(version="3", uid="u1"):
    return Trace(uid, version, BOT)


def settled():
    memory = Memory()
    memory.wrote(PLACE, left())
    memory.wrote(OTHER, Trace("u2", "77", BOT))
    memory.settle(BOT, "intent")
    return memory


def test_settled_bot_needs_no_write_for_the_same_intent():
    """Another intent, or another bot, is not settled by it."""
    memory = settled()
    assert memory.is_settled(BOT, "intent")
    assert not memory.is_settled(BOT, "other")
    assert not memory.is_settled(("trading", "eth"), "intent")


def test_own_write_seen_again_changes_nothing():
    """The watch brings what was written; it is as it was left."""
    memory = settled()
    assert memory.noticed(PLACE, left()) is None
    assert memory.is_settled(BOT, "intent")


def test_older_event_changes_nothing():
    """An event may be older than the answer to our own write."""
    memory = settled()
    assert memory.noticed(PLACE, left("2")) is None
    assert memory.is_settled(BOT, "intent")


def test_newer_generation_unsettles():
    """Someone changed what was asked for."""
    memory = settled()
    assert memory.noticed(PLACE, left("4")) == BOT
    assert not memory.is_settled(BOT, "intent")


def test_another_object_of_that_name_unsettles():
    """Deleted and made anew by someone else."""
    assert settled().noticed(PLACE, left("1", uid="u9")) == BOT


def test_vanished_object_unsettles():
    """What is gone must be written again."""
    assert settled().noticed(PLACE, None) == BOT


def test_object_never_written_concerns_nobody():
    """Other people's Deployments are none of ours."""
    assert Memory().noticed(PLACE, left()) is None


def test_change_noticed_during_the_writes_is_not_lost():
    """An event that came before the pass ended keeps the bot unsettled."""
    memory = Memory()
    memory.noticed(PLACE, left("4"))
    memory.wrote(PLACE, left("3"))
    memory.settle(BOT, "intent")
    assert not memory.is_settled(BOT, "intent")


def test_own_change_noticed_during_the_writes_is_fine():
    """The event of the write itself does no harm."""
    memory = Memory()
    memory.noticed(PLACE, left("3"))
    memory.wrote(PLACE, left("3"))
    memory.settle(BOT, "intent")
    assert memory.is_settled(BOT, "intent")


def test_audit_finds_what_changed_and_what_is_missing():
    """Compared by uid and version with what is really there."""
    memory = settled()
    assert memory.compare("ConfigMap", {OTHER: Trace("u2", "77", ("", ""))}) == frozenset()
    assert memory.is_settled(BOT, "intent")
    assert memory.compare("ConfigMap", {OTHER: Trace("u2", "78", ("", ""))}) == {BOT}
    assert not memory.is_settled(BOT, "intent")
    assert settled().compare("ConfigMap", {}) == {BOT}


def test_history_is_forgotten_with_anything_doubtful():
    """A revision may have gone as well."""
    memory = settled()
    memory.remember(BOT, ())
    assert memory.history(BOT) == ()
    memory.forget_history(BOT)
    assert memory.history(BOT) is None
    memory.remember(BOT, ())
    memory.unsettle(BOT)
    assert memory.history(BOT) is None


def test_gone_bot_leaves_nothing():
    """Its places are no longer looked at."""
    memory = settled()
    memory.forget(BOT)
    assert memory.places("Deployment") == ()
    assert memory.compare("Deployment", {}) == frozenset()


def test_generation_counts_where_there_is_one():
    """A status update changes the resource version of a Deployment, not its generation."""
    body = {"metadata": {"namespace": "n", "name": "d", "uid": "u", "generation": 3, "resourceVersion": "99"}}
    assert trace(body, BOT) == Trace("u", "3", BOT)
    del body["metadata"]["generation"]
    assert trace(body, BOT) == Trace("u", "99", BOT)
    assert place(body, "Deployment") == ("Deployment", "n", "d")

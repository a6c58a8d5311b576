"""What was written is not written again, unless it may have changed."""

from make_operator import NOW, revision
from tradingbot_operator.cluster.memory import Memory, Trace, place, trace
from tradingbot_operator.domain.observed import TokenSecret

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


def test_history_outlives_a_change_of_anything_else():
    """To ask for it costs the API server a look through the revisions of all bots."""
    memory = settled()
    memory.remember(BOT, (revision(1, "r1"),))
    memory.noticed(PLACE, None)
    memory.unsettle(BOT)
    assert memory.history(BOT) == (revision(1, "r1"),)


def test_history_is_forgotten_when_a_list_shows_a_change_or_in_doubt():
    """A revision may have gone as well."""
    memory = settled()
    for doubt in (memory.forget_history, memory.doubt, memory.forget, lambda _: memory.compare(PLACE[0], {})):
        memory.remember(BOT, ())
        memory.wrote(PLACE, left())
        doubt(BOT)
        assert memory.history(BOT) is None


def test_own_revision_is_in_a_known_history_as_it_was_left():
    """In place of the one of its name; where nothing is known, one revision is no history."""
    memory = settled()
    memory.recorded(BOT, revision(1, "r1"))
    assert memory.history(BOT) is None
    memory.remember(BOT, (revision(1, "r1"), revision(2, "r2")))
    memory.recorded(BOT, revision(1, "r1", image_id="sha256:1"))
    assert memory.history(BOT) == (revision(2, "r2"), revision(1, "r1", image_id="sha256:1"))


def listed_bot(version):
    return {"metadata": {"name": "btc", "namespace": "trading", "uid": "u", "resourceVersion": version}}


def test_bot_that_was_listed_is_believed_until_it_is_seen_otherwise():
    """Another version seen by any means is newer, and then the API server is asked."""
    memory, where = Memory(), ("TradingBot", "trading", "btc")
    memory.remember_listed(where, listed_bot("7"))
    memory.saw_order(listed_bot("7"))
    assert memory.listed(where) == listed_bot("7")
    memory.saw_order(listed_bot("8"))
    assert memory.listed(where) is None


def test_tokens_outlive_a_change_of_anything_else():
    """Only a doubt about the whole bot, or a write of its own, lets the Secret be asked for again."""
    memory = settled()
    memory.remember_tokens(BOT, token := TokenSecret("btc-api", "5", NOW))
    memory.unsettle(BOT)
    assert memory.tokens(BOT) == token
    memory.doubt(BOT)
    assert memory.tokens(BOT) is None


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


LISTED = {"kind": "Deployment", "metadata": {"name": "btc-blue", "namespace": "trading", "uid": "u1", "generation": 3}}


def at_the_start(**changes):
    memory = Memory()
    body = {**LISTED, "metadata": {**LISTED["metadata"], "managedFields": [{"manager": "x"}], **changes}}
    memory.remember_listed(PLACE, body)
    return memory


def test_object_that_was_listed_at_the_start_is_known_until_it_is_taken():
    """Once: whoever asks again must look, for time has passed."""
    memory = at_the_start()
    assert memory.listed(PLACE) == LISTED
    assert memory.take_listed(PLACE) == LISTED
    assert memory.take_listed(PLACE) is None
    assert memory.listed(OTHER) is None


def test_object_that_was_seen_to_change_since_the_start_is_not_known():
    """The watch is newer than the list; an event as old as the list changes nothing."""
    memory = at_the_start()
    memory.noticed(PLACE, left("3"))
    assert memory.listed(PLACE) == LISTED
    memory.noticed(PLACE, left("4"))
    assert memory.take_listed(PLACE) is None


def test_what_was_listed_at_the_start_is_forgotten_by_the_first_audit():
    """It is too old to be believed."""
    memory = at_the_start()
    memory.forget_listed()
    assert memory.listed(PLACE) is None

"""The next step towards a ledger on a server, and each reason why there is none."""

from dataclasses import replace

import pytest

import make_operator as make
from tradingbot_operator.domain.address import Address
from tradingbot_operator.domain.ledger import (
    Adopt,
    Claim,
    Elsewhere,
    Footing,
    Ground,
    JobState,
    Login,
    MakeSecret,
    Migration,
    Mint,
    OwnSecret,
)
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.plan.ledger import claimed, minted, next_effect, refused, urls

PLACE = "postgresql://db.example:5432/bots"
FENCER = Address("fencer", "f", PLACE)
OWNER = Login("owner", True, Address("owner", "o", PLACE), "11")
LOGINS = {login: Address(f"tb_q3v9zk_{login}", f"word of {login}", PLACE) for login in ("blue", "green", "task")}
WHOLE = Footing("q3v9zk", OWNER, Login("fencer", True, FENCER, "12"), OwnSecret(True, LOGINS))
CLUSTER = make.SITE.cluster
AGAIN = "suspend the bot and delete Secret 'btc-ledger', which is then made anew"


def step(**changes):
    return next_effect(make.bot(make.LIVE), replace(WHOLE, **changes))


def test_steps_come_one_after_the_other():
    """First the id, then the passwords, then the server can be asked."""
    assert step(ledger_id=None, own=None) == Mint(FENCER)
    assert step(own=None) == MakeSecret("q3v9zk", FENCER)
    words = {"blue": "word of blue", "green": "word of green", "task": "word of task"}
    assert step() == Ground("q3v9zk", OWNER, FENCER, words)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"owner": Login("owner", False)},
            "spec.database.postgres.ownerSecretRef: Secret 'owner' does not exist;"
            " give it key url with postgresql://role:password@host:port/database, in the namespace of the bot",
        ),
        (
            {"fencer": Login("fencer", False)},
            "spec.database.postgres.fencerSecretRef: Secret 'fencer' does not exist;"
            " give it key url with postgresql://role:password@host:port/database, in the namespace of the bot",
        ),
        (
            {"fencer": Login("fencer", True)},
            "spec.database.postgres.fencerSecretRef: key url of Secret 'fencer' is no address of a database;"
            " write postgresql://role:password@host:port/database",
        ),
        (
            {"own": OwnSecret(True, {**LOGINS, "green": Address("somebody", "x", PLACE)})},
            f"Secret 'btc-ledger': key green is not the login of ledger q3v9zk; {AGAIN}",
        ),
        (
            {"own": OwnSecret(True, {"blue": LOGINS["blue"]})},
            f"Secret 'btc-ledger': key green is not the login of ledger q3v9zk; {AGAIN}",
        ),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_with_its_cure(changes, message):
    """It is looked for again, since a Secret makes no event; nothing that is in it is shown."""
    assert step(**changes) == Keep("DatabaseSecretMissing", message, 10.0)


def test_a_secret_of_somebody_else_is_never_taken():
    """Its name stands in the way, and it stays as it is."""
    assert step(own=OwnSecret(False, LOGINS)) == Keep(
        "NameTaken",
        "Secret btc-ledger exists and is not controlled by this TradingBot;"
        " delete or rename it, or give the bot another name",
    )


def test_a_fencer_that_leads_elsewhere_is_not_followed():
    """Another server has another ledger: the logins of the bot would lead to one that nobody fences."""
    elsewhere = replace(FENCER, place="postgresql://other.example:5432/bots")
    assert step(fencer=Login("fencer", True, elsewhere)) == Keep(
        "DatabaseChanged",
        "spec.database.postgres.fencerSecretRef: Secret 'fencer' leads to another server or database than"
        f" Secret 'btc-ledger'; {AGAIN}",
        10.0,
    )


def test_a_ledger_of_this_bot_or_of_nobody_is_used():
    """An empty database has no ledger yet."""
    bot = make.bot(make.LIVE)
    assert claimed(bot, CLUSTER, "q3v9zk", None) is None
    assert claimed(bot, CLUSTER, "q3v9zk", Claim("q3v9zk", CLUSTER, "trading", "btc")) is None


def test_a_ledger_that_is_gone_is_not_begun_anew():
    """A bot that has traded would use its epochs and order ids a second time; one that never has may begin."""
    assert claimed(make.bot(make.LIVE, {"highestEpoch": 7}), CLUSTER, "q3v9zk", None) == Keep(
        "LedgerMissing",
        "spec.database.postgres.fencerSecretRef: the database holds no ledger that can be read, but this bot has traded"
        " under epoch 7 of ledger q3v9zk; restore the ledger there, or make another TradingBot",
        10.0,
    )
    assert claimed(make.bot(make.LIVE, {"highestEpoch": 0}), CLUSTER, "q3v9zk", None) is None


@pytest.mark.parametrize(
    ("claim", "whose"),
    [
        (Claim("aaaaaa", CLUSTER, "trading", "btc"), "ledger aaaaaa of TradingBot trading/btc"),
        (Claim("q3v9zk", CLUSTER, "trading", "eth"), "ledger q3v9zk of TradingBot trading/eth"),
        (Claim("q3v9zk", "other", "trading", "btc"), "ledger q3v9zk of TradingBot trading/btc of another cluster"),
    ],
)
def test_a_ledger_of_another_bot_is_never_written_to(claim, whose):
    """Another id, another name or another cluster: each is another bot."""
    assert claimed(make.bot(make.LIVE), CLUSTER, "q3v9zk", claim) == Keep(
        "LedgerClaimed",
        f"spec.database.postgres.ownerSecretRef: the database holds {whose}, not ledger q3v9zk of this bot;"
        " name a database of the bot's own, or annotate the bot with"
        f" tradingbot.io/adopt-ledger={claim.ledger_id} once nobody trades on that one",
        10.0,
    )


def adopting(ledger_id):
    return make.bot(make.LIVE, annotations={"tradingbot.io/adopt-ledger": ledger_id})


def test_a_ledger_that_a_person_names_is_adopted_and_no_other():
    """The annotation says which one; an old one of this bot that was adopted long ago is simply its own."""
    moved = Claim("q3v9zk", CLUSTER, "old", "btc")
    assert claimed(adopting("q3v9zk"), CLUSTER, "q3v9zk", moved) == Adopt("q3v9zk")
    assert claimed(adopting("aaaaaa"), CLUSTER, "q3v9zk", moved).reason == "LedgerClaimed"
    assert claimed(adopting("q3v9zk"), CLUSTER, "aaaaaa", moved).reason == "LedgerClaimed"
    assert claimed(adopting("q3v9zk"), CLUSTER, "q3v9zk", Claim("q3v9zk", CLUSTER, "trading", "btc")) is None


def test_a_copy_of_the_ledger_is_not_the_ledger_until_a_person_says_so():
    """Then it begins above every epoch the bot is known to have had; before, nothing is done but telling."""
    found = Elsewhere("ledger q3v9zk, server 1, timeline 1", "server 2, timeline 3")
    copy = Claim("q3v9zk", CLUSTER, "trading", "btc", found)
    assert claimed(make.bot(make.LIVE, {"highestEpoch": 7}), CLUSTER, "q3v9zk", copy) == Keep(
        "LedgerMoved",
        "spec.database.postgres.fencerSecretRef: ledger q3v9zk, server 1, timeline 1 is found on server 2, timeline 3,"
        " a copy; once nobody can trade there, annotate the bot with tradingbot.io/adopt-ledger=q3v9zk@2/3",
        10.0,
    )
    notes = {"tradingbot.io/adopt-ledger": "q3v9zk@2/3"}
    bot = make.bot(make.LIVE, {"highestEpoch": 7}, annotations=notes)
    assert claimed(bot, CLUSTER, "q3v9zk", copy) == Adopt("q3v9zk", above=7)
    assert claimed(adopting("q3v9zk@2/3"), CLUSTER, "q3v9zk", copy) == Adopt("q3v9zk", above=0)


def test_consent_to_one_copy_is_none_to_the_next():
    """An annotation that stands since the last fail-over, or since another bot's ledger was taken, adopts nothing."""
    copy = Claim(
        "q3v9zk", CLUSTER, "trading", "btc", Elsewhere("ledger q3v9zk, server 2, timeline 3", "server 2, timeline 4")
    )
    for old in ("q3v9zk", "q3v9zk@2/3", "q3v9zk@"):
        assert claimed(adopting(old), CLUSTER, "q3v9zk", copy).reason == "LedgerMoved"
    theirs = replace(copy, name="eth")
    assert claimed(adopting("q3v9zk"), CLUSTER, "q3v9zk", theirs).reason == "LedgerClaimed"
    assert claimed(adopting("q3v9zk@2/4"), CLUSTER, "q3v9zk", theirs) == Adopt("q3v9zk", above=0)
    assert minted(adopting("q3v9zk@2/4"), CLUSTER, "fresh1", copy) == "q3v9zk"


def test_a_bot_without_an_id_gets_a_fresh_one_only_for_an_empty_database():
    """One that was made anew finds its ledger there: it is told how to have it back, and nothing is made."""
    own = Claim("q3v9zk", CLUSTER, "trading", "btc")
    assert minted(make.bot(make.LIVE), CLUSTER, "fresh1", None) == "fresh1"
    assert minted(adopting("q3v9zk"), CLUSTER, "fresh1", own) == "q3v9zk"
    assert minted(make.bot(make.LIVE), CLUSTER, "fresh1", own) == Keep(
        "LedgerClaimed",
        "spec.database.postgres.ownerSecretRef: the database holds ledger q3v9zk of TradingBot trading/btc,"
        " and this bot has none yet; name a database of the bot's own, or annotate the bot with"
        " tradingbot.io/adopt-ledger=q3v9zk"
        " once nobody trades on that one",
        10.0,
    )
    assert minted(adopting("aaaaaa"), CLUSTER, "fresh1", own).reason == "LedgerClaimed"


def test_an_adopted_ledger_that_is_not_there_is_named():
    """An empty database is not begun anew under the name of another ledger."""
    assert minted(adopting("q3v9zk"), CLUSTER, "fresh1", None) == Keep(
        "LedgerMissing",
        "metadata.annotations[tradingbot.io/adopt-ledger]: 'q3v9zk' is not in the database of"
        " spec.database.postgres.fencerSecretRef, which holds no ledger that can be read; restore it there, or take the"
        " annotation away to begin a new one",
        10.0,
    )


def test_a_failed_migration_speaks_for_itself():
    """Its own last words are the message; without any, where to read on."""
    said = refused("btc-migrate-0123456789", Migration(JobState.FAILED, "schema 0003 would shut out the active colour"))
    assert said == Keep("MigrationRefused", "schema 0003 would shut out the active colour", 10.0)
    silent = refused("btc-migrate-0123456789", Migration(JobState.FAILED))
    assert silent.message == "Job btc-migrate-0123456789 failed; read the log of its pod"


def test_an_embedded_ledger_is_asked_at_the_active_pod_first():
    """Then at any other that has an address; one that is going comes last."""
    bot = make.bot(status={"active": {"colour": "green"}})
    pods = (
        make.pod(name="a", colour="blue", ip="10.0.0.1"),
        make.pod(name="b", colour="green", ip="fd00::2"),
        make.pod(name="c", colour="green", ip="10.0.0.3", deleting=True),
        make.pod(name="d", colour="green", ip=None),
    )
    assert urls(bot, make.observed(pods=pods), 8000) == (
        "http://[fd00::2]:8000",
        "http://10.0.0.3:8000",
        "http://10.0.0.1:8000",
    )
    assert urls(make.bot(), make.observed(pods=pods[:1]), 8000) == ("http://10.0.0.1:8000",)

"""What a ledger on a server adds to a bot's objects: the logins, the mount of each colour, the migration."""

import make_operator as make
from tradingbot_operator.domain.address import Address
from tradingbot_operator.domain.ledger import Login
from tradingbot_operator.render.migration import Change, adoption, migration
from tradingbot_operator.render.revision import content
from tradingbot_operator.render.secret import ledger_secret
from tradingbot_operator.render.workload import deployment

FENCER = Address("fencer", "f", "postgresql://db.example:5432/bots?sslmode=require")
OWNER = Login("owner", True, Address("owner", "o", FENCER.place), "11")
SPEC = {**make.MINIMAL, "database": make.LIVE["database"]}
CHANGE = Change("q3v9zk", OWNER, "fencer", "0002")


def template(spec=None):
    bot = make.bot(spec or SPEC)
    return content(bot, bot.spec, make.SITE, "r1")["template"]


def job(change=CHANGE, spec=None):
    return migration(make.bot(SPEC), template(spec), change)


def test_secret_holds_the_login_of_each_role():
    """One address for each, at the place the fencer's leads to."""
    secret = ledger_secret(make.bot(SPEC), "q3v9zk", FENCER, ("b", "g", "t@"))
    assert secret["metadata"]["name"] == "btc-ledger"
    assert secret["metadata"]["ownerReferences"][0]["uid"] == make.UID
    assert secret["stringData"] == {
        "blue": "postgresql://tb_q3v9zk_blue:b@db.example:5432/bots?sslmode=require",
        "green": "postgresql://tb_q3v9zk_green:g@db.example:5432/bots?sslmode=require",
        "task": "postgresql://tb_q3v9zk_task:t%40@db.example:5432/bots?sslmode=require",
    }


def test_each_colour_mounts_its_own_login():
    """The template is the same for both; where it runs decides whose login it reads."""
    for colour in ("blue", "green"):
        pod = deployment(make.bot(SPEC), template(), 1, colour)["spec"]["template"]["spec"]
        volume = next(each for each in pod["volumes"] if each["name"] == "database")
        assert volume["secret"] == {
            "secretName": "btc-ledger",
            "defaultMode": 0o440,
            "items": [{"key": colour, "path": "url"}],
        }
        mounts = {each["name"]: each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
        assert mounts["database"] == "/etc/tradingbot/secrets/database"


def test_embedded_bot_mounts_no_login():
    """Control: without a server there is no such Secret."""
    pod = deployment(make.bot(), template(make.MINIMAL), 1)["spec"]["template"]["spec"]
    assert "database" not in {each["name"] for each in pod["volumes"]}


def test_migration_has_a_name_of_its_own_for_each_change():
    """Another image, another code or a changed login is another Job; the same change is the same Job."""
    names = {
        job()["metadata"]["name"],
        job(Change("q3v9zk", OWNER, "fencer", None))["metadata"]["name"],
        job(Change("q3v9zk", Login("owner", True, OWNER.address, "99"), "fencer", "0002"))["metadata"]["name"],
        job(spec={**SPEC, "image": "registry.example/bot:2"})["metadata"]["name"],
    }
    assert len(names) == 4
    assert job()["metadata"]["name"] == job()["metadata"]["name"]
    assert len(job()["metadata"]["name"]) == len("btc-migrate-0123456789")


def test_migration_without_a_trader_names_no_code():
    """Nobody could be shut out."""
    command = job(Change("q3v9zk", OWNER, "fencer", None))["spec"]["template"]["spec"]["containers"][0]["command"]
    assert command == ["atb", "db", "migrate", "--ledger-id", "q3v9zk", "--fencer", "fencer"]


def test_no_service_of_the_bot_leads_to_its_migration():
    """The Job's pod has none of the labels that select a bot's pods."""
    labels = job()["spec"]["template"]["metadata"]["labels"]
    assert not [each for each in labels if each.startswith("tradingbot.io/")]
    assert "app.kubernetes.io/managed-by" not in labels


def test_migration_sees_the_owner_and_no_other_secret():
    """Neither the keys of the venue nor the tokens of the API are mounted into it."""
    sandbox = {**make.SANDBOX, "database": make.LIVE["database"]}
    pod = job(spec=sandbox)["spec"]["template"]["spec"]
    assert [each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each] == ["owner"]
    assert {each["name"] for each in pod["volumes"]} == {"settings", "tmp", "owner"}


def test_adoption_is_the_same_job_with_another_command():
    """Same image, same rights, same owner's login."""
    adopts, migrates = adoption(make.bot(SPEC), template(), CHANGE), job()
    container = adopts["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["atb", "db", "adopt", "--ledger-id", "q3v9zk"]
    assert adopts["metadata"]["name"].startswith("btc-adopt-")
    container["command"] = migrates["spec"]["template"]["spec"]["containers"][0]["command"]
    assert adopts["spec"] == migrates["spec"]

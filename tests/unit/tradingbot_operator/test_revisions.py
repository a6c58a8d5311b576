"""Other keys in the Secret are another revision; nothing else about keys touches a pod."""

from dataclasses import replace

import make_operator as make
from tradingbot_operator.domain.observed import Keys
from tradingbot_operator.domain.plan import Run
from tradingbot_operator.domain.revision import keyed_name, keys_fingerprint, revision_name
from tradingbot_operator.plan.decide import decide
from tradingbot_operator.render.bundle import Given, render
from tradingbot_operator.render.revision import keyed

BOT = make.bot(make.SANDBOX)
REQUEST = revision_name(BOT.spec)
FIRST, SECOND = keyed_name(REQUEST, "k1"), keyed_name(REQUEST, "k2")
OLD = make.revision(1, REQUEST)
KEYED = make.revision(1, FIRST, request=REQUEST, keys="k1")


def run(*history, keys="k1", spec=None, status=None):
    seen = make.observed(revisions=history, keys=Keys("keys", bool(keys), (), keys))
    return decide(make.bot(spec or make.SANDBOX, status), seen, make.SITE, make.NOW).action


def template(run, recorded=None):
    made = render(
        BOT,
        BOT.spec,
        run,
        make.layout(run),
        Given(make.SITE, make.TOKENS, {run.revision: recorded} if recorded else {}),
    )
    return made.held[-1]["spec"]["template"]


def data(run):
    return render(BOT, BOT.spec, run, make.layout(run), Given(make.SITE, make.TOKENS)).held[-2]["data"]


def test_fingerprint_changes_with_the_keys_and_says_nothing_about_them():
    """Ten hex digits of the data, and others for another bot with the same keys."""
    keys = {"apiKey": "YQ==", "secret": "Yg=="}
    assert keys_fingerprint("u1", keys) == "10c2c6346f"
    assert len({keys_fingerprint("u1", keys), keys_fingerprint("u2", keys), keys_fingerprint("u1", {})}) == 3


def test_first_revision_of_a_bot_with_keys_is_named_with_them():
    """Request and keys are noted beside the name, so that a change of either is told from the other."""
    assert run() == Run(FIRST, 1, 1, request=REQUEST, keys="k1")
    record = render(BOT, BOT.spec, run(), make.layout(run()), Given(make.SITE, make.TOKENS)).held[-2]
    assert record["metadata"]["annotations"]["tradingbot.io/request"] == REQUEST
    assert record["metadata"]["annotations"]["tradingbot.io/keys"] == "k1"
    assert template(run())["metadata"]["annotations"]["tradingbot.io/keys"] == "k1"


def test_same_keys_are_the_same_revision():
    """Looking again changes nothing."""
    assert run(KEYED) == Run(FIRST, 1, 1, request=REQUEST, keys="k1")


def test_other_keys_are_a_new_revision_made_of_the_one_before():
    """The pod is restarted with nothing else changed, whatever a newer operator would render."""
    second = run(KEYED, keys="k2")
    assert second == Run(SECOND, 2, 1, request=REQUEST, keys="k2", source=FIRST)
    recorded = data(run())
    old, new = template(run(), recorded), template(second, keyed(recorded, second))
    assert new["metadata"]["annotations"].pop("tradingbot.io/keys") == "k2"
    assert old["metadata"]["annotations"].pop("tradingbot.io/keys") == "k1"
    assert new["metadata"]["annotations"] == old["metadata"]["annotations"]
    assert new["metadata"]["labels"].pop("tradingbot.io/revision") == SECOND
    assert old["metadata"]["labels"].pop("tradingbot.io/revision") == FIRST
    assert new["metadata"]["labels"] == old["metadata"]["labels"]
    variables = {each["name"]: each.get("value") for each in new["spec"]["containers"][0]["env"]}
    assert variables["TRADINGBOT_REVISION"] == SECOND
    old["spec"]["containers"][0].pop("env")
    new["spec"]["containers"][0].pop("env")
    assert new["spec"] == old["spec"]


def test_keys_that_come_back_are_the_old_revision_again():
    """It is the newest of the history again."""
    both = (KEYED, make.revision(2, SECOND, request=REQUEST, keys="k2"))
    assert run(*both) == Run(FIRST, 3, 1, request=REQUEST, keys="k1")


def test_revision_of_an_older_operator_is_taken_to_have_had_these_keys():
    """An upgrade of the operator restarts no pod: the template is as it was recorded, the keys are noted beside it."""
    adopted = run(OLD)
    assert adopted == Run(REQUEST, 1, 1, request=REQUEST, keys="k1")
    recorded = data(Run(REQUEST, 1, 1))
    assert template(adopted, recorded) == template(Run(REQUEST, 1, 1), recorded)
    assert "tradingbot.io/keys" not in template(adopted, recorded)["metadata"]["annotations"]
    noted = render(
        BOT, BOT.spec, adopted, make.layout(adopted), Given(make.SITE, make.TOKENS, {adopted.revision: recorded})
    ).held[-2]
    assert noted["metadata"]["annotations"]["tradingbot.io/keys"] == "k1"
    assert noted["data"] == recorded


def test_keys_that_change_after_an_upgrade_are_a_new_revision():
    """What was noted once is compared from then on."""
    noted = replace(OLD, keys="k1")
    assert run(noted) == Run(REQUEST, 1, 1, request=REQUEST, keys="k1")
    assert run(noted, keys="k2").revision == SECOND


def test_rollback_of_the_spec_keeps_the_newest_keys():
    """Old parameters never bring old keys back."""
    other = make.revision(2, "x" * 20)
    assert run(KEYED, other, keys="k2") == Run(SECOND, 3, 1, request=REQUEST, keys="k2", source=FIRST)


def test_keys_of_a_suspended_bot_may_be_away():
    """Nothing runs, so nothing changes; the Secret may be replaced at leisure."""
    suspended = {**make.SANDBOX, "suspend": True}
    assert run(KEYED, keys="", spec=suspended) == Run(FIRST, 1, 0, request=REQUEST, keys="k1")
    assert run(keys="", spec=suspended) == Run(REQUEST, 1, 0, request=REQUEST)

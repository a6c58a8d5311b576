"""Tasks of type dataRefresh: a Job asks the venue for the past of markets and keeps it on a claim."""

import pytest

import make_operator as make
from tradingbot_operator.plan.tasks import ledgerless, refusal
from tradingbot_operator.render.refreshing import refreshing
from tradingbot_operator.render.training import job_name

ASKED = {"action": "prefill", "symbols": "BTCUSDT, ETHUSDT", "timeframes": "1h 4h", "years": "2"}


def task(target="past", **parameters):
    aimed = {"target": target} if target else {}
    return make.task({"bot": "btc", "type": "dataRefresh", "parameters": parameters, **aimed})


def test_each_value_stands_in_one_word_with_its_flag():
    """So that no value can be a flag of its own."""
    (container,) = refreshing(task(**ASKED), make.bot(), make.BOT_POD)["spec"]["template"]["spec"]["containers"]
    assert container["command"] == [
        *("atb", "data", "prefill-cache", "--last-word"),
        *("--symbols=BTCUSDT", "--symbols=ETHUSDT", "--timeframes=1h", "--timeframes=4h", "--years=2"),
    ]


def test_without_parameters_the_bots_own_market_is_asked_for():
    """What is left out is what the command takes by itself."""
    (container,) = refreshing(task(action="prefill"), make.bot(), make.BOT_POD)["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["command"] == ["atb", "data", "prefill-cache", "--last-word"]


def test_the_claim_is_written_where_recordings_are_looked_for():
    """Neither keys nor the bot's own volume are mounted."""
    made = refreshing(task(**ASKED), make.bot(), make.BOT_POD)
    pod = made["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert [each["name"] for each in container["volumeMounts"]] == ["settings", "data", "recordings"]
    assert container["volumeMounts"][-1] == {"name": "recordings", "mountPath": "/data/cache"}
    assert pod["volumes"][-1] == {"name": "recordings", "persistentVolumeClaim": {"claimName": "past"}}
    assert (container["name"], made["metadata"]["name"]) == ("refresh", job_name(task(**ASKED)))
    assert made["metadata"]["name"].startswith("btc-refresh-")
    assert made["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] == "tradingbot-refresh"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (task(), "spec.parameters.action: '' is not known; write prefill, filters, fees, universe"),
        (task(action="paint"), "spec.parameters.action: 'paint' is not known; write prefill, filters, fees, universe"),
        (
            task(action="prefill", symbol="BTCUSDT"),
            "spec.parameters: 'symbol' does not go with prefill; write action, symbols, timeframes, years",
        ),
        (task(None, action="fees", years="2"), "spec.parameters: 'years' does not go with fees; write action"),
        (task(action="fees"), "spec.target: only prefill keeps something on a claim; leave it out"),
        (
            task(None, action="prefill"),
            "spec.target: name the PersistentVolumeClaim that is to keep the bars; without one they end with the Job",
        ),
    ],
)
def test_what_cannot_be_refreshed_is_refused_with_the_cure(asked, said):
    """One sentence, and nothing begins."""
    refused = refusal(asked, True, make.NOW)
    assert (refused.reason, refused.message) == ("SpecRejected", said)


def test_a_refresh_that_says_what_and_where_is_taken():
    assert refusal(task(**ASKED), True, make.NOW) is None
    assert refusal(task(None, action="universe"), True, make.NOW) is None


@pytest.fixture
def served():
    """The pod of a bot whose ledger is on a server."""
    spec = make.BOT_POD["spec"]
    (own,) = spec["containers"]
    mounts = [*own["volumeMounts"], {"name": "database", "mountPath": "/etc/tradingbot/secrets/database"}]
    login = {"secretName": "btc-ledger", "items": [{"key": "blue", "path": "url"}]}
    volumes = [*spec["volumes"], {"name": "database", "secret": login}]
    return {"spec": {**spec, "containers": [{**own, "volumeMounts": mounts}], "volumes": volumes}}


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("filters", ["fetch-filters", "--universe"]),
        ("fees", ["refresh-fees"]),
        ("universe", ["universe"]),
    ],
)
def test_what_goes_into_the_ledger_is_written_with_the_login_of_tasks(action, words, served):
    """Neither with a colour's, under which a trader trades, nor with the keys of the account."""
    pod = refreshing(task(None, action=action), make.bot(), served)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["command"] == ["atb", "data", *words, "--last-word"]
    assert [each["name"] for each in container["volumeMounts"]] == ["settings", "data", "database"]
    login = {"secretName": "btc-ledger", "items": [{"key": "task", "path": "url"}]}
    assert pod["volumes"][-1] == {"name": "database", "secret": login}
    assert ledgerless(task(None, action=action), served["spec"]["volumes"]) is None


def test_a_ledger_in_a_file_is_the_bots_alone():
    """What to do instead is said; what keeps bars on a claim needs no ledger."""
    volumes = make.BOT_POD["spec"]["volumes"]
    said = "the ledger is a file of the bot's pod; run atb data fetch-filters --universe there"
    assert ledgerless(task(None, action="filters"), volumes) == said
    assert ledgerless(task(**ASKED), volumes) is None
    assert ledgerless(make.task({"bot": "btc", "type": "train", "parameters": {"action": "fees"}}), volumes) is None

"""Every rule of the resource definitions refuses its sample on a real API server, and says the cure."""

import copy

import pytest

import apiserver
import applied
import make_operator as make
from tradingbot_operator.crd import rules
from tradingbot_operator.crd.definitions import bottasks, tradingbots

BOTS = "/apis/tradingbot.io/v1alpha1/namespaces/default/tradingbots"
TASKS = "/apis/tradingbot.io/v1alpha1/namespaces/default/bottasks"
APPLY = "application/apply-patch+yaml"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An API server that serves both definitions."""
    with apiserver.running(tmp_path_factory.mktemp("apiserver")) as running:
        for definition in (tradingbots(), bottasks()):
            applied.established(running, definition)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
        running.request("POST", "/api/v1/namespaces", namespace)
        yield running


def changed(base, path, value):
    """*base* with the field at the dotted *path* set, or taken away when *value* is None."""
    spec = copy.deepcopy(base)
    node = spec
    *parents, last = path.split(".")
    for parent in parents:
        node = node.setdefault(parent, {})
    if value is None:
        del node[last]
    else:
        node[last] = value
    return spec


def tried(server, spec, name="sample", kind="TradingBot", path=BOTS, dry="?dryRun=All"):
    body = {"apiVersion": "tradingbot.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    return server.request("POST", path + dry, body)


AUTONOMOUS = {
    "configMode": "autonomous",
    "autonomous": {"maxCapital": "10000", "timeframe": "5 mins", "symbols": "BTC/USD, ETH/USD"},
}
REFUSED = {
    "expert-complete": (
        {"exchange": make.MINIMAL["exchange"]},
        "spec.exchange",
        "set both, or configMode to autonomous and its three parameters",
    ),
    "autonomous-parameters": (
        {**make.MINIMAL, "autonomous": AUTONOMOUS["autonomous"]},
        "spec.autonomous",
        "configMode autonomous and the part autonomous go together; set both, or neither",
    ),
    "autonomous-derives": (
        {**AUTONOMOUS, "risk": {"maxDailyLoss": "50"}},
        "spec.configMode",
        "which derives exchange, strategy, strategies, engine, capital, risk; remove them, or set configMode to expert",
    ),
    "autonomous-paper": (
        {**AUTONOMOUS, "mode": "live"},
        "spec.configMode",
        "which is never live; set configMode to expert and write down every limit",
    ),
    "live-database": (
        changed(changed(make.LIVE, "database.postgres", None), "database.mode", "embedded"),
        "spec.database",
        "set database.mode to postgres or managed",
    ),
    "live-credentials": (
        changed(make.LIVE, "exchange.credentialsSecretRef", None),
        "spec.exchange",
        "set exchange.credentialsSecretRef",
    ),
    "live-risk": (changed(make.LIVE, "risk.maxDailyLoss", None), "spec.risk", "maxDailyLoss or maxDailyLossPercent"),
    "live-risk-enabled": (
        changed(make.LIVE, "risk.enabled", False),
        "spec.risk.enabled",
        "mode is live and risk.enabled is false; set it to true, or mode to paper",
    ),
    "live-contacts": (changed(make.LIVE, "contacts", None), "spec.contacts", "name at least one contact"),
    "live-acknowledged": (
        changed(make.LIVE, "safety", None),
        "spec.mode",
        "set safety.acknowledgeLiveRisk to true when that is meant",
    ),
    "sandbox-paper": (
        changed(make.SANDBOX, "mode", "sim"),
        "spec.exchange.sandbox",
        "mode is 'sim'; set mode to paper, or sandbox to false",
    ),
    "sandbox-address": (
        changed(make.SANDBOX, "exchange.endpoint", "https://API4.binance.com/"),
        "spec.exchange.endpoint",
        "is 'https://API4.binance.com/', where money is real; write the address of the venue's sandbox",
    ),
    "paper-keys": (
        changed(make.SANDBOX, "exchange.sandbox", False),
        "spec.exchange.credentialsSecretRef",
        "remove them, or set exchange.sandbox to true",
    ),
    "rising-keys": (
        changed(make.SANDBOX, "exchange.name", "kraken"),
        "spec.exchange.credentialsSecretRef",
        "set blue and green of credentialsSecretRef, or rollout.strategy to Recreate",
    ),
    "order-within-position": (
        changed(make.MINIMAL, "risk.maxOrderNotional", "2000.5"),
        "spec.risk.maxOrderNotional",
        "maxOrderNotional '2000.5' exceeds maxPositionNotional '2000'; use at most that",
    ),
    "one-currency": (
        changed(make.MINIMAL, "exchange.symbols", ["BTC/USDT", "ETH/BTC"]),
        "spec.exchange.symbols",
        "not quoted in USDT; trade it with another bot",
    ),
    "storage-size": (
        changed(make.MINIMAL, "storage.size", "5Gi"),
        "spec.storage.size",
        "storage.size is '5Gi'; use at least 10Gi, or set profile to dev",
    ),
    "credentials-colours": (
        changed(make.SANDBOX, "exchange.credentialsSecretRef", {"blue": "keys"}),
        "spec.exchange.credentialsSecretRef",
        "blue and green for one key per colour",
    ),
    "symbols-unique": (
        changed(make.MINIMAL, "exchange.symbols", ["BTC/USDT", "BTC/USDT"]),
        "spec.exchange.symbols",
        "list each symbol once",
    ),
    "check-interval": (
        changed(make.MINIMAL, "engine.checkInterval", "4s"),
        "spec.engine.checkInterval",
        "checkInterval is '4s'; use at least 5s",
    ),
    "postgres-server": (changed(make.MINIMAL, "database.mode", "postgres"), "spec.database", "set both, or neither"),
    "managed-server": (
        changed(make.MINIMAL, "database.managed", {}),
        "spec.database",
        "set mode to managed, or remove it",
    ),
    "backup-destination": (
        changed(make.MINIMAL, "backup", {"schedule": "0 3 * * *", "destination": {}}),
        "spec.backup.destination",
        "set exactly one destination: s3 or claim",
    ),
    "contact-reachable": (
        changed(make.MINIMAL, "contacts", [{"name": "ann"}]),
        "spec.contacts[0]",
        "contact 'ann' cannot be reached; set email, phone or url",
    ),
    "gate-job": (
        changed(make.MINIMAL, "rollout.gates", [{"name": "smoke", "job": {"command": ["check"]}}]),
        "spec.rollout.gates[0]",
        "gate 'smoke' does not go with what it has of a job; gate job has one, and no other",
    ),
    "analysis-question": (
        changed(make.MINIMAL, "rollout.analysis", [{"name": "errors", "threshold": "0.05"}]),
        "spec.rollout.analysis[0]",
        "analysis 'errors' needs either a query or a job; set one of them",
    ),
    "analysis-colours": (
        changed(make.ANALYSED, "rollout.analysis", [{"name": "errors", "query": "up", "threshold": "0.05"}]),
        "spec.rollout.analysis[0]",
        "analysis 'errors' cannot tell two colours apart; set threshold, and use $colour in the query",
    ),
    "analysis-prometheus": (
        changed(make.ANALYSED, "monitoring", None),
        "spec.monitoring",
        "set monitoring.prometheus to the address of Prometheus",
    ),
    "strategies-named": (
        {**make.SEVERAL, "strategies": [{"name": "sma_cross", "symbols": ["ETH/USDT"]}]},
        "spec.strategies",
        "strategies names 'sma_cross', which is the strategy of the other markets; name each one once",
    ),
    "strategies-markets": (
        {**make.SEVERAL, "strategies": [{"name": "rsi", "symbols": ["SOL/USDT"]}]},
        "spec.strategies",
        "strategies lists a market that is not in exchange.symbols; add it there",
    ),
    "parameter-secret-other": (
        {**make.SEVERAL, "strategies": [{**make.SEVERAL["strategies"][0], "parameters": {"token": "x"}}]},
        "spec.strategies[0].parameters",
        "keys belong into a Secret",
    ),
    "parameter-secret": (
        changed(make.MINIMAL, "strategy.parameters", {"apiKey": "x"}),
        "spec.strategy.parameters",
        "keys belong into a Secret",
    ),
}

NAMES = {
    "name-length": ("b" * 41, "use at most 40"),
    "name-suffix": ("btc-green", "do not end it in -blue, -green, -ops, -api or -data"),
    "name-digit": ("1btc", "begin it with a letter"),
}

CHANGES = {
    "storage-shrink": (
        changed(make.MINIMAL, "storage.size", "40Gi"),
        changed(make.MINIMAL, "storage.size", "20Gi"),
        "storage.size is '20Gi' and was '40Gi'; a claim cannot shrink, keep or raise it",
    ),
    "exchange-identity": (
        make.MINIMAL,
        changed(make.MINIMAL, "exchange.name", "kraken"),
        "exchange.name is 'kraken' and was 'binance'; suspend the bot first, then change it",
    ),
    "database-identity": (
        make.MINIMAL,
        changed(make.MINIMAL, "database", make.LIVE["database"]),
        "suspend the bot first, then change it",
    ),
}

FORMS = {
    "exchange.name": ("Binance!", "'Binance!' is not the name of a venue; write it as ccxt does, such as binance"),
    "exchange.symbols": (["BTCUSDT"], "'BTCUSDT' is not a trading symbol; write base and quote in capitals"),
    "exchange.endpoint": ("http://me:secret@host", "is not an address without credentials"),
    "exchange.proxy": ("host:3128", "is not an address without credentials"),
    "strategy.name": ("SMA", "'SMA' is not a name; write lower-case letters, digits and _"),
    "capital.initial": (
        "1,000",
        "'1,000' is not a decimal above zero; write digits with an optional fraction in quotes",
    ),
    "capital.currency": ("usdt", "'usdt' is not a coin; write capitals and digits, such as USDT"),
    "risk.maxDrawdownPercent": ("10%", "'10%' is not a percentage; write a decimal above 0 and up to 100"),
    "risk.maxOrderNotional": ("0", "'0' is not a decimal above zero"),
    "risk.staleAfter": ("2 minutes", "'2 minutes' is not a duration; write a whole number with s, m or h"),
    "tradingDay.reset": ("24:00", "'24:00' is not a time of day; write hours and minutes in quotes"),
    "tradingDay.hours": ("9-5", "'9-5' is not the hours of a market; write days and times in quotes"),
    "tradingDay.holidays": (["Christmas"], "'Christmas' is not a day; write year, month and day in quotes"),
    "tradingDay.timezone": ("Berlin time", "'Berlin time' is not a time zone; write an IANA name"),
    "storage.size": ("20 GB", "'20 GB' is not a size; write a whole number with Mi, Gi or Ti"),
    "storage.className": ("Fast", "'Fast' is not the name of a Kubernetes object"),
    "image": ("Tradingbot", "'Tradingbot' is not an image reference; write registry/name:tag"),
    "deletion.deadline": ("forever", "'forever' is not a duration; write a whole number with s, m, h or d"),
    "backup": (
        {"schedule": "daily", "destination": {"claim": "b"}},
        "'daily' is not a schedule; write five cron fields",
    ),
    "resources": ({"limits": {"memory": "4 GB"}}, "not a quantity; write a number with a unit of Kubernetes"),
}


@pytest.mark.parametrize("id_", sorted(REFUSED))
def test_rule_refuses_its_sample(server, id_):
    """The sample of a rule is refused, the field is named, and the sentence holds the cure."""
    spec, field, cure = REFUSED[id_]
    code, answer = tried(server, spec)
    assert code == 422
    assert field in {cause["field"] for cause in answer["details"]["causes"]}
    assert cure in answer["message"]


@pytest.mark.parametrize("id_", sorted(NAMES))
def test_name_rule_refuses_its_sample(server, id_):
    """A name that leaves no room for its objects, or takes that of another bot's, is refused."""
    name, cure = NAMES[id_]
    code, answer = tried(server, make.MINIMAL, name)
    assert code == 422
    assert "metadata.name" in {cause["field"] for cause in answer["details"]["causes"]}
    assert cure in answer["message"]


@pytest.mark.parametrize("id_", sorted(CHANGES))
def test_change_is_refused_while_the_bot_runs_and_accepted_when_it_may(server, id_):
    """What names the ledger or the account changes only while suspended; a claim never shrinks."""
    before, after, cure = CHANGES[id_]
    name = id_.replace("-", "") + "x"
    assert tried(server, before, name, dry="")[0] == 201
    path = f"{BOTS}/{name}"
    code, answer = server.request("PATCH", path, {"spec": after}, "application/merge-patch+json")
    assert code == 422
    assert cure in answer["message"]
    if id_ == "storage-shrink":
        return
    assert server.request("PATCH", path, {"spec": {"suspend": True}}, "application/merge-patch+json")[0] == 200
    assert server.request("PATCH", path, {"spec": after}, "application/merge-patch+json")[0] == 200


@pytest.mark.parametrize("field", sorted(FORMS))
def test_form_refuses_with_value_and_cure(server, field):
    """A value in a wrong form is refused by naming the value and how to write it."""
    value, sentence = FORMS[field]
    code, answer = tried(server, changed(make.SANDBOX, field, value))
    assert code == 422
    assert sentence in answer["message"]


AUTONOMOUS_FORMS = {
    "maxCapital": ("0.5", "'0.5' is not an amount of at least 1"),
    "timeframe": ("7 mins", "'7 mins' is not the length of a candle; write 1, 3, 5, 15 or 30 mins"),
    "symbols": ("BTC USD", "'BTC USD' is not a list of at most 20 markets; write them with commas"),
}


@pytest.mark.parametrize("field", sorted(AUTONOMOUS_FORMS))
def test_a_parameter_in_a_wrong_form_is_refused(server, field):
    """Each of the three, with the value and the cure."""
    value, sentence = AUTONOMOUS_FORMS[field]
    code, answer = tried(server, changed(AUTONOMOUS, f"autonomous.{field}", value))
    assert code == 422
    assert sentence in answer["message"]


def test_float_is_refused(server):
    """Money is never a float: it must be a string."""
    code, answer = tried(server, changed(make.MINIMAL, "capital.initial", 1000.5))
    assert code == 422
    assert 'must be of type string: "number"' in answer["message"]


def test_unknown_field_is_refused_by_strict_validation(server):
    """A misspelt field is an error for kubectl, which validates strictly."""
    body = {
        "apiVersion": "tradingbot.io/v1alpha1",
        "kind": "TradingBot",
        "metadata": {"name": "sample"},
        "spec": {**make.MINIMAL, "modus": "paper"},
    }
    code, answer = server.request("POST", f"{BOTS}?dryRun=All&fieldValidation=Strict", body)
    assert code == 400
    assert 'unknown field "spec.modus"' in answer["message"]


@pytest.mark.parametrize(
    "spec",
    [
        AUTONOMOUS,
        make.SEVERAL,
        make.MINIMAL,
        make.SANDBOX,
        make.LIVE,
        changed(changed(make.MINIMAL, "storage.size", "5Gi"), "profile", "dev"),
    ],
)
def test_good_spec_is_accepted(server, spec):
    """Three fields are enough for a paper bot; a sandbox bot and a complete live bot are accepted as well."""
    code, answer = tried(server, spec)
    assert code == 201, answer


def test_unseen_bot_reports_generation_minus_one(server):
    """Whoever waits for a bot nobody has looked at waits: observedGeneration begins at -1."""
    code, answer = tried(server, make.MINIMAL, "unseen", dry="")
    assert code == 201
    assert answer["status"] == {"observedGeneration": -1}


def test_no_field_of_a_spec_is_defaulted(server):
    """Defaults live in the operator, so that a newer definition never changes a stored bot."""
    _, answer = tried(server, make.MINIMAL)
    assert answer["spec"] == make.MINIMAL


TASK_REFUSED = {
    "task-expiry": ({"bot": "btc", "type": "flatten"}, "type is 'flatten' and notAfter is missing"),
    "task-target": (
        {"bot": "btc", "type": "restore", "notAfter": "2026-11-21T15:00:00Z"},
        "name the backup to restore",
    ),
}


@pytest.mark.parametrize("id_", sorted(TASK_REFUSED))
def test_task_rule_refuses_its_sample(server, id_):
    """A task that could run too late, or on nothing, is refused."""
    spec, cure = TASK_REFUSED[id_]
    code, answer = tried(server, spec, kind="BotTask", path=TASKS)
    assert code == 422
    assert cure in answer["message"]


def test_task_with_a_long_name_is_refused(server):
    """Jobs are named after tasks, so their names leave room."""
    code, answer = tried(server, {"bot": "btc", "type": "backup"}, "t" * 53, "BotTask", TASKS)
    assert code == 422
    assert "use at most 52" in answer["message"]


def test_task_never_changes(server):
    """The spec of a task is what was asked, for ever."""
    spec = {"bot": "btc", "type": "backup", "notAfter": "2026-11-21T15:00:00Z"}
    assert tried(server, spec, "fixed", "BotTask", TASKS, "")[0] == 201
    patch = {"spec": {"type": "rollback"}}
    code, answer = server.request("PATCH", f"{TASKS}/fixed", patch, "application/merge-patch+json")
    assert code == 422
    assert "a task never changes; create a new BotTask instead" in answer["message"]


def test_every_rule_has_a_refused_sample():
    """No rule stands in the definitions that no sample proves."""
    proved = {*REFUSED, *NAMES, *CHANGES, *TASK_REFUSED, "task-name", "task-immutable"}
    assert proved == {rule.id for rule in (*rules.TRADINGBOT, *rules.BOTTASK)}

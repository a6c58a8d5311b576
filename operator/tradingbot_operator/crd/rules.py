"""The rules a schema alone cannot say, as data. The cost of each is estimated by the API server and must stay low."""

from tradingbot_operator.crd.modes import MODES
from tradingbot_operator.crd.rule import Rule
from tradingbot_operator.domain.realmoney import PRACTICE, VENUES, pattern

LIVE = "has(self.mode) && self.mode == 'live'"
REAL = (
    f"(self.exchange.endpoint.matches('{pattern(VENUES, below=True)}')"
    f" && !self.exchange.endpoint.matches('{pattern(tuple(sorted(PRACTICE)), below=False)}'))"
)
SANDBOX = "has(self.exchange) && has(self.exchange.sandbox) && self.exchange.sandbox"
KEYS = "(has(self.exchange) && has(self.exchange.credentialsSecretRef))"
SUSPENDED = "has(oldSelf.suspend) && oldSelf.suspend && has(self.suspend) && self.suspend"
LEDGER = "has({0}.database) && has({0}.database.mode) ? {0}.database.mode : 'embedded'"
VENUE = "(has({0}.exchange) ? {0}.exchange.name : 'derived')"
STORED = "has({0}.storage) && has({0}.storage.size) && isQuantity({0}.storage.size)"
LIMITS = (
    "has(self.risk) && has(self.risk.maxOrderNotional) && has(self.risk.maxPositionNotional)"
    " && has(self.risk.maxDrawdownPercent) && has(self.risk.maxOrdersPerMinute)"
    " && (has(self.risk.maxDailyLoss) || has(self.risk.maxDailyLossPercent))"
)
ORDER = "(has(self.maxOrderNotional) ? self.maxOrderNotional : '1000')"
POSITION = "(has(self.maxPositionNotional) ? self.maxPositionNotional : '2000')"
COIN = (
    "(has(self.capital) && has(self.capital.currency) ? self.capital.currency"
    " : has(self.exchange) ? self.exchange.symbols[0].split('/')[1] : '')"
)

# The API server cannot bound the length of a name, so these sentences hold no value: its own answer begins with it.
NAMES = (
    Rule(
        "name-length",
        "",
        "self.metadata.name.size() <= 40",
        "the name has more than 40 characters; use at most 40, since objects of the bot are named after it",
        field=".metadata.name",
    ),
    Rule(
        "name-suffix",
        "",
        "!['-blue', '-green', '-ops', '-api', '-data'].exists(end, self.metadata.name.endsWith(end))",
        "the name ends like an object of another bot; do not end it in -blue, -green, -ops, -api or -data",
        field=".metadata.name",
    ),
    Rule(
        "name-digit",
        "",
        "!['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'].exists(digit, self.metadata.name.startsWith(digit))",
        "the name begins with a digit and cannot name a Service; begin it with a letter",
        field=".metadata.name",
    ),
)

MONEY = (
    Rule(
        "live-database",
        "spec",
        f"!({LIVE}) || ({LEDGER.format('self')}) != 'embedded'",
        "mode is live and database.mode is embedded, which cannot fence; set database.mode to postgres or managed",
        field=".database",
    ),
    Rule(
        "live-credentials",
        "spec",
        f"!({LIVE}) || {KEYS}",
        "mode is live and no keys are given; set exchange.credentialsSecretRef",
        field=".exchange",
    ),
    Rule(
        "live-risk",
        "spec",
        f"!({LIVE}) || ({LIMITS})",
        "mode is live and limits are missing; set maxOrderNotional, maxPositionNotional, maxDrawdownPercent,"
        " maxOrdersPerMinute and maxDailyLoss or maxDailyLossPercent",
        field=".risk",
    ),
    Rule(
        "live-risk-enabled",
        "spec",
        f"!({LIVE}) || !has(self.risk) || !has(self.risk.enabled) || self.risk.enabled",
        "mode is live and risk.enabled is false; set it to true, or mode to paper",
        field=".risk.enabled",
    ),
    Rule(
        "live-contacts",
        "spec",
        f"!({LIVE}) || (has(self.contacts) && self.contacts.size() > 0)",
        "mode is live and nobody can be called; name at least one contact",
        field=".contacts",
    ),
    Rule(
        "live-acknowledged",
        "spec",
        f"!({LIVE}) || (has(self.safety) && has(self.safety.acknowledgeLiveRisk) && self.safety.acknowledgeLiveRisk)",
        "mode is live and trades real money; set safety.acknowledgeLiveRisk to true when that is meant",
        field=".mode",
    ),
    Rule(
        "sandbox-paper",
        "spec",
        f"!({SANDBOX}) || !has(self.mode) || self.mode == 'paper'",
        "exchange.sandbox is true and mode is '{}'; set mode to paper, or sandbox to false",
        ("self.mode",),
        ".exchange.sandbox",
    ),
    Rule(
        "sandbox-address",
        "spec",
        f"!({SANDBOX}) || (has(self.exchange.endpoint) && !{REAL})",
        "exchange.sandbox is true and exchange.endpoint is '{}', where money is real;"
        " write the address of the venue's sandbox",
        ("(has(self.exchange.endpoint) ? self.exchange.endpoint : '')",),
        ".exchange.endpoint",
    ),
    Rule(
        "paper-keys",
        "spec",
        f"!{KEYS} || ({LIVE}) || ({SANDBOX})",
        "UnsafeKeyPermissions: keys are given but this mode makes no private call; remove them,"
        " or set exchange.sandbox to true",
        field=".exchange.credentialsSecretRef",
    ),
    Rule(
        "rising-keys",
        "spec",
        f"!{KEYS} || self.exchange.name != 'kraken' || !has(self.exchange.credentialsSecretRef.name)"
        " || (has(self.rollout) && has(self.rollout.strategy) && self.rollout.strategy == 'Recreate')",
        "kraken refuses a key that two colours count with; set blue and green of credentialsSecretRef,"
        " or rollout.strategy to Recreate",
        field=".exchange.credentialsSecretRef",
    ),
    Rule(
        "order-within-position",
        "spec.risk",
        f"!isQuantity({ORDER}) || !isQuantity({POSITION}) || quantity({ORDER}).compareTo(quantity({POSITION})) <= 0",
        "maxOrderNotional '{}' exceeds maxPositionNotional '{}'; use at most that",
        (ORDER, POSITION),
        ".maxOrderNotional",
    ),
    Rule(
        "one-currency",
        "spec",
        f"!has(self.exchange) || self.exchange.symbols.all(s, s.endsWith('/' + {COIN}))",
        "a symbol is not quoted in {}; trade it with another bot",
        (COIN,),
        ".exchange.symbols",
    ),
)

STORAGE = (
    Rule(
        "storage-size",
        "spec",
        f"(has(self.profile) && self.profile == 'dev') || !({STORED.format('self')})"
        " || quantity(self.storage.size).compareTo(quantity('10Gi')) >= 0",
        "storage.size is '{}'; use at least 10Gi, or set profile to dev",
        ("self.storage.size",),
        ".storage.size",
    ),
    Rule(
        "storage-shrink",
        "spec",
        f"!({STORED.format('self')}) || !({STORED.format('oldSelf')})"
        " || quantity(self.storage.size).compareTo(quantity(oldSelf.storage.size)) >= 0",
        "storage.size is '{}' and was '{}'; a claim cannot shrink, keep or raise it",
        ("self.storage.size", "oldSelf.storage.size"),
        ".storage.size",
    ),
)

IDENTITY = (
    Rule(
        "exchange-identity",
        "spec",
        f"{VENUE.format('self')} == {VENUE.format('oldSelf')} || ({SUSPENDED})",
        "exchange.name is '{}' and was '{}'; suspend the bot first, then change it",
        (VENUE.format("self"), VENUE.format("oldSelf")),
        ".exchange.name",
    ),
    Rule(
        "database-identity",
        "spec",
        f"({LEDGER.format('self')}) == ({LEDGER.format('oldSelf')}) || ({SUSPENDED})",
        "database.mode differs from what the ledger is kept in; suspend the bot first, then change it",
        field=".database",
    ),
)

PARTS = (
    Rule(
        "credentials-colours",
        "spec.exchange.credentialsSecretRef",
        "has(self.name) ? !has(self.blue) && !has(self.green) : has(self.blue) && has(self.green)",
        "set name for one key, or blue and green for one key per colour",
    ),
    Rule(
        "symbols-unique",
        "spec.exchange",
        "self.symbols.all(s, self.symbols.exists_one(t, t == s))",
        "a symbol is listed twice; list each symbol once",
        field=".symbols",
    ),
    Rule(
        "check-interval",
        "spec.engine",
        "!has(self.checkInterval) || !self.checkInterval.matches('^[1-9][0-9]{0,5}(s|m|h)$')"
        " || duration(self.checkInterval) >= duration('5s')",
        "checkInterval is '{}'; use at least 5s",
        ("self.checkInterval",),
        ".checkInterval",
    ),
    Rule(
        "postgres-server",
        "spec.database",
        "has(self.postgres) == (has(self.mode) && self.mode == 'postgres')",
        "database.postgres and mode postgres go together; set both, or neither",
    ),
    Rule(
        "managed-server",
        "spec.database",
        "!has(self.managed) || (has(self.mode) && self.mode == 'managed')",
        "database.managed is set but mode is not managed; set mode to managed, or remove it",
    ),
    Rule(
        "backup-destination",
        "spec.backup.destination",
        "has(self.s3) != has(self.claim)",
        "set exactly one destination: s3 or claim",
    ),
    Rule(
        "contact-reachable",
        "spec.contacts.[]",
        "has(self.email) || has(self.phone) || has(self.url)",
        "contact '{}' cannot be reached; set email, phone or url",
        ("self.name",),
    ),
    Rule(
        "gate-job",
        "spec.rollout.gates.[]",
        "(self.name == 'job') == has(self.job)",
        "gate '{}' does not go with what it has of a job; gate job has one, and no other",
        ("self.name",),
    ),
    Rule(
        "analysis-question",
        "spec.rollout.analysis.[]",
        "has(self.query) != has(self.job)",
        "analysis '{}' needs either a query or a job; set one of them",
        ("self.name",),
    ),
    Rule(
        "analysis-colours",
        "spec.rollout.analysis.[]",
        "!has(self.query) || (has(self.threshold) && self.query.contains('$colour'))",
        "analysis '{}' cannot tell two colours apart; set threshold, and use $colour in the query",
        ("self.name",),
    ),
    Rule(
        "analysis-prometheus",
        "spec",
        "!has(self.rollout) || !has(self.rollout.analysis) || !self.rollout.analysis.exists(a, has(a.query))"
        " || (has(self.monitoring) && has(self.monitoring.prometheus))",
        "rollout.analysis has a query and nobody is asked; set monitoring.prometheus to the address of Prometheus",
        field=".monitoring",
    ),
    Rule(
        "parameter-secret",
        "spec.strategy",
        "!has(self.parameters) || !self.parameters.exists(k, k.matches('(?i)(secret|password|api_?key|token)'))",
        "a parameter is named like a secret; keys belong into a Secret, never into a spec",
        field=".parameters",
    ),
    Rule(
        "parameter-secret-other",
        "spec.strategies.[]",
        "!has(self.parameters) || !self.parameters.exists(k, k.matches('(?i)(secret|password|api_?key|token)'))",
        "a parameter is named like a secret; keys belong into a Secret, never into a spec",
        field=".parameters",
    ),
)

TRADINGBOT = NAMES + MODES + MONEY + STORAGE + IDENTITY + PARTS

BOTTASK = (
    Rule("task-immutable", "spec", "self == oldSelf", "a task never changes; create a new BotTask instead"),
    Rule(
        "task-expiry",
        "spec",
        "!(self.type in ['restore', 'flatten']) || has(self.notAfter)",
        "type is '{}' and notAfter is missing; set the time after which it must not start",
        ("self.type",),
    ),
    Rule(
        "task-target",
        "spec",
        "self.type != 'restore' || has(self.target)",
        "type is restore and target is missing; name the backup to restore",
    ),
    Rule(
        "task-name",
        "",
        "self.metadata.name.size() <= 52",
        "the name has more than 52 characters; use at most 52, since Jobs are named after it",
        field=".metadata.name",
    ),
)

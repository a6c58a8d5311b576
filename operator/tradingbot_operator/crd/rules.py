"""The rules a schema alone cannot say, as data: where they stand, what must hold, the sentence of a refusal, the field it names."""

from dataclasses import dataclass

LIVE = "has(self.mode) && self.mode == 'live'"
SANDBOX = "has(self.exchange.sandbox) && self.exchange.sandbox"
KEYS = "has(self.exchange.credentialsSecretRef)"


@dataclass(frozen=True, slots=True)
class Rule:
    """*sentence* is a CEL expression that gives the text; *field* is relative to *path*."""

    id: str
    path: str
    holds: str
    sentence: str
    field: str = ""

    def entry(self) -> dict[str, str]:
        entry = {"rule": self.holds} | self.text()
        return entry | ({"fieldPath": self.field} if self.field else {})

    def text(self) -> dict[str, str]:
        """A sentence without values is a plain message: it costs nothing to evaluate."""
        plain = self.sentence.startswith("'") and self.sentence.count("'") == 2
        return {"message": self.sentence.strip("'")} if plain else {"messageExpression": self.sentence}


def says(text: str) -> str:
    """A sentence without values, as CEL."""
    return f"'{text}'"


TRADINGBOT = (
    # The API server cannot bound the length of a name, so these sentences hold no value: its own answer begins with the name.
    Rule(
        "name-length",
        "",
        "self.metadata.name.size() <= 40",
        says("the name has more than 40 characters; use at most 40, since objects of the bot are named after it"),
        ".metadata.name",
    ),
    Rule(
        "name-suffix",
        "",
        "!['-blue', '-green', '-ops', '-api', '-data'].exists(end, self.metadata.name.endsWith(end))",
        says("the name ends like an object of another bot; do not end it in -blue, -green, -ops, -api or -data"),
        ".metadata.name",
    ),
    Rule(
        "name-digit",
        "",
        "!['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'].exists(digit, self.metadata.name.startsWith(digit))",
        says("the name begins with a digit and cannot name a Service; begin it with a letter"),
        ".metadata.name",
    ),
    Rule(
        "live-database",
        "spec",
        f"!({LIVE}) || (has(self.database) && has(self.database.mode) && self.database.mode in ['postgres', 'managed'])",
        says("mode is live and database.mode is embedded; set database.mode to postgres or managed"),
        ".database",
    ),
    Rule(
        "live-credentials",
        "spec",
        f"!({LIVE}) || {KEYS}",
        says("mode is live and no keys are given; set exchange.credentialsSecretRef"),
        ".exchange",
    ),
    Rule(
        "live-risk",
        "spec",
        f"!({LIVE}) || (has(self.risk) && has(self.risk.maxOrderNotional) && has(self.risk.maxPositionNotional)"
        " && has(self.risk.maxDrawdownPercent) && (has(self.risk.maxDailyLoss) || has(self.risk.maxDailyLossPercent)))",
        says(
            "mode is live and limits are missing; set risk.maxOrderNotional, risk.maxPositionNotional, risk.maxDrawdownPercent"
            " and risk.maxDailyLoss or risk.maxDailyLossPercent"
        ),
        ".risk",
    ),
    Rule(
        "live-contacts",
        "spec",
        f"!({LIVE}) || (has(self.contacts) && self.contacts.size() > 0)",
        says("mode is live and nobody can be called; name at least one contact"),
        ".contacts",
    ),
    Rule(
        "sandbox-paper",
        "spec",
        f"!({SANDBOX}) || !has(self.mode) || self.mode == 'paper'",
        '"exchange.sandbox is true and mode is \'" + self.mode + "\'; set mode to paper, or sandbox to false"',
        ".exchange.sandbox",
    ),
    Rule(
        "paper-keys",
        "spec",
        f"!{KEYS} || ({LIVE}) || ({SANDBOX})",
        says(
            "keys are given but this mode makes no private call; remove exchange.credentialsSecretRef, or set exchange.sandbox to true"
        ),
        ".exchange.credentialsSecretRef",
    ),
    Rule(
        "storage-size",
        "spec",
        "!has(self.storage) || !has(self.storage.size) || (has(self.profile) && self.profile == 'dev')"
        " || !isQuantity(self.storage.size) || quantity(self.storage.size).compareTo(quantity('10Gi')) >= 0",
        '"storage.size is \'" + self.storage.size + "\'; use at least 10Gi, or set profile to dev"',
        ".storage.size",
    ),
    Rule(
        "storage-shrink",
        "spec",
        "!has(self.storage) || !has(self.storage.size) || !has(oldSelf.storage) || !has(oldSelf.storage.size)"
        " || !isQuantity(self.storage.size) || quantity(self.storage.size).compareTo(quantity(oldSelf.storage.size)) >= 0",
        '"storage.size is \'" + self.storage.size + "\' and was \'" + oldSelf.storage.size + "\'; a claim cannot shrink, keep or raise it"',
        ".storage.size",
    ),
    Rule(
        "exchange-identity",
        "spec",
        "self.exchange.name == oldSelf.exchange.name"
        " || (has(oldSelf.suspend) && oldSelf.suspend && has(self.suspend) && self.suspend)",
        '"exchange.name is \'" + self.exchange.name + "\' and was \'" + oldSelf.exchange.name + "\'; suspend the bot first, then change it"',
        ".exchange.name",
    ),
    Rule(
        "database-identity",
        "spec",
        "(has(self.database) && has(self.database.mode) ? self.database.mode : 'embedded')"
        " == (has(oldSelf.database) && has(oldSelf.database.mode) ? oldSelf.database.mode : 'embedded')"
        " || (has(oldSelf.suspend) && oldSelf.suspend && has(self.suspend) && self.suspend)",
        says("database.mode differs from what the ledger is kept in; suspend the bot first, then change it"),
        ".database",
    ),
    Rule(
        "credentials-colours",
        "spec.exchange.credentialsSecretRef",
        "has(self.name) ? !has(self.blue) && !has(self.green) : has(self.blue) && has(self.green)",
        says("set name for one key, or blue and green for one key per colour"),
    ),
    Rule(
        "endpoint-secret",
        "spec.exchange",
        "!has(self.endpoint) || !self.endpoint.matches('//[^/]*@')",
        says("endpoint holds a password; put keys into a Secret and name it in credentialsSecretRef"),
        ".endpoint",
    ),
    Rule(
        "proxy-secret",
        "spec.exchange",
        "!has(self.proxy) || !self.proxy.matches('//[^/]*@')",
        says("proxy holds a password; use a proxy that needs none"),
        ".proxy",
    ),
    Rule(
        "symbols-unique",
        "spec.exchange",
        "self.symbols.all(s, self.symbols.exists_one(t, t == s))",
        says("a symbol is listed twice; list each symbol once"),
        ".symbols",
    ),
    Rule(
        "check-interval",
        "spec.engine",
        "!has(self.checkInterval) || !self.checkInterval.matches('^[1-9][0-9]*(s|m|h)$')"
        " || duration(self.checkInterval) >= duration('5s')",
        '"checkInterval is \'" + self.checkInterval + "\'; use at least 5s"',
        ".checkInterval",
    ),
    Rule(
        "postgres-server",
        "spec.database",
        "has(self.postgres) == (has(self.mode) && self.mode == 'postgres')",
        says("database.postgres and mode postgres go together; set both, or neither"),
    ),
    Rule(
        "managed-server",
        "spec.database",
        "!has(self.managed) || (has(self.mode) && self.mode == 'managed')",
        says("database.managed is set but mode is not managed; set mode to managed, or remove it"),
    ),
    Rule(
        "backup-destination",
        "spec.backup.destination",
        "has(self.s3) != has(self.claim)",
        says("set exactly one destination: s3 or claim"),
    ),
    Rule(
        "contact-reachable",
        "spec.contacts.[]",
        "has(self.email) || has(self.phone) || has(self.url)",
        '"contact \'" + self.name + "\' cannot be reached; set email, phone or url"',
    ),
    Rule(
        "parameter-secret",
        "spec.strategy",
        "!has(self.parameters) || !self.parameters.exists(k, k.matches('(?i)(secret|password|api_?key|token)'))",
        says("a parameter is named like a secret; keys belong into a Secret, not into a spec"),
        ".parameters",
    ),
)

BOTTASK = (
    Rule("task-immutable", "spec", "self == oldSelf", says("a task never changes; create a new BotTask instead")),
    Rule(
        "task-expiry",
        "spec",
        "!(self.type in ['restore', 'flatten']) || has(self.notAfter)",
        '"type is \'" + self.type + "\' and notAfter is missing; set the time after which it must not start"',
    ),
    Rule(
        "task-target",
        "spec",
        "self.type != 'restore' || has(self.target)",
        says("type is restore and target is missing; name the backup to restore"),
    ),
    Rule(
        "task-name",
        "",
        "self.metadata.name.size() <= 52",
        says("the name has more than 52 characters; use at most 52, since Jobs are named after it"),
        ".metadata.name",
    ),
)

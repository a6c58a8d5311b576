"""The next step towards a ledger on PostgreSQL, or why there is none. Each refusal names the field and the cure."""

from tradingbot_operator.domain.address import FORM, Address
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.ledger import (
    LOGINS,
    Claim,
    Footing,
    Ground,
    Login,
    MakeSecret,
    Migration,
    Mint,
    OwnSecret,
    ledger_secret_name,
    role,
)
from tradingbot_operator.domain.names import BLUE
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.plan import Keep

LOOK_SECONDS = 10.0
OWNER_FIELD = "spec.database.postgres.ownerSecretRef"
FENCER_FIELD = "spec.database.postgres.fencerSecretRef"


def next_effect(bot: Bot, footing: Footing) -> Mint | MakeSecret | Ground | Keep:
    """What must be done in the cluster first, or the ground on which the server can be asked."""
    owner, fencer = usable(OWNER_FIELD, footing.owner), usable(FENCER_FIELD, footing.fencer)
    if isinstance(owner, Keep):
        return owner
    if isinstance(fencer, Keep):
        return fencer
    ledger_id, own = footing.ledger_id, footing.own
    if ledger_id is None:
        return Mint()
    if own is None:
        return MakeSecret(ledger_id, fencer)
    if refusal := own_is_usable(bot, ledger_id, (footing.fencer.secret, fencer), own):
        return refusal
    return Ground(ledger_id, footing.owner, fencer, {login: each.password for login, each in own.logins.items()})


def usable(field: str, login: Login) -> Address | Keep:
    """The address, or what is wrong; a Secret makes no event, so it is looked for again. Its value is never shown."""
    if not login.exists:
        cure = f"give it key url with {FORM}, in the namespace of the bot"
        return _missing(f"{field}: Secret '{login.secret}' does not exist; {cure}")
    if login.address is None:
        return _missing(f"{field}: key url of Secret '{login.secret}' is no address of a database; write {FORM}")
    return login.address


def own_is_usable(bot: Bot, ledger_id: str, fencer: tuple[str, Address], own: OwnSecret) -> Keep | None:
    """The passwords in use are kept as they are; a Secret that leads elsewhere is never followed."""
    secret = ledger_secret_name(bot)
    if not own.ours:
        cure = "delete or rename it, or give the bot another name"
        return Keep("NameTaken", f"Secret {secret} exists and is not controlled by this TradingBot; {cure}")
    again = f"suspend the bot and delete Secret '{secret}', which is then made anew"
    for login in LOGINS:
        address = own.logins.get(login)
        if address is None or address.role != role(ledger_id, login):
            return _missing(f"Secret '{secret}': key {login} is not the login of ledger {ledger_id}; {again}")
        if address.place != fencer[1].place:
            where = f"Secret '{fencer[0]}' leads to another server or database than Secret '{secret}'"
            return Keep("DatabaseChanged", f"{FENCER_FIELD}: {where}; {again}", LOOK_SECONDS)
    return None


def _missing(message: str) -> Keep:
    return Keep("DatabaseSecretMissing", message, LOOK_SECONDS)


def claimed(bot: Bot, cluster: str, ledger_id: str, claim: Claim | None) -> Keep | None:
    """A ledger belongs to one bot for good: never written to by another, and never begun twice."""
    if claim is None:
        return _lost(bot, ledger_id)
    if claim == Claim(ledger_id, cluster, bot.namespace, bot.name):
        return None
    whose = f"ledger {claim.ledger_id} of TradingBot {claim.namespace}/{claim.name}"
    there = whose if claim.cluster == cluster else f"{whose} of another cluster"
    cure = "name a database of the bot's own"
    message = f"{OWNER_FIELD}: the database holds {there}, not ledger {ledger_id} of this bot; {cure}"
    return Keep("LedgerClaimed", message, LOOK_SECONDS)


def _lost(bot: Bot, ledger_id: str) -> Keep | None:
    """Epochs and order ids that were used once would be used again."""
    highest = bot.status.get("highestEpoch") or 0
    if highest == 0:
        return None
    said = f"the database holds no ledger that can be read, but this bot has traded under epoch {highest}"
    cure = "restore the ledger there, or make another TradingBot"
    return Keep("LedgerMissing", f"{FENCER_FIELD}: {said} of ledger {ledger_id}; {cure}", LOOK_SECONDS)


def refused(job: str, migration: Migration) -> Keep:
    """What the migration said last; its Job is looked at again, and made again when it has been cleaned up."""
    words = migration.words or f"Job {job} failed; read the log of its pod"
    return Keep("MigrationRefused", words, LOOK_SECONDS)


def urls(bot: Bot, observed: Observed, port: int) -> tuple[str, ...]:
    """Where an embedded ledger can be asked: the pod of the active colour first, then any other."""
    active = (bot.status.get("active") or {}).get("colour", BLUE)
    pods = sorted(observed.pods, key=lambda pod: (pod.colour != active, pod.deleting, pod.name))
    return tuple(f"http://{f'[{pod.ip}]' if ':' in pod.ip else pod.ip}:{port}" for pod in pods if pod.ip)

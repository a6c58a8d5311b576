"""The next step towards a ledger on PostgreSQL, or why there is none. Each refusal names the field and the cure."""

from tradingbot_operator.domain.address import FORM, Address
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.ledger import (
    LOGINS,
    Adopt,
    Claim,
    Elsewhere,
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
from tradingbot_operator.domain.names import ADOPT_LEDGER, BLUE
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
        return Mint(fencer)
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


def minted(bot: Bot, cluster: str, fresh: str, claim: Claim | None) -> str | Keep:
    """The id that a bot without one is to have: a fresh one for an empty database, or that of the ledger it adopts."""
    asked = bot.annotations.get(ADOPT_LEDGER)
    if claim is None and asked is not None:
        said = f"'{asked}' is not in the database of {FENCER_FIELD}, which holds no ledger that can be read"
        cure = "restore it there, or take the annotation away to begin a new one"
        return Keep("LedgerMissing", f"metadata.annotations[{ADOPT_LEDGER}]: {said}; {cure}", LOOK_SECONDS)
    if claim is None:
        return fresh
    if asked is not None and asked.partition("@")[0] == claim.ledger_id:
        return claim.ledger_id
    there = f"{OWNER_FIELD}: the database holds {_whose(claim, cluster)}, and this bot has none yet"
    return Keep("LedgerClaimed", f"{there}; {_cure(claim)}", LOOK_SECONDS)


def _whose(claim: Claim, cluster: str) -> str:
    whose = f"ledger {claim.ledger_id} of TradingBot {claim.namespace}/{claim.name}"
    return whose if claim.cluster == cluster else f"{whose} of another cluster"


def _cure(claim: Claim) -> str:
    adopt = f"{ADOPT_LEDGER}={claim.consent}"
    return f"name a database of the bot's own, or annotate the bot with {adopt} once nobody trades on that one"


def claimed(bot: Bot, cluster: str, ledger_id: str, claim: Claim | None) -> Keep | Adopt | None:
    """A ledger is one bot's, in one place: else a person says which it adopts; and none is begun twice."""
    if claim is None:
        return _lost(bot, ledger_id)
    if claim == Claim(ledger_id, cluster, bot.namespace, bot.name):
        return None
    if claim.ledger_id == ledger_id and claim.consent == bot.annotations.get(ADOPT_LEDGER):
        return Adopt(ledger_id, (bot.status.get("highestEpoch") or 0) if claim.moved else 0)
    if claim == Claim(ledger_id, cluster, bot.namespace, bot.name, claim.moved) and claim.moved:
        return _moved(claim, claim.moved)
    there = f"{OWNER_FIELD}: the database holds {_whose(claim, cluster)}, not ledger {ledger_id} of this bot"
    return Keep("LedgerClaimed", f"{there}; {_cure(claim)}", LOOK_SECONDS)


def _moved(claim: Claim, where: Elsewhere) -> Keep:
    """Somebody may still trade on the other one, and what was written there last may be missing here."""
    cure = f"once nobody can trade there, annotate the bot with {ADOPT_LEDGER}={claim.consent}"
    return Keep("LedgerMoved", f"{FENCER_FIELD}: {where}, a copy; {cure}", LOOK_SECONDS)


def _lost(bot: Bot, ledger_id: str) -> Keep | None:
    """Epochs and order ids that were used once would be used again."""
    highest = bot.status.get("highestEpoch") or 0
    if highest == 0:
        return None
    said = f"the database holds no ledger that can be read, but this bot has traded under epoch {highest}"
    cure = "restore the ledger there, or make another TradingBot"
    return Keep("LedgerMissing", f"{FENCER_FIELD}: {said} of ledger {ledger_id}; {cure}", LOOK_SECONDS)


def refused(job: str, migration: Migration, reason: str = "MigrationRefused") -> Keep:
    """What the Job said last; it is looked at again, and made again when it has been cleaned up."""
    return Keep(reason, migration.words or f"Job {job} failed; read the log of its pod", LOOK_SECONDS)


def urls(bot: Bot, observed: Observed, port: int) -> tuple[str, ...]:
    """Where an embedded ledger can be asked: the pod of the active colour first, then any other."""
    active = (bot.status.get("active") or {}).get("colour", BLUE)
    pods = sorted(observed.pods, key=lambda pod: (pod.colour != active, pod.deleting, pod.name))
    return tuple(f"http://{f'[{pod.ip}]' if ':' in pod.ip else pod.ip}:{port}" for pod in pods if pod.ip)

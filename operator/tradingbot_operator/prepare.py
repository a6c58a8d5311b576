"""The page of a ledger on PostgreSQL: secrets, roles, schema, one step a pass; then a pod may start on it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from tradingbot_operator.cluster import bot as writes
from tradingbot_operator.cluster import ledger as places
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.domain.address import Address
from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.errors import Outdated
from tradingbot_operator.domain.lease import LeaseDoor, LedgerAway
from tradingbot_operator.domain.ledger import (
    Adopt,
    Footing,
    Ground,
    MakeFresh,
    MakeSecret,
    Mint,
    Preparation,
    Prepared,
    Preparing,
)
from tradingbot_operator.domain.names import HTTP_PORT
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.probe import JobState
from tradingbot_operator.domain.site import Site
from tradingbot_operator.domain.spec import BotSpec, DatabaseMode
from tradingbot_operator.ledger.claim import claim
from tradingbot_operator.ledger.doors import Doors
from tradingbot_operator.ledger.embedded import EmbeddedDoor, Pods
from tradingbot_operator.ledger.roles import keep
from tradingbot_operator.ledger.session import Session
from tradingbot_operator.plan.ledger import FENCER_FIELD, claimed, minted, next_effect, refused, urls, usable
from tradingbot_operator.render.migration import Change, adoption, migration
from tradingbot_operator.render.secret import ledger_secret
from tradingbot_operator.render.settings import config_map

AT_ONCE, SOON_SECONDS = 0.0, 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """The revision that is to run.

    *data* is what it holds or will hold (render.revision.content, keyed); *served*: it has run on this ledger before,
    so its schema is there; *code*: the schema the active colour was written for (``schema.code`` of its /status), None
    when no process runs.
    """

    data: Mapping[str, Any]
    served: bool
    code: str | None


@dataclass(frozen=True, slots=True)
class Means:
    """What the page works with; *bot_port* is where a bot serves ``/fence``."""

    cluster: Cluster
    doors: Doors
    http: aiohttp.ClientSession
    site: Site
    fresh: MakeFresh
    bot_port: int = HTTP_PORT


async def prepare(bot: Bot, spec: BotSpec, wanted: Wanted, means: Means) -> Preparation:
    """At most one effect a pass: ledger id into the status, Secret, roles, migration Job; then Prepared.

    For ``database.mode: postgres`` and a bot that is not suspended; called before anything of *wanted* is applied.
    Prepared: go on. Preparing: report it, apply nothing of *wanted*, look again after ``again_seconds``.
    Keep: as any Keep of a plan (DatabaseSecretMissing, FencerRightsMissing, LedgerClaimed, MigrationRefused).
    Raises Outdated after it has written the status (the id), LedgerAway when the server does not answer.
    """
    footing = await _footing(bot, spec, means)
    match next_effect(bot, footing):
        case Keep() as refusal:
            return refusal
        case Mint(fencer):
            return await _mint(bot, fencer, means)
        case MakeSecret() as missing:
            secret = ledger_secret(bot, missing.ledger_id, missing.fencer, means.fresh().passwords)
            return await _make(bot, (secret,), means) or _preparing("the logins of the ledger are made", AT_ONCE)
        case Ground() as ground:
            session = (await means.doors.open(bot.key, ground.ledger_id, ground.fencer)).session
            found = await claim(session)
            taken = claimed(bot, means.site.cluster, ground.ledger_id, found)
            if isinstance(taken, Adopt):
                return await _adopt(bot, (ground, taken.above), wanted, means)
            if taken is not None:
                return taken
            # A database without a ledger has no schema, whatever ran before.
            truly = wanted if found else replace(wanted, served=False)
            return await _keep_roles(ground, session) or await _migrate(bot, ground, truly, means)


async def _mint(bot: Bot, fencer: Address, means: Means) -> Keep:
    """The id stands in the status, fresh or adopted; a database that holds a ledger gets no second one."""
    session = Session(fencer)
    try:
        found = await claim(session)
    finally:
        await session.close()
    ledger_id = minted(bot, means.site.cluster, means.fresh().ledger_id, found)
    if isinstance(ledger_id, Keep):
        return ledger_id
    await writes.write_status(means.cluster.api, bot, {"ledgerId": ledger_id})
    raise Outdated("a ledger id was minted; everything that follows carries it")


async def _adopt(bot: Bot, taken: tuple[Ground, int], wanted: Wanted, means: Means) -> Preparing | Keep:
    """The Job that makes the ledger this bot's was asked for; the next pass reads whose it is, and where."""
    ground, above = taken
    change = Change(ground.ledger_id, ground.owner, ground.fencer.role, None)
    job = adoption(bot, wanted.data["template"], change, above)
    name = job["metadata"]["name"]
    found = await places.migration(means.cluster.api, job)
    if found.state is JobState.FAILED:
        return refused(name, found, "LedgerClaimed")
    refusal = None
    if found.state is JobState.GONE:
        refusal = await _make(bot, (config_map(bot, wanted.data["settings"]), job), means)
    return refusal or _preparing(f"Job {name} makes ledger {ground.ledger_id} this bot's", SOON_SECONDS)


async def _footing(bot: Bot, spec: BotSpec, means: Means) -> Footing:
    server, api = spec.database.postgres, means.cluster.api
    if server is None:
        raise ValueError("spec.database.postgres is not set, so there is no server to prepare")
    return Footing(
        ledger_id=bot.status.get("ledgerId"),
        owner=await places.login(api, bot.namespace, server.owner_secret_ref.name),
        fencer=await places.login(api, bot.namespace, server.fencer_secret_ref.name),
        own=await places.own_secret(api, bot),
    )


async def _make(bot: Bot, kept: tuple[Manifest, ...], means: Means) -> Keep | None:
    """These objects exist, or why they cannot."""
    # One of them was just seen to be absent, whatever is remembered of it.
    means.cluster.memory.unsettle(bot.key)
    trouble = (await means.cluster.apply(bot, kept, ())).trouble
    return Keep(trouble.reason, trouble.message) if trouble else None


def _preparing(message: str, again_seconds: float) -> Preparing:
    return Preparing("LedgerPreparing", message, again_seconds)


async def _keep_roles(ground: Ground, session: Session) -> Preparing | Keep | None:
    """None: the roles are as the Secret says."""
    kept = await keep(session, ground.ledger_id, ground.passwords)
    if isinstance(kept, Keep):
        return kept
    return _preparing("the roles of the ledger are made", AT_ONCE) if kept else None


async def _migrate(bot: Bot, ground: Ground, wanted: Wanted, means: Means) -> Preparation:
    """The Job of this change has ended well; it is made where there is none."""
    if wanted.served:
        return Prepared(ground.ledger_id)
    change = Change(ground.ledger_id, ground.owner, ground.fencer.role, wanted.code)
    job = migration(bot, wanted.data["template"], change)
    name = job["metadata"]["name"]
    found = await places.migration(means.cluster.api, job)
    match found.state:
        case JobState.DONE:
            return Prepared(ground.ledger_id)
        case JobState.FAILED:
            return refused(name, found)
        case JobState.GONE:
            refusal = await _make(bot, (config_map(bot, wanted.data["settings"]), job), means)
            return refusal or _preparing(f"Job {name} brings the ledger to its schema", SOON_SECONDS)
    return _preparing(f"Job {name} brings the ledger to its schema", SOON_SECONDS)


async def door_of(bot: Bot, spec: BotSpec, observed: Observed, means: Means) -> LeaseDoor | Keep:
    """The lease functions of the bot's ledger; kept open between passes, and never closed by the caller.

    An embedded ledger is asked through the pods that were seen, that of the active colour first.
    Keep: the Secret it needs is missing. Raises LedgerAway while there is no ledger, or no pod to ask.
    """
    if spec.database.mode is not DatabaseMode.POSTGRES:
        return await _embedded_door(bot, observed, means)
    ledger_id, server = bot.status.get("ledgerId"), spec.database.postgres
    if not ledger_id or server is None:
        raise LedgerAway("the bot has no ledger yet")
    known = means.doors.known(bot.key, ledger_id)
    if known is not None:
        return known
    fencer = await places.login(means.cluster.api, bot.namespace, server.fencer_secret_ref.name)
    address = usable(FENCER_FIELD, fencer)
    return address if isinstance(address, Keep) else await means.doors.open(bot.key, ledger_id, address)


async def _embedded_door(bot: Bot, observed: Observed, means: Means) -> LeaseDoor:
    memory = means.cluster.memory
    # A token is valid for a week after its successor came, and every rotation forgets the one that is kept here.
    token = memory.operator_token(bot.key) or await places.operator_token(means.cluster.api, bot)
    if token is None:
        raise LedgerAway(f"Secret '{bot.name}-api' has no operator-token yet")
    memory.remember_operator_token(bot.key, token)
    return EmbeddedDoor(means.http, Pods(urls(bot, observed, means.bot_port), token))

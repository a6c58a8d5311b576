"""The page of a ledger on PostgreSQL: secrets, roles, schema, one step a pass; then a pod may start on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.lease import LeaseDoor
from tradingbot_operator.domain.ledger import MakeFresh, Preparation
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.spec import BotSpec


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
    cluster: Cluster
    fresh: MakeFresh


async def prepare(bot: Bot, spec: BotSpec, wanted: Wanted, means: Means) -> Preparation:
    """At most one effect a pass: ledger id into the status, Secret, roles, migration Job; then Prepared.

    For ``database.mode: postgres`` and a bot that is not suspended; called before anything of *wanted* is applied.
    Prepared: go on. Preparing: report it, apply nothing of *wanted*, look again after ``again_seconds``.
    Keep: as any Keep of a plan (DatabaseSecretMissing, FencerRightsMissing, LedgerClaimed, MigrationRefused).
    Raises Outdated after it has written the status (the id), LedgerAway when the server does not answer.
    """
    raise NotImplementedError


async def door_of(bot: Bot, spec: BotSpec, observed: Observed, means: Means) -> LeaseDoor | Keep:
    """The lease functions of the bot's ledger; kept open between passes, so it is not closed by the caller.

    Keep: a Secret it needs is missing. Both kinds of ledger; an embedded one is asked through the pods that were seen.
    """
    raise NotImplementedError

"""A ledger on PostgreSQL: whose it is, who may log in to it, and how far its preparation is."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.plan import Keep

TASK = "task"
LOGINS = ("blue", "green", TASK)
ID = re.compile(r"[0-9a-z]{6}")


@dataclass(frozen=True, slots=True)
class Fresh:
    """A ledger id and passwords that nobody has used; they serve only where none exist yet."""

    ledger_id: str
    passwords: tuple[str, str, str]


MakeFresh = Callable[[], Fresh]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The roles exist and the schema is the one the asked revision needs: its pod may start."""

    ledger_id: str


@dataclass(frozen=True, slots=True)
class Preparing:
    """One step was done or is under way; the next pass goes on. Nothing that runs is touched meanwhile."""

    reason: str
    message: str
    again_seconds: float


Preparation = Prepared | Preparing | Keep


def role(ledger_id: str, login: str) -> str:
    """Role names are global to a server, so they carry the ledger's id."""
    return f"tb_{ledger_id}_{login}"


def ledger_secret_name(bot: Bot) -> str:
    return f"{bot.name}-ledger"

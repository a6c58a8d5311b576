"""What a spec's fields must be to each other. The CRD refuses most of it first; a bot that slips through is not run."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tradingbot_operator.domain.autonomous import DERIVED, is_autonomous
from tradingbot_operator.domain.realmoney import is_real
from tradingbot_operator.domain.scalars import span
from tradingbot_operator.domain.spec import BotSpec, CredentialsRef, DatabaseMode, Mode

ENDINGS = ("-blue", "-green", "-ops", "-api", "-data")
# The bot's own defaults (docs/contracts.md section 3), against which a single limit is judged.
MAX_ORDER, MAX_POSITION = "1000", "2000"
# Each request bears a higher number than the one before it with that key, whichever process sends it.
COUNTING = frozenset({"kraken"})


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a spec cannot be acted on: the person must change this field."""

    field: str
    message: str


def unusable_name(name: str) -> Rejection | None:
    """Objects are named after the bot, so its name must leave room, and not be that of another bot's object."""
    if re.fullmatch(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", name) and not name.endswith(ENDINGS):
        return None
    cure = "use at most 40 of a-z, 0-9 and -, a letter first, and not -blue, -green, -ops, -api or -data at the end"
    return Rejection("metadata.name", f"metadata.name: '{name}' cannot name a bot; {cure}")


def needless(spec: Mapping[str, Any]) -> Rejection | None:
    """Why a spec that asks with three parameters may not say the rest itself."""
    said = next((part for part in DERIVED if part in spec), None) if is_autonomous(spec) else None
    if said is None:
        return None
    cure = "remove it, or set configMode to expert"
    return Rejection(f"spec.{said}", f"spec.{said}: is derived in configMode autonomous; {cure}")


def _live_ledger(spec: BotSpec) -> str | None:
    embedded = spec.mode is Mode.LIVE and spec.database.mode is DatabaseMode.EMBEDDED
    return "spec.database.mode: 'embedded' cannot fence a live bot; use postgres or managed" if embedded else None


def _live_keys(spec: BotSpec) -> str | None:
    keyless = spec.mode is Mode.LIVE and spec.exchange.credentials_secret_ref is None
    return (
        "spec.exchange.credentialsSecretRef: missing in mode live; name the Secret with the keys" if keyless else None
    )


def _live_limits(spec: BotSpec) -> str | None:
    risk = spec.risk
    limits = (risk.max_order_notional, risk.max_position_notional, risk.max_drawdown_percent)
    limited = all((*limits, risk.max_orders_per_minute)) and (risk.max_daily_loss or risk.max_daily_loss_percent)
    if spec.mode is not Mode.LIVE or limited:
        return None
    return "spec.risk: limits are missing in mode live; set order, position, drawdown, orders per minute and daily loss"


def _live_risk(spec: BotSpec) -> str | None:
    unlimited = spec.mode is Mode.LIVE and spec.risk.enabled is False
    return (
        "spec.risk.enabled: false does not go with mode live; set it to true, or use mode paper" if unlimited else None
    )


def _live_acknowledged(spec: BotSpec) -> str | None:
    if spec.mode is not Mode.LIVE or (spec.safety and spec.safety.acknowledge_live_risk):
        return None
    return "spec.mode: live trades real money; set safety.acknowledgeLiveRisk to true when that is meant"


def _live_contacts(spec: BotSpec) -> str | None:
    nobody = spec.mode is Mode.LIVE and not spec.contacts
    return "spec.contacts: empty in mode live; name whom to call when money is at risk" if nobody else None


def _sandbox_mode(spec: BotSpec) -> str | None:
    if spec.exchange.sandbox and spec.mode is not Mode.PAPER:
        return f"spec.exchange.sandbox: true does not go with mode '{spec.mode.value}'; set mode to paper"
    return None


def _sandbox_address(spec: BotSpec) -> str | None:
    place = spec.exchange.endpoint
    if spec.exchange.sandbox and (place is None or is_real(place)):
        where = f"'{place}' is a place of real money" if place else "missing, and the venue's own is one of real money"
        return f"spec.exchange.endpoint: {where}; write the address of the venue's sandbox"
    return None


def _needless_keys(spec: BotSpec) -> str | None:
    if spec.exchange.credentials_secret_ref and not spec.keeps_state:
        unsafe = "spec.exchange.credentialsSecretRef: UnsafeKeyPermissions:"
        return f"{unsafe} this mode makes no private call; remove it, or set sandbox to true"
    return None


def _one_key_or_two(spec: BotSpec) -> str | None:
    keys = spec.exchange.credentials_secret_ref or CredentialsRef(name="none")
    if (keys.name, keys.blue, keys.green).count(None) == (2 if keys.name else 1):
        return None
    return "spec.exchange.credentialsSecretRef: set name for one key, or blue and green for one key per colour"


def _rising_keys(spec: BotSpec) -> str | None:
    keys = spec.exchange.credentials_secret_ref
    if spec.exchange.name not in COUNTING or keys is None or not keys.name or spec.rollout.strategy == "Recreate":
        return None
    cure = "set blue and green, or rollout.strategy to Recreate"
    return f"spec.exchange.credentialsSecretRef: {spec.exchange.name} refuses a key that two colours count with; {cure}"


def _symbols_once(spec: BotSpec) -> str | None:
    repeated = len(set(spec.exchange.symbols)) < len(spec.exchange.symbols)
    return "spec.exchange.symbols: a symbol is listed twice; list each once" if repeated else None


def _one_currency(spec: BotSpec) -> str | None:
    currency = spec.capital.currency or spec.exchange.symbols[0].partition("/")[2]
    foreign = [symbol for symbol in spec.exchange.symbols if symbol.partition("/")[2] != currency]
    if not foreign:
        return None
    return f"spec.exchange.symbols: {foreign[0]} is not quoted in {currency}; trade it with another bot"


def _order_within_position(spec: BotSpec) -> str | None:
    order = spec.risk.max_order_notional or MAX_ORDER
    position = spec.risk.max_position_notional or MAX_POSITION
    if Decimal(order) <= Decimal(position):
        return None
    return f"spec.risk.maxOrderNotional: '{order}' exceeds maxPositionNotional '{position}'; use at most that"


def _check_interval(spec: BotSpec) -> str | None:
    interval = spec.engine.check_interval
    if span(interval) >= timedelta(seconds=5):
        return None
    return f"spec.engine.checkInterval: '{interval}' is too short; use at least 5s"


def _bars_in_memory(spec: BotSpec) -> str | None:
    needed, room = spec.engine.warmup_bars, spec.engine.max_bars_in_memory
    if room is None or needed <= room:
        return None
    return f"spec.engine.warmupBars: {needed} exceeds maxBarsInMemory {room}; use at most that"


def _own_server(spec: BotSpec) -> str | None:
    if (spec.database.postgres is not None) == (spec.database.mode is DatabaseMode.POSTGRES):
        return None
    return "spec.database.postgres: goes with mode postgres and only with it; set both, or neither"


def _gate_job(spec: BotSpec) -> str | None:
    wrong = next((each.name for each in spec.rollout.gates if (each.name == "job") != (each.job is not None)), None)
    if wrong is None:
        return None
    return f"spec.rollout.gates: '{wrong}' does not go with what it has of a job; gate job has one, and no other"


def _analysis(spec: BotSpec) -> str | None:
    """Without the colour in it, a query tells the same of both, and nothing would ever go back."""
    for each in spec.rollout.analysis:
        if (each.query is None) == (each.job is None):
            return f"spec.rollout.analysis: '{each.name}' needs either a query or a job; set one of them"
        if each.query is not None and (each.threshold is None or "$colour" not in each.query):
            return f"spec.rollout.analysis: '{each.name}' cannot tell two colours apart; set threshold, and use $colour"
    return None


def _prometheus(spec: BotSpec) -> str | None:
    asks = any(each.query is not None for each in spec.rollout.analysis)
    if not asks or spec.monitoring.prometheus is not None:
        return None
    return "spec.monitoring.prometheus: missing, and spec.rollout.analysis has a query; set its address"


def _strategies(spec: BotSpec) -> str | None:
    """Each market is traded by one strategy, and each strategy trades some: so cash and results can be told apart."""
    names = [spec.strategy.name, *(each.name for each in spec.strategies)]
    taken = [symbol for each in spec.strategies for symbol in each.symbols]
    if len(set(names)) < len(names):
        return f"spec.strategies: '{', '.join(names)}' names a strategy twice; name each one once"
    if len(set(taken)) < len(taken):
        return f"spec.strategies: '{', '.join(taken)}' gives a market to two strategies; list each one once"
    if strangers := [symbol for symbol in taken if symbol not in spec.exchange.symbols]:
        return f"spec.strategies: '{', '.join(strangers)}' is not in exchange.symbols; add it there"
    if spec.strategies and set(spec.exchange.symbols) <= set(taken):
        return f"spec.strategies: '{', '.join(taken)}' leaves no market to strategy; give it one"
    return None


def _autonomous(spec: BotSpec) -> str | None:
    if (spec.autonomous is not None) == (spec.config_mode == "autonomous"):
        return None
    return "spec.autonomous: goes with configMode autonomous and only with it; set both, or neither"


CHECKS: tuple[Callable[[BotSpec], str | None], ...] = (
    _autonomous,
    _live_ledger,
    _live_keys,
    _live_limits,
    _live_risk,
    _live_contacts,
    _live_acknowledged,
    _sandbox_mode,
    _sandbox_address,
    _needless_keys,
    _one_key_or_two,
    _rising_keys,
    _symbols_once,
    _one_currency,
    _order_within_position,
    _check_interval,
    _bars_in_memory,
    _strategies,
    _own_server,
    _gate_job,
    _analysis,
    _prometheus,
)


def contradiction(spec: BotSpec) -> Rejection | None:
    """The first pair of fields that cannot both stand, or None."""
    for check in CHECKS:
        if sentence := check(spec):
            return Rejection(sentence.partition(":")[0], sentence)
    return None

"""The control API: what tests steer and read."""

import json
from dataclasses import asdict, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from aiohttp import web

from exchange_simulator import desk
from exchange_simulator.api.house import HOUSE, answer
from exchange_simulator.api.sockets import SOCKETS
from exchange_simulator.control.faults import KINDS, Fault
from exchange_simulator.desk import Placed
from exchange_simulator.dialect import orders as wire
from exchange_simulator.dialect.read import BadParameter, new_order
from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.domain.events import BalanceEvent, TransferEvent
from exchange_simulator.domain.numbers import ONE
from exchange_simulator.domain.request import Sender
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.clock import Mode
from exchange_simulator.market.pit import Pit, Regime

MOST_BARS = 10_000


class BadControl(Exception):
    """The control request must change; the message names field, value and cure."""


def complaint(message: str, status: int = 400) -> web.Response:
    return answer({"error": message}, status)


async def body(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request, whatever its Content-Type."""
    if not await request.text():
        return {}
    try:
        found = json.loads(await request.text())
    except ValueError as error:
        raise BadControl(f"body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadControl("body is not a JSON object: send one such as {}")
    return found


def decimal(fields: dict[str, Any], name: str, default: str | None = None) -> Decimal:
    """A decimal field given as text or number."""
    value = fields.get(name, default)
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise BadControl(f"{name} {value!r} is no decimal: send a string such as '1.5'") from error


def clock_of(exchange: Exchange) -> dict[str, Any]:
    pace = exchange.clock.pace
    speed = "lockstep" if pace.mode is Mode.LOCKSTEP else f"{pace.speed:g}"
    return {"venue_ms": exchange.clock.now_ms(), "speed": speed, "mode": pace.mode.value}


async def clock(request: web.Request) -> web.Response:
    return answer(clock_of(request.app[HOUSE].exchange))


async def step(request: web.Request) -> web.Response:
    exchange = request.app[HOUSE].exchange
    bars = (await body(request)).get("bars", 1)
    if not isinstance(bars, int) or not 1 <= bars <= MOST_BARS:
        raise BadControl(f"bars {bars!r} is not a whole number from 1 to {MOST_BARS}")
    if exchange.clock.pace.mode is not Mode.LOCKSTEP:
        raise BadControl(
            f"the clock runs in mode {exchange.clock.pace.mode.value}: start with --speed lockstep to step it"
        )
    exchange.step(bars)
    await request.app[SOCKETS].sent()
    return answer(clock_of(exchange))


async def orders(request: web.Request) -> web.Response:
    exchange = request.app[HOUSE].exchange
    since = request.query.get("since", "0")
    if not since.isdigit():
        raise BadControl(f"since {since!r} is not a sequence number")
    exchange.advance()
    return answer({"entries": [asdict(entry) for entry in exchange.log.since(int(since))]})


def account_in(exchange: Exchange, key: Any) -> Account:
    account = exchange.accounts.get(str(key))
    if account is None:
        raise BadControl(f"api_key {key!r} is unknown: POST /control/accounts makes it")
    return account


async def account(request: web.Request) -> web.Response:
    exchange = request.app[HOUSE].exchange
    exchange.advance()
    held = account_in(exchange, request.match_info["key"])
    return answer(
        {
            "api_key": held.key,
            "balances": {asset: asdict(balance) for asset, balance in sorted(held.balances.items())},
            "permissions": sorted(held.permissions),
            "open_orders": [wire.queried(order) for order in exchange.register.open(account=held.key)],
            "orders": [wire.queried(order) for order in exchange.register.orders.values() if order.account == held.key],
            "trades": [wire.trade(trade) for trade in exchange.register.trades if trade.account == held.key],
        }
    )


async def new_account(request: web.Request) -> web.Response:
    exchange, fields = request.app[HOUSE].exchange, await body(request)
    key, secret, balances = fields.get("api_key"), fields.get("secret"), fields.get("balances", {})
    if not key or not secret or not isinstance(balances, dict):
        raise BadControl("an account needs api_key, secret and balances such as {'USDT': '10000'}")
    held = {asset: Balance(free=decimal(balances, asset)) for asset in balances}
    if any(balance.free < 0 for balance in held.values()):
        raise BadControl("a balance is negative: send zero or more")
    permissions = frozenset(fields.get("permissions", ["read", "spot"]))
    fee_asset, owner = (str(fields.get(name, "")) for name in ("fee_asset", "owner"))
    made = Account(str(key), str(secret), held, permissions, fee_asset, owner=owner)
    if "maker_fee" in fields or "taker_fee" in fields:
        made = replace(made, rates=(decimal(fields, "maker_fee", "0.001"), decimal(fields, "taker_fee", "0.001")))
    known = exchange.accounts.get(made.key)
    exchange.accounts[made.key] = made if known is None else with_locks_of(known, made)
    return answer({"api_key": made.key}, 201)


def with_locks_of(known: Account, made: Account) -> Account:
    """The account as asked, but what open orders hold locked stays locked."""
    locks = {asset: balance.locked for asset, balance in known.balances.items() if balance.locked}
    held = {asset: Balance(made.balance(asset).free, lock) for asset, lock in locks.items()}
    return replace(made, balances={**made.balances, **held})


async def add_fault(request: web.Request) -> web.Response:
    exchange, fields = request.app[HOUSE].exchange, await body(request)
    kind = fields.pop("kind", None)
    if kind not in KINDS:
        raise BadControl(f"kind {kind!r} is none of {', '.join(sorted(KINDS))}")
    route, count, seconds = fields.pop("route", ""), fields.pop("count", None), fields.pop("seconds", None)
    if kind.startswith("delay_") or kind == "invisible":
        # A delay lasts that long, an order is hidden that long; every other fault is in force that long.
        fields.setdefault("ms", 1000 if seconds is None else float(seconds) * 1000)
        seconds = None
    until = None if seconds is None else exchange.wall_ms() + int(float(seconds) * 1000)
    if kind == "drop_socket":
        await request.app[SOCKETS].drop(str(fields.get("stream", "all")))
        if until is None:
            return answer({"id": exchange.faults.spent()})
    fault = exchange.faults.add(Fault(0, kind, str(route), count, until, fields))
    return answer({"id": fault.fault_id})


async def faults(request: web.Request) -> web.Response:
    return answer({"faults": [asdict(fault) for fault in request.app[HOUSE].exchange.faults.active]})


async def remove_faults(request: web.Request) -> web.Response:
    number = request.match_info.get("fault_id")
    removed = request.app[HOUSE].exchange.faults.remove(None if number is None else int(number))
    return answer({"removed": removed})


async def market(request: web.Request) -> web.Response:
    house, fields = request.app[HOUSE], await body(request)
    exchange = house.exchange
    exchange.advance()
    name = fields.get("symbol")
    if name is None:
        house.outage = bool(fields.get("outage", house.outage))
        if house.outage:
            await request.app[SOCKETS].drop()
        return answer({"outage": house.outage})
    pit = exchange.pits.get(str(name))
    if pit is None:
        raise BadControl(f"symbol {name!r} is none of {', '.join(exchange.pits)}")
    bend(exchange, pit, fields)
    return answer({"symbol": name, "price": pit.last, "frozen": pit.frozen, "halted": pit.halted})


def bend(exchange: Exchange, pit: Pit, fields: dict[str, Any]) -> None:
    """The market of one symbol is as asked from now on."""
    if "freeze" in fields:
        pit.frozen = bool(fields["freeze"])
    if "outage" in fields:
        pit.halted = bool(fields["outage"])
    if "volatility" in fields:
        pit.bend(Regime(pit.regime.factor, decimal(fields, "volatility")))
    if "shock_percent" in fields:
        factor = ONE + decimal(fields, "shock_percent") / 100
        if factor <= 0:
            raise BadControl(f"shock_percent {fields['shock_percent']!r} leaves no price: send more than -100")
        exchange.meet(pit, pit.shock(factor, exchange.clock.now_ms()))


async def foreign(request: web.Request) -> web.Response:
    exchange, fields = request.app[HOUSE].exchange, await body(request)
    exchange.advance()
    key = str(fields.pop("api_key", ""))
    account_in(exchange, key)
    parameters = {name: str(value) for name, value in fields.items()}
    if parameters.get("type", "").endswith("LIMIT"):
        parameters.setdefault("timeInForce", "GTC")
    parameters.setdefault("newClientOrderId", f"web_{next(exchange.ids)}")
    sender = Sender(key, "foreign", request.remote or "", exchange.clock.now_ms(), "POST /control/foreign")
    try:
        done = desk.place(exchange, new_order(parameters, exchange.pits), sender)
    except BadParameter as error:
        raise BadControl(error.refusal.message) from error
    return answer(wire.queried(done.order)) if isinstance(done, Placed) else answer(wire.refusal(done), 400)


async def withdraw(request: web.Request) -> web.Response:
    exchange, fields = request.app[HOUSE].exchange, await body(request)
    held = account_in(exchange, fields.get("api_key"))
    asset, amount = str(fields.get("asset", "")), decimal(fields, "amount")
    if held.balance(asset).free < amount:
        raise BadControl(f"amount {amount} exceeds the free {asset} {held.balance(asset).free}")
    exchange.accounts[held.key] = held.moved(asset, free=-amount)
    now_ms = exchange.clock.now_ms()
    exchange.tell(TransferEvent(held.key, asset, -amount, now_ms))
    exchange.tell(BalanceEvent(held.key, (asset,), now_ms))
    return answer({"api_key": held.key, "asset": asset, "free": exchange.accounts[held.key].balance(asset).free})


async def healthz(_: web.Request) -> web.Response:
    return answer({"status": "ok"})


@web.middleware
async def complaints(request: web.Request, handler: Any) -> web.StreamResponse:
    """A wrong control request gets one sentence."""
    try:
        result: web.StreamResponse = await handler(request)
    except BadControl as error:
        return complaint(str(error))
    return result


def routes() -> list[web.RouteDef]:
    """The control routes and the probe."""
    return [
        web.get("/healthz", healthz),
        web.get("/control/clock", clock),
        web.post("/control/step", step),
        web.get("/control/orders", orders),
        web.get("/control/accounts/{key}", account),
        web.post("/control/accounts", new_account),
        web.post("/control/faults", add_fault),
        web.get("/control/faults", faults),
        web.delete("/control/faults", remove_faults),
        web.delete("/control/faults/{fault_id:\\d+}", remove_faults),
        web.post("/control/market", market),
        web.post("/control/foreign", foreign),
        web.post("/control/withdraw", withdraw),
    ]

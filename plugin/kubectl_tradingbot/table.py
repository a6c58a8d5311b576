"""Pure: views to tables."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kubectl_tradingbot.domain.view import BotView, standing

COLOURS = {"trading": "green", "ready": "green", "blocked": "yellow", "starting": "yellow", "standby": "cyan"}


def fleet(views: Sequence[BotView]) -> Table:
    """One line a bot."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("BOT", "MODE", "STATE", "COLOUR", "REVISION", "EPOCH", "POSITION", "EQUITY"):
        table.add_column(heading, overflow="fold")
    for view in views:
        live = view.live or {}
        state = standing(view)
        equity = f"{short(live.get('equity'))} {live.get('currency', '')}".strip() if live else "-"
        table.add_row(
            f"{view.namespace}/{view.name}",
            view.mode.upper() if view.mode == "live" else view.mode,
            Text(state, style=COLOURS.get(state, "red")),
            view.colour,
            view.revision[:8],
            str(live.get("epoch") or "-"),
            positions(live.get("positions") or []),
            equity,
        )
    return table


def positions(held: Sequence[dict[str, Any]]) -> str:
    texts = [f"{short(one.get('quantity'))} {one.get('symbol', '').partition('/')[0]}" for one in held]
    return ", ".join(texts) or "flat"


def orders(view: BotView) -> Table:
    """The newest orders of one bot."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("AT", "ORDER", "SYMBOL", "SIDE", "TYPE", "QUANTITY", "PRICE", "STATUS"):
        table.add_column(heading)
    for order in (view.live or {}).get("last_orders") or []:
        table.add_row(
            str(order.get("at", ""))[:19].replace("T", " "),
            order.get("client_id", ""),
            order.get("symbol", ""),
            order.get("side", ""),
            order.get("type", ""),
            short(order.get("quantity")),
            short(order.get("price")),
            order.get("status", ""),
        )
    return table


def page(views: Sequence[BotView]) -> RenderableType:
    """The whole screen: the fleet, and the orders when there is one bot to show."""
    if not views:
        return Text("no TradingBot here; apply one: kubectl apply -f manifests/samples/paper-btc.yaml")
    if len(views) > 1 or not (views[0].live or {}).get("last_orders"):
        return fleet(views)
    return Group(fleet(views), Text(""), orders(views[0]))


def short(number: object) -> str:
    """A decimal string cut to eight significant characters after the point, zeros dropped."""
    if number in (None, ""):
        return "-"
    whole, point, rest = str(number).partition(".")
    rest = rest[:8].rstrip("0")
    return f"{whole}{point}{rest}" if rest else whole

"""What port 8000 answers, in OpenAPI: every call with its fields, so that a client can be made from it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tradingbot import __version__
from tradingbot.api.answers import BODY_LIMIT, HIGHEST, Json
from tradingbot.api.fence import FENCE, GRANT, HOLD, NULLABLE, ORDER
from tradingbot.api.orderly import LONGEST, STOPS
from tradingbot.domain.halt import HaltKind
from tradingbot.domain.logline import LEVELS
from tradingbot.domain.reconciliation import Action

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
WORD: Schema = {"type": "string", "pattern": "^[a-z0-9]+$"}
SAID: Schema = {"type": "string", "pattern": r"\S"}
SPAN: Schema = {"type": "string", "pattern": "^([1-9]|[1-9][0-9]|1[0-5][0-9]|16[0-8])h$"}
KNOWN = {200: "done, or told", 401: "the bearer token is missing or wrong", 503: "the ledger cannot be reached"}
ON_SERVER = "the ledger is on a server"
REFUSED = {**KNOWN, 422: "a field or a parameter is not right: the sentence names it and the cure"}


def one_of(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def whole(lowest: int, highest: int) -> Schema:
    return {"type": "integer", "minimum": lowest, "maximum": highest}


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one path; *required* and *optional* are the fields of its body (None: it has none).

    *caller* is whose token it takes; None: anybody may ask.
    """

    path: str
    does: str
    method: str = "get"
    query: Mapping[str, Schema] = field(default_factory=dict)
    required: Mapping[str, Schema] | None = None
    optional: Mapping[str, Schema] = field(default_factory=dict)
    answers: Mapping[int, str] = field(default_factory=lambda: KNOWN)
    caller: str | None = "people"


def order(path: str, does: str, required: Mapping[str, Schema], **more: Any) -> Call:
    answers = {**REFUSED, **more.pop("answers", {})}
    return Call(path, does, "post", required=required, answers=answers, **more)


def lease(name: str, does: str, example: Mapping[str, int | str], optional: Iterable[str] = ()) -> Call:
    """A lease function; only a ledger in a file answers, and only to the operator."""
    required = {key: _like(value) for key, value in example.items() if key not in (*optional, *NULLABLE)}
    answers = {202: "will be done", 409: f"{ON_SERVER}, or is no longer as the caller believes"}
    nullable = {key: _nullable(_like(value)) for key, value in example.items() if key in NULLABLE}
    more = {**dict.fromkeys(optional, TEXT), **nullable}
    return order(f"/fence/{name}", does, required, optional=more, answers=answers, caller="operator")


def _nullable(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _like(example: int | str) -> Schema:
    return whole(0, HIGHEST) if isinstance(example, int) else TEXT


NEWEST = {"limit": whole(1, 1000)}
LOG_LINES = {
    "lines": whole(1, 1000),
    "level": one_of(*LEVELS),
    "component": TEXT,
    "since": {"type": "string", "pattern": "^[0-9]{1,4}(s|m|h)$"},
    "after": whole(0, HIGHEST),
}
HALTED = {201: "the halt that stands now"}
OTHER = {404: "no such strategy"}
HEALTH = {200: "healthy or degraded", 503: "unhealthy"}
CALLS = (
    Call("/health", "How the bot is.", answers=HEALTH, caller=None),
    Call("/api/health", "As /health.", answers=HEALTH, caller=None),
    Call("/api/openapi.json", "This page."),
    Call("/api/status", "Everything at one instant."),
    Call("/api/positions", "What is held."),
    Call("/api/orders", "Orders, newest first.", query={**NEWEST, "status": one_of("all", "open")}, answers=REFUSED),
    Call("/api/trades", "Trades at the venue, newest first.", query={**NEWEST, "symbol": TEXT}, answers=REFUSED),
    Call("/api/security/api-usage/summary", "Who calls how often."),
    Call("/api/security/audit/today", "The audit log of this day in UTC, newest first."),
    Call("/api/audit/real-trades/today", "Trades with real money today, and attempts at one."),
    Call("/api/circuit-breakers", "How the breakers stand."),
    Call("/api/strategies", "Which strategies decide, and which of them are switched on."),
    Call("/api/config/simulation-mode", "Whether prices are invented."),
    Call("/api/logs", "The newest log lines of this process.", query=LOG_LINES, answers=REFUSED),
    Call("/api/config/log-level", "The lowest level that is logged."),
    Call(
        "/api/config/log-level",
        "Sets it until the process ends.",
        "put",
        required={"level": one_of(*LEVELS)},
        answers=REFUSED,
    ),
    Call("/api/config/rate-limit", "How far apart entries and looks at the account are kept."),
    Call("/api/reports/performance", "Results of the last days.", query={"days": whole(1, 3650)}, answers=REFUSED),
    Call("/api/reports/daily-pnl", "Results of each day.", query={"days": whole(1, 3650)}, answers=REFUSED),
    Call("/api/reports/trading-summary/today", "Results of this day in UTC."),
    Call("/api/metrics/performance", "Results in sum, and ratios."),
    Call("/api/metrics/memory", "What fills the memory."),
    Call("/api/metrics/websockets", "Who listens at /ws/market, and the lines to the venue."),
    Call("/api/portfolio/summary", "Equity, cash and positions."),
    Call("/api/health/detailed", "How each part is."),
    Call("/api/health/safety", "Whether money is real, and what halts."),
    Call("/api/health/websockets", "The lines to the venue."),
    Call("/api/market-data/{exchange}/status", "How market data comes.", answers={**KNOWN, 404: "another exchange"}),
    order("/api/halt", "Halts.", {"reason": SAID}, optional={"kind": one_of(*HaltKind)}, answers=HALTED),
    order("/api/trading/disable", "Exits only, until resumed.", {}, optional={"reason": TEXT}, answers=HALTED),
    order("/api/trading/enable", "Clears what /api/trading/disable has latched.", {}, optional={"reason": TEXT}),
    order("/api/maintenance/enable", "Exits only, until maintenance ends.", {}, optional={"reason": TEXT}),
    order("/api/maintenance/disable", "Ends maintenance; other halts stay.", {}, optional={"reason": TEXT}),
    order("/api/emergency/stop-all-trading", "Halts.", {}, optional={"reason": TEXT}, answers=HALTED),
    order(
        "/api/emergency/close-all-positions", "Sells all, then halts.", {}, optional={"reason": TEXT}, answers=HALTED
    ),
    order("/api/resume", "Clears one halt.", {"id": SAID, "reason": SAID}, answers={404: "no such halt stands"}),
    order(
        "/api/reconcile",
        "Tells or mends what ledger and account differ in; only what changes something needs a reason.",
        {"action": one_of(*Action)},
        optional={
            "reason": TEXT,
            "force": one_of("true", "false"),
            "name": TEXT,
            "since": SPAN,
            "symbol": TEXT,
            "price": TEXT,
        },
        answers={409: "not done, and why"},
    ),
    order(
        "/api/config/simulation-mode",
        "Invents prices, where no money can follow them.",
        {"enabled": {"type": "boolean"}},
        answers={409: "money could follow them"},
    ),
    order("/api/strategies/enable", "Lets one enter again.", {"name": SAID}, optional={"reason": TEXT}, answers=OTHER),
    order("/api/strategies/disable", "Exits only, for one.", {"name": SAID}, optional={"reason": TEXT}, answers=OTHER),
    order(
        "/api/config/rate-limit",
        "Keeps entries and looks at the account so many milliseconds apart, for an hour; 0 ends it.",
        {"delay": whole(0, 60_000)},
        optional={"ttl_seconds": {**whole(0, 86_400), "type": ["integer", "null"]}},
    ),
    order(
        "/api/circuit-breakers/reset",
        "Closes one breaker by its name, or all.",
        {},
        optional={"name": TEXT, "reason": TEXT},
        answers={404: "no such breaker"},
    ),
    Call("/fence/status", "The row of the lease.", "post", answers={**KNOWN, 409: ON_SERVER}, caller="operator"),
    lease("claim", "Whether that process holds the row.", {"instance": "", "revision": ""}, ("revision",)),
    lease("retire", "Settles, releases and ends.", {"epoch": "1"}),
    lease("order", "Orders a hand-over, or takes it back.", ORDER),
    lease("fence", "Whether the row is at that epoch and no exit grant stands.", FENCE),
    lease("grant", "Gives an epoch away.", GRANT),
    lease("hold", "Records an exit grant.", HOLD),
)


def describing() -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return Json(document())

    return answer


def document() -> Schema:
    """The whole page, OpenAPI 3.1."""
    paths: dict[str, Schema] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method] = _operation(call)
    schemes = {name: {"type": "http", "scheme": "bearer"} for name in ("people", "operator")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "tradingbot", "version": __version__},
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }


def _operation(call: Call) -> Schema:
    made: Schema = {
        "summary": call.does,
        "responses": {str(code): _answer(text) for code, text in call.answers.items()},
    }
    in_path = [name.strip("{}") for name in call.path.split("/") if name.startswith("{")]
    made["parameters"] = [
        *({"name": name, "in": "path", "required": True, "schema": WORD} for name in in_path),
        *({"name": name, "in": "query", "schema": schema} for name, schema in call.query.items()),
    ]
    if call.method == "post" and call.caller == "people":
        made["parameters"] += [{"name": "Idempotency-Key", "in": "header", "schema": {**TEXT, "maxLength": LONGEST}}]
        made["responses"] |= {} if call.path in STOPS else {"429": _answer("too many orders: Retry-After says when")}
    made["security"] = [{call.caller: []}] if call.caller else []
    if call.required is not None:
        made["requestBody"] = _body(call.required, call.optional)
    return made


def _body(required: Mapping[str, Schema], optional: Mapping[str, Schema]) -> Schema:
    properties = {**required, **optional}
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        "description": f"at most {BODY_LIMIT} bytes, read as JSON whatever the Content-Type",
    }
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _answer(text: str) -> Schema:
    return {"description": text, "content": {"application/json": {"schema": {"type": ["object", "array"]}}}}

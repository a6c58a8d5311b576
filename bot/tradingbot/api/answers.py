"""Answers and bodies common to both ports."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tradingbot.domain.words import storable

BODY_LIMIT = 64 * 1024
# As an epoch it is never reached, and as milliseconds it is still a time that can be written.
HIGHEST = 2**47
NO_TOKEN = "the bearer token is missing or wrong: send Authorization: Bearer <token>"  # noqa: S105  # nosec B105


class BadBody(Exception):
    """The caller must send something else; the message says what."""


class BadQuery(Exception):
    """The caller must write another query; the message says which."""


class Json(Response):
    """A JSON answer of one line with a line end, so that a terminal's prompt is not glued to it."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return (
            json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(", ", ": ")).encode("utf-8", "replace")
            + b"\n"
        )


def error(code: int, sentence: str, headers: Mapping[str, str] | None = None) -> Json:
    return Json({"error": sentence}, code, {"WWW-Authenticate": "Bearer"} if code == 401 else headers)


async def body(request: Request, required: Mapping[str, str], optional: Mapping[str, str]) -> dict[str, str]:
    """The strings of the JSON body, whatever its Content-Type; raises BadBody with field, value and cure."""
    sent = await _object(request, {**required, **optional})
    for name, value in sent.items():
        if not isinstance(value, str):
            raise BadBody(f"{name} {json.dumps(value)[:80]} is not a string: write it in quotes")
    for name, example in required.items():
        if not sent.get(name, "").strip():
            raise BadBody(f'{name} is missing: send for example "{name}": "{example}"')
    return sent


async def fields(request: Request, example: Mapping[str, int | str], nullable: frozenset[str]) -> dict[str, Any]:
    """The fields of the JSON body, each of the type of its *example* or, where that is allowed, null or left out."""
    sent = await _object(request, example)
    for name, like in example.items():
        value = sent.setdefault(name, None)
        if value is None and name in nullable:
            continue
        if type(value) is not type(like) or (isinstance(value, int) and not 0 <= value <= HIGHEST):
            raise BadBody(f"{name} {json.dumps(value)[:80]} is not right: send for example {json.dumps({name: like})}")
    return sent


async def _object(request: Request, example: Mapping[str, int | str]) -> dict[str, Any]:
    sent = b""
    async for chunk in request.stream():
        sent += chunk
        if len(sent) > BODY_LIMIT:
            raise BadBody(f"the body is longer than {BODY_LIMIT} bytes: send less")
    try:
        found = json.loads(sent or b"{}")
    except ValueError:
        raise BadBody(f"the body is not JSON: send for example {json.dumps(dict(example))}") from None
    if not isinstance(found, dict):
        raise BadBody(f"the body is not an object: send for example {json.dumps(dict(example))}")
    for name in found:
        if name not in example:
            raise BadBody(f"{name} is not known here: send {', '.join(example)}")
    return {name: storable(value) if isinstance(value, str) else value for name, value in found.items()}

"""What the API says of itself is what it is: each call described, none open to a stranger, none that breaks."""

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.routing import Route
from starlette.testclient import TestClient

from desks import IDENTITY, WELL, Admitted, ListeningEngine, StoredLedger, desk
from tradingbot.api.openapi import document
from tradingbot.api.rest import http_app
from tradingbot.domain.lease import LeaseRow

ROW = LeaseRow("q3v9zk", 3, "blue", IDENTITY.instance, IDENTITY.revision, None, None, None)
TOKENS = {"people": "people", "operator": "operator"}
# 10,000 of each kind by API_REQUESTS=10000.
REQUESTS = int(os.environ.get("API_REQUESTS", "300"))
SEEDED = settings(
    max_examples=REQUESTS,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
Operation = tuple[str, str, dict[str, Any]]


def client(**tokens: str) -> TestClient:
    """A bot that trades, with *tokens* of its own."""
    admitted = {f"{name}_tokens": Admitted(token) for name, token in tokens.items()}
    served = {("api_tokens" if name == "people_tokens" else name): each for name, each in admitted.items()}
    return TestClient(http_app(desk(ListeningEngine(WELL), ledger=StoredLedger(row=ROW), **served)))


def operations() -> Iterator[Operation]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


OPERATIONS = list(operations())
GUARDED = [each for each in OPERATIONS if each[2]["security"]]


def authorization(operation: dict[str, Any], tokens: dict[str, str]) -> dict[str, str]:
    callers = [name for scheme in operation["security"] for name in scheme]
    return {"Authorization": f"Bearer {tokens[callers[0]]}"} if callers else {}


def test_each_call_is_described_and_no_other() -> None:
    """A route without a line in the page, or a line without a route, is a mistake."""
    routes = [each for each in http_app(desk()).routes if isinstance(each, Route)]
    there = {(method, route.path) for route in routes for method in (route.methods or set()) - {"HEAD"}}
    assert {(method, path) for method, path, _ in OPERATIONS} == there


def test_the_page_is_served_to_whoever_has_a_token() -> None:
    answer = client().get("/api/openapi.json", headers={"Authorization": "Bearer people"})
    assert (answer.status_code, answer.json()) == (200, document())


def test_the_token_of_another_bot_opens_nothing() -> None:
    """Neither of its two, nor ours where it is not meant; only how the bot is may be asked by anybody."""
    ours = client(people="token-of-a", operator="operator-of-a")
    theirs = [None, "", "token-of-b", "operator-of-b"]
    tried = 0
    for method, path, operation in GUARDED:
        (caller,) = operation["security"][0]
        own = {"people": "token-of-a", "operator": "operator-of-a"}
        for token in (*theirs, next(token for name, token in own.items() if name != caller)):
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            answer = ours.request(method, path.replace("{exchange}", "binance"), headers=headers, json={})
            assert (answer.status_code, "error" in answer.json()) == (401, True), (method, path, token)
            tried += 1
    assert tried == 5 * len(GUARDED) >= 5 * 30
    assert {path for _, path, operation in OPERATIONS if not operation["security"]} == {"/health", "/api/health"}


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What *schema* allows."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "null" in kinds:
        return st.none() | fitting({**schema, "type": next(kind for kind in kinds if kind != "null")})
    if kinds == ["integer"]:
        return st.integers(schema.get("minimum"), schema.get("maximum"))
    if kinds == ["boolean"]:
        return st.booleans()
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], alphabet=st.characters(codec="utf-8"))
    return st.text(max_size=20)


@st.composite
def fitting_requests(draw: st.DrawFn) -> tuple[Operation, dict[str, Any], bytes | None]:
    """A request that the page allows."""
    operation = draw(st.sampled_from(OPERATIONS))
    described = operation[2]
    query = {
        each["name"]: draw(fitting(each["schema"]))
        for each in described["parameters"]
        if each["in"] != "header" and draw(st.booleans())
    }
    if "requestBody" not in described:
        return operation, query, None
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    names = [name for name in schema["properties"] if name in schema["required"] or draw(st.booleans())]
    return operation, query, json.dumps({name: draw(fitting(schema["properties"][name])) for name in names}).encode()


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def wild_requests(draw: st.DrawFn) -> tuple[Operation, dict[str, Any], bytes | None]:
    """A request to a path that is there, otherwise whatever comes."""
    operation = draw(st.sampled_from(OPERATIONS))
    names = [each["name"] for each in operation[2]["parameters"]]
    query = draw(st.dictionaries(st.sampled_from([*names, "other"]), JUNK.map(str), max_size=3))
    schema = operation[2].get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    fields = st.sampled_from([*schema.get("properties", {}), "other"])
    body = st.binary(max_size=30) | JUNK.map(written) | st.dictionaries(fields, JUNK, max_size=4).map(written)
    return operation, query, draw(st.none() | body)


def written(value: Any) -> bytes:
    return json.dumps(value).encode()


def answered(request: tuple[Operation, dict[str, Any], bytes | None]) -> tuple[int, Any]:
    (method, path, operation), query, body = request
    url = path.replace("{exchange}", quote(query.get("exchange", "binance"), safe=""))
    headers = authorization(operation, TOKENS)
    answer = client().request(method, url, params=query, headers=headers, content=body)
    return answer.status_code, answer.json()


@SEEDED
@given(fitting_requests())
def test_what_the_page_allows_is_answered_as_it_says(request: tuple[Operation, dict[str, Any], bytes | None]) -> None:
    """Each answer has one of the codes described, and is no fault of the bot."""
    code, _ = answered(request)
    assert str(code) in request[0][2]["responses"]
    assert code < 500


@SEEDED
@given(wild_requests())
def test_what_the_page_does_not_allow_is_refused_in_a_sentence(
    request: tuple[Operation, dict[str, Any], bytes | None],
) -> None:
    """Whatever comes, nothing breaks, and whoever is refused is told why."""
    code, told = answered(request)
    assert code < 500
    assert code < 400 or told["error"].strip()


@pytest.mark.parametrize(("epoch", "code"), [(2**47, 200), (2**47 + 1, 422), (-1, 422)])
def test_a_number_that_no_ledger_holds_is_refused(epoch: int, code: int) -> None:
    """A file's integers and its times end somewhere."""
    answer = client().post("/fence/fence", headers={"Authorization": "Bearer operator"}, json={"epoch": epoch})
    assert answer.status_code == code


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(method: str) -> None:
    """405, whatever the token."""
    described = {path for known, path, _ in OPERATIONS if known == method}
    for path in {path for _, path, _ in OPERATIONS} - described:
        answer = client().request(method, path.replace("{exchange}", "binance"))
        assert answer.status_code == 405
        assert answer.json()["error"].startswith(f"{method} is not for this path: send ")


def test_a_path_that_is_not_there_is_told_where_to_look() -> None:
    answer = client().get("/api/none")
    assert (answer.status_code, answer.json()["error"]) == (404, "there is no such path: /api/openapi.json lists them")

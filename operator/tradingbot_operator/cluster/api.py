"""One client, plain dicts in and out. Every library error becomes one of ours here, named by what to do next."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode
from urllib.request import getproxies

import aiohttp
from kubernetes.aio import client, config

from tradingbot_operator.domain.bot import Manifest
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated, Refused
from tradingbot_operator.domain.kinds import BY_NAME, Kind
from tradingbot_operator.domain.names import FIELD_MANAGER

TIMEOUT_SECONDS = 20
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class Api:
    """The API server, as far as the operator uses it."""

    def __init__(self, connection: client.ApiClient) -> None:
        self._connection = connection
        self.answered_at = time.monotonic()
        self.told: Callable[[str, str], None] = _untold

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> Manifest:
        """The answer of the API server; raises ClusterUnavailable, Outdated or Refused."""
        with _translated():
            serialized = await self._connection.param_serialize(
                method,
                path,
                header_params={"Content-Type": content, "Accept": accept},
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = await self._connection.call_api(
                *serialized, _request_timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            )
            text = await answer.read()  # type: ignore[no-untyped-call]
        self.answered_at = time.monotonic()
        self.told(method, str(answer.status))
        return _judged(answer.status, text)

    async def aclose(self) -> None:
        await self._connection.close()  # type: ignore[no-untyped-call]

    async def find(self, kind: Kind, namespace: str | None, name: str) -> Manifest | None:
        """The object, or None if it certainly does not exist."""
        try:
            return await self.request("GET", kind.path(namespace, name))
        except Absent:
            return None

    async def glimpse(self, kind: Kind, namespace: str | None, name: str) -> Manifest | None:
        """The object's metadata, or None if it certainly does not exist; a Secret's content is not even read."""
        try:
            return await self.request("GET", kind.path(namespace, name), accept=METADATA)
        except Absent:
            return None

    async def list(self, kind: Kind, namespace: str | None, labels: str = "") -> tuple[Manifest, ...]:
        """Every object of *kind* with these labels."""
        return tuple([each async for each in self.each(kind, namespace, labels)])

    async def list_metadata(self, kind: Kind, namespace: str | None, labels: str = "") -> tuple[Manifest, ...]:
        """The metadata of every object of *kind* with these labels."""
        return tuple([each async for each in self.each(kind, namespace, labels, METADATA_LIST)])

    async def each(
        self, kind: Kind, namespace: str | None, labels: str = "", accept: str = "application/json"
    ) -> AsyncIterator[Manifest]:
        """The same one by one: never more than a page of them is held."""
        query = {"labelSelector": labels, "limit": "500"}
        while True:
            page = await self.request("GET", f"{kind.path(namespace)}?{urlencode(query)}", accept=accept)
            for item in page.get("items") or ():
                yield item
            proceed = page.get("metadata", {}).get("continue")
            if not proceed:
                return
            query["continue"] = proceed

    async def apply(self, manifest: Manifest, force: bool) -> Manifest:
        """The object holds all that *manifest* says, and nothing this operator said before and no longer says."""
        kind, meta = BY_NAME[manifest["apiVersion"], manifest["kind"]], manifest["metadata"]
        query = urlencode({"fieldManager": FIELD_MANAGER, "force": str(force).lower()})
        return await self.request("PATCH", f"{kind.path(meta.get('namespace'), meta['name'])}?{query}", manifest, APPLY)

    async def create(self, manifest: Manifest) -> Manifest:
        kind, meta = BY_NAME[manifest["apiVersion"], manifest["kind"]], manifest["metadata"]
        return await self.request(
            "POST", f"{kind.path(meta.get('namespace'))}?{urlencode({'fieldManager': FIELD_MANAGER})}", manifest
        )

    async def merge(self, path: str, patch: Mapping[str, Any], manager: str) -> Manifest:
        return await self.request("PATCH", f"{path}?{urlencode({'fieldManager': manager})}", dict(patch), MERGE)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str, grace: int | None = None) -> None:
        """The object with that uid is gone or going; another of its name is left alone."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
            **({"gracePeriodSeconds": grace} if grace is not None else {}),
        }
        try:
            await self.request("DELETE", kind.path(namespace, name), options)
        except Absent:
            return


class Absent(Refused):
    """There is no such object."""


def _untold(verb: str, code: str) -> None:
    """Nobody counts."""


async def connect(kubeconfig: str | None) -> Api:
    """A client for the cluster this runs in, or for *kubeconfig*; raises Refused when neither can be used."""
    settings = client.Configuration()
    try:
        if kubeconfig:
            await config.load_kube_config(kubeconfig, client_configuration=settings)  # type: ignore[no-untyped-call]
        else:
            config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
    except config.ConfigException as error:
        cure = "name a file that kubectl can use, or run inside a cluster"
        raise Refused(f"KUBECONFIG: '{kubeconfig or ''}' cannot be used ({error}); {cure}") from error
    settings.connection_pool_maxsize = 32
    # Where no proxy is set, looking for one at each request costs more than the request itself.
    settings.client_session_kwargs = {"trust_env": bool(getproxies())}
    connection = client.ApiClient(settings)
    connection.user_agent = FIELD_MANAGER
    return Api(connection)


def _judged(status: int, text: bytes) -> Manifest:
    if status < 400:
        return json.loads(text) if text else {}
    message = _message(text)
    if status == 404:
        raise Absent(message)
    if status in (409, 410):
        raise Outdated(message)
    if status == 429 or status >= 500 or status == 401:
        raise ClusterUnavailable(f"{status}: {message}")
    raise Refused(message)


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text).get("message", ""))
    except ValueError:
        return text.decode(errors="replace")[:500]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except client.ApiException as error:
        raise ClusterUnavailable(str(error.reason)) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ClusterUnavailable(str(error) or type(error).__name__) from error

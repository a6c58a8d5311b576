"""An API server in memory, for the operator's pages: it keeps objects, checks preconditions, and can die on request."""

import copy
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

from tradingbot_operator.domain.errors import Outdated, Refused
from tradingbot_operator.domain.kinds import BOT, BY_NAME, DEPLOYMENT, Kind

Json = dict[str, Any]


class Died(Exception):
    """The operator's process ended here: before the request, or after it had its effect."""


class FakeApi:
    """As cluster.api.Api. *dies_at* counts requests; the fatal one has its effect only when *after* is true.

    *strike* is asked at every write instead, where it is set: what it raises before or after is what the caller meets.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Json] = {}
        self.requests = 0
        self.dies_at: int | None = None
        self.after = False
        self.written: list[str] = []
        self.listed: list[str] = []
        self.strike: Callable[[str, bool], None] | None = None
        self._versions = itertools.count(100)

    def _step(self) -> bool:
        """Whether the process dies after this request; dies before it otherwise, if it is to."""
        self.requests += 1
        if self.requests != self.dies_at:
            return False
        if not self.after:
            raise Died
        return True

    def put(self, body: Json, bump: bool = True) -> Json:
        meta = body["metadata"]
        where = (body["kind"], meta.get("namespace", ""), meta["name"])
        old = self.objects.get(where)
        meta.setdefault("uid", old["metadata"]["uid"] if old else f"uid-{next(self._versions)}")
        meta.setdefault("creationTimestamp", old["metadata"]["creationTimestamp"] if old else "2026-11-21T13:00:00Z")
        generation = old["metadata"].get("generation", 1) if old else 1
        if old and bump and old.get("spec") != body.get("spec"):
            generation += 1
        if body["kind"] in (BOT.kind, DEPLOYMENT.kind):
            meta["generation"] = generation
        same = old is not None and {**old["metadata"], "resourceVersion": ""} == {**meta, "resourceVersion": ""}
        if same and {k: v for k, v in old.items() if k != "metadata"} == {
            k: v for k, v in body.items() if k != "metadata"
        }:
            return copy.deepcopy(old)
        meta["resourceVersion"] = str(next(self._versions))
        self.objects[where] = body
        return copy.deepcopy(body)

    def of(self, kind: str) -> list[Json]:
        return [body for (known, _, _), body in sorted(self.objects.items()) if known == kind]

    def one(self, kind: str, name: str) -> Json | None:
        return self.objects.get((kind, "trading", name))

    async def find(self, kind: Kind, namespace: str | None, name: str) -> Json | None:
        dies = self._step()
        body = copy.deepcopy(self.objects.get((kind.kind, namespace or "", name)))
        if dies:
            raise Died
        return body

    glimpse = find

    async def list(self, kind: Kind, namespace: str | None, labels: str = "") -> tuple[Json, ...]:
        dies = self._step()
        self.listed.append(kind.kind)
        wanted = dict(pair.split("=") for pair in labels.split(",") if "=" in pair)
        named = {name for name in labels.split(",") if name and "=" not in name}
        found = tuple(
            copy.deepcopy(body)
            for body in self.of(kind.kind)
            if namespace in (None, body["metadata"].get("namespace"))
            and wanted.items() <= (body["metadata"].get("labels") or {}).items()
            and named <= (body["metadata"].get("labels") or {}).keys()
        )
        if dies:
            raise Died
        return found

    list_metadata = list

    async def each(self, kind: Kind, namespace: str | None, labels: str = "") -> AsyncIterator[Json]:
        for body in await self.list(kind, namespace, labels):
            yield body

    async def apply(self, manifest: Json, force: bool) -> Json:
        return self._write("apply", manifest["kind"], lambda: self._applied(copy.deepcopy(manifest)))

    def _applied(self, body: Json) -> Json:
        old = self.objects.get((body["kind"], body["metadata"]["namespace"], body["metadata"]["name"]))
        uid = body["metadata"].get("uid")
        if uid and (old is None or old["metadata"]["uid"] != uid):
            raise Outdated("uid")
        return self.put(body)

    async def create(self, manifest: Json) -> Json:
        where = (manifest["kind"], manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        if where in self.objects:
            raise Outdated("exists")
        return self._write("create", manifest["kind"], lambda: self.put(copy.deepcopy(manifest)))

    async def merge(self, path: str, patch: Json, manager: str) -> Json:
        body = self._at(path.removesuffix("/status"))
        version = patch.get("metadata", {}).get("resourceVersion")
        if version and version != body["metadata"]["resourceVersion"]:
            raise Outdated("written")
        merged = _merged(body, {k: v for k, v in patch.items() if k != "metadata"})
        meta = {k: v for k, v in patch.get("metadata", {}).items() if k not in ("resourceVersion", "uid")}
        merged["metadata"] = _merged(body["metadata"], meta)
        return self._write("merge", body["kind"], lambda: self.put(merged))

    async def request(self, method: str, path: str, patch: Any, content: str = "") -> Json:
        body = copy.deepcopy(self._at(path))
        test, _ = patch
        index = int(test["path"].rpartition("/")[2])
        if body["metadata"]["finalizers"][index] != test["value"]:
            raise Refused("test failed")
        del body["metadata"]["finalizers"][index]

        def removed() -> Json:
            if not body["metadata"]["finalizers"] and "deletionTimestamp" in body["metadata"]:
                del self.objects[body["kind"], body["metadata"]["namespace"], body["metadata"]["name"]]
                return body
            return self.put(body)

        return self._write("release", body["kind"], removed)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str, grace: int | None = None) -> None:
        self._write("delete", kind.kind, lambda: self.objects.pop((kind.kind, namespace, name), {}))

    def _write(self, verb: str, kind: str, effect: Any) -> Json:
        dies = self._step()
        if self.strike is not None:
            self.strike(f"{verb} {kind}", False)
        answer = effect()
        self.written.append(f"{verb} {kind}")
        if self.strike is not None:
            self.strike(f"{verb} {kind}", True)
        if dies:
            raise Died
        return answer

    def _at(self, path: str) -> Json:
        *_, namespace, plural, name = path.split("/")
        kind = next(each for each in BY_NAME.values() if each.plural == plural)
        found = self.objects.get((kind.kind, namespace, name))
        if found is None:
            raise Refused("absent")
        return copy.deepcopy(found)


def _merged(old: Any, patch: Any) -> Any:
    if not isinstance(patch, dict) or not isinstance(old, dict):
        return copy.deepcopy(patch)
    kept = {key: value for key, value in old.items() if key not in patch}
    changed = {key: _merged(old.get(key, {}), value) for key, value in patch.items() if value is not None}
    return {**kept, **changed}

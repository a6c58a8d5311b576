"""A stand-in in a process of its own for what makes pods of Deployments, with bots (standin.py) behind their addresses.

``python tests/bench/kubelet.py URL TOKEN AUTHORITY`` runs until it is ended. Every pod has an address of its own in
127.0.0.0/8, so this belongs into a network of its own; ports 9090 and 8000 answer as the bot with that address.
"""

import asyncio
import itertools
import json
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from standin import Bots, Pod

Json = dict[str, Any]
OWN = "app.kubernetes.io/managed-by%3Dtradingbot-operator"
DEPLOYMENTS = f"/apis/apps/v1/deployments?labelSelector={OWN}"
STRATEGIC = "application/strategic-merge-patch+json"
AT_ONCE = 8


def address(number: int) -> str:
    """The loopback address of pod *number*; 127.0.x.x stays free for the machine itself."""
    return f"127.{1 + (number >> 16)}.{(number >> 8) & 255}.{number & 255}"


@dataclass
class Pods:
    """Which pod each Deployment has, and which address is whose."""

    session: ClientSession
    url: str
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    pods: dict[tuple[str, str], Pod] = field(default_factory=dict)
    bots: Bots = field(default_factory=Bots)
    limit: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    lines: dict[tuple[str, str], asyncio.Lock] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: object = None, content: str = "application/json") -> Json:
        async with self.session.request(
            method, self.url + path, data=json.dumps(body), headers={"Content-Type": content}
        ) as answer:
            return await answer.json()

    async def changed(self, deployment: Json) -> None:
        """The Deployment has the pod that it asks for, and says so."""
        meta, spec = deployment["metadata"], deployment["spec"]
        key = (meta["namespace"], meta["name"])
        async with self.lines.setdefault(key, asyncio.Lock()), self.limit:
            old, wanted = self.pods.get(key), spec.get("replicas", 1)
            revision = spec["template"]["metadata"]["labels"]["tradingbot.io/revision"]
            if old and (not wanted or old.revision != revision):
                await self.removed(key)
                old = None
            if wanted and old is None:
                await self.created(key, deployment, revision)
            if (deployment.get("status") or {}).get("observedGeneration") != meta["generation"]:
                await self.said(key, meta["generation"], wanted)

    async def removed(self, key: tuple[str, str]) -> None:
        old = self.pods.pop(key, None)
        if old:
            self.bots.died(old)
            options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
            await self.ask("DELETE", f"/api/v1/namespaces/{key[0]}/pods/{old.name}", options)

    async def created(self, key: tuple[str, str], deployment: Json, revision: str) -> None:
        """A pod of the template that is ready at once."""
        number = next(self.numbers)
        template, name, ip = deployment["spec"]["template"], f"{key[1]}-{number}", address(number)
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": key[1], "uid": deployment["metadata"]["uid"]}
        meta = {**template["metadata"], "name": name, "namespace": key[0], "ownerReferences": [owner]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}
        made = await self.ask("POST", f"/api/v1/namespaces/{key[0]}/pods", body)
        if "uid" not in made["metadata"]:
            raise RuntimeError(f"the pod {name} was refused: {made}")
        self.pods[key] = known = Pod(name, ip, made["metadata"]["uid"], revision, *key)
        self.bots.born(known)
        ready = {"type": "Ready", "status": "True"}
        status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "conditions": [ready]}
        await self.ask("PATCH", f"/api/v1/namespaces/{key[0]}/pods/{name}/status", {"status": status}, STRATEGIC)

    async def said(self, key: tuple[str, str], generation: int, count: int) -> None:
        names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = {"observedGeneration": generation} | dict.fromkeys(names, count)
        path = f"/apis/apps/v1/namespaces/{key[0]}/deployments/{key[1]}/status"
        await self.ask("PATCH", path, {"status": status}, "application/merge-patch+json")

    async def events(self) -> AsyncIterator[Json]:
        """What stands, then what happens."""
        listed = await self.ask("GET", DEPLOYMENTS)
        for item in listed["items"]:
            yield {"type": "ADDED", "object": item}
        version = listed["metadata"]["resourceVersion"]
        async with self.session.get(f"{self.url}{DEPLOYMENTS}&watch=true&resourceVersion={version}") as answer:
            async for line in lines(answer.content):
                yield json.loads(line)

    async def run(self) -> None:
        under_way: set[asyncio.Task[None]] = set()
        async for event in self.events():
            meta = event["object"]["metadata"]
            gone = event["type"] == "DELETED"
            done = self.removed((meta["namespace"], meta["name"])) if gone else self.changed(event["object"])
            under_way.add(task := asyncio.ensure_future(done))
            task.add_done_callback(under_way.discard)


async def lines(content: Any) -> AsyncIterator[bytes]:
    """Whole lines, however long they are."""
    rest = b""
    async for part in content.iter_any():
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line


async def main(url: str, token: str, authority: str) -> None:
    connector = TCPConnector(ssl=ssl.create_default_context(cafile=authority), limit=0)
    headers = {"Authorization": f"Bearer {token}"}
    async with ClientSession(connector=connector, headers=headers, timeout=ClientTimeout(total=None)) as session:
        pods = Pods(session, url)
        runner = web.AppRunner(pods.bots.application(), access_log=None)
        await runner.setup()
        for port in (9090, 8000):
            await web.TCPSite(runner, "0.0.0.0", port).start()
        await pods.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))

"""A thousand objects made, changed and followed until each is current, from one process."""

import asyncio
import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

from aiohttp import ClientSession, TCPConnector
from meters import until

from apiserver import ApiServer

Json = dict[str, Any]
Current = Callable[[Json], bool]
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
AT_ONCE = 8
NAMESPACE = "fleet"
STARTED = time.monotonic()


def sent(server: ApiServer, method: str, requests: Iterable[tuple[str, Json]], content: str) -> float:
    """Seconds until all *requests* (path, body) were accepted, eight under way at a time."""
    return asyncio.run(_sent(server, method, list(requests), content))


async def _sent(server: ApiServer, method: str, requests: list[tuple[str, Json]], content: str) -> float:
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": content}
    connector = TCPConnector(ssl=ssl.create_default_context(cafile=str(server.authority)))
    left, since = iter(requests), time.monotonic()
    async with ClientSession(connector=connector, headers=headers) as session:

        async def line() -> None:
            for path, body in left:
                async with session.request(method, server.url + path, data=json.dumps(body)) as answer:
                    if answer.status not in (200, 201):
                        raise AssertionError(f"{method} {path}: {answer.status} {(await answer.text())[:400]}")

        await asyncio.gather(*(line() for _ in range(AT_ONCE)))
    return time.monotonic() - since


@dataclass
class Following:
    """A watch in a thread of its own, which knows which objects are current and when the last became so."""

    server: ApiServer
    path: str
    current: Current
    bodies: dict[str, bool] = field(default_factory=dict)
    at: float = 0.0
    generation: int = 0

    def start(self) -> "Following":
        """The watch runs; a definition that is new is served only after a moment."""
        deadline = time.monotonic() + 30
        while self.server.request("GET", f"{self.path}?watch=true&timeoutSeconds=1")[0] != 200:
            assert time.monotonic() < deadline, f"{self.path} is not served"
            time.sleep(0.2)
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def _run(self) -> None:
        context = ssl.create_default_context(cafile=str(self.server.authority))
        url = f"{self.server.url}{self.path}?watch=true&timeoutSeconds=7200"
        request = Request(url, headers={"Authorization": f"Bearer {self.server.token}"})
        # Over with the API server.
        with contextlib.suppress(OSError):
            while True:
                # A definition that was just made ends its first watches with an error; all is told anew by the next.
                with urlopen(request, context=context) as lines:
                    self._read(lines)
                time.sleep(0.2)

    def _read(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            self.seen(event["object"])

    def seen(self, body: Json) -> None:
        name, meta = body["metadata"]["name"], body["metadata"]
        now = meta.get("generation", 0) >= self.generation and self.current(body)
        if now and not self.bodies.get(name):
            self.at = time.monotonic()
        self.bodies[name] = now

    def expect(self, generation: int) -> None:
        """From now on only objects of at least *generation* are current."""
        self.generation = generation
        self.bodies = dict.fromkeys(self.bodies, False)

    def count(self) -> int:
        return sum(self.bodies.values())


def bot_is_current(body: Json) -> bool:
    """The operator has seen this generation, and nothing of it is left to do."""
    status = body.get("status") or {}
    reconciling = [each["status"] for each in status.get("conditions") or () if each["type"] == "Reconciling"]
    return status.get("observedGeneration") == body["metadata"]["generation"] and reconciling in (["False"], [])


def rollout_is_current(body: Json) -> bool:
    """Argo has seen this generation and made its ReplicaSet."""
    status = body.get("status") or {}
    return status.get("observedGeneration") == str(body["metadata"]["generation"]) and bool(
        status.get("currentPodHash")
    )


def named(number: int) -> str:
    return f"bot-{number:05d}"


def edit(path: str, number: int, spec: Json) -> tuple[str, Json]:
    return f"{path}/{named(number)}", {"spec": spec}


def say(text: str) -> None:
    print(f"{time.monotonic() - STARTED:7.1f} s  {text}", flush=True)


def all_current(following: Following, count: int, since: float, within: float) -> float:
    """Seconds from *since* until all *count* objects were current."""
    try:
        until(lambda: following.count() >= count, within)
    except AssertionError:
        raise AssertionError(f"{following.count()} of {count} became current within {within} s") from None
    say(f"{count} current {following.at - since:.1f} s after the request")
    return following.at - since

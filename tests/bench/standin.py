"""Stand-ins for bots with an embedded ledger: each has a lease row, claims, stands by, and hands over when ordered."""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Json = dict[str, Any]
SCHEMA = {"code": "0002", "ledger": "0002"}


@dataclass(frozen=True)
class Pod:
    """A pod as its Deployment asked for it."""

    name: str
    ip: str
    uid: str
    revision: str
    namespace: str
    deployment: str

    @property
    def bot(self) -> str:
        return self.deployment.rpartition("-")[0]

    @property
    def colour(self) -> str:
        return self.deployment.rpartition("-")[2]

    @property
    def instance(self) -> str:
        return f"{self.uid}/1"


@dataclass
class Ledger:
    """The lease row of one bot, and who shows life beside it."""

    epoch: int = 0
    holder: str = "blue"
    instance: str | None = None
    revision: str | None = None
    living: dict[str, Pod] = field(default_factory=dict)

    def born(self, pod: Pod) -> None:
        """The process claims if the row lets it; else it stands by."""
        alone = self.instance is None or self.instance not in {each.instance for each in self.living.values()}
        self.living[pod.uid] = pod
        if pod.colour == self.holder and alone and self.revision in (None, pod.revision):
            self._named(pod.colour, pod.instance, pod.revision)

    def _named(self, holder: str, instance: str, revision: str) -> None:
        self.epoch, self.holder, self.instance, self.revision = self.epoch + 1, holder, instance, revision

    def order(self, body: Json) -> bool:
        """A trader that has nothing in flight releases at once."""
        if body["epoch"] != self.epoch or body["successor"] is None:
            return body["epoch"] == self.epoch
        self._named(*body["successor"].split(" "))
        return True

    def grant(self, body: Json) -> bool:
        if body["expected"] != self.epoch:
            return False
        self._named(body["holder"], body["instance"] or "", body["revision"])
        self.instance = body["instance"]
        for pod in list(self.living.values()):
            self.born(pod)
        return True

    def state(self) -> Json:
        signs = [
            {
                "instance": each.instance,
                "role": "trader" if each.instance == self.instance else "standby",
                "silent_ms": 9,
            }
            for each in self.living.values()
        ]
        row = {"epoch": self.epoch, "holder": self.holder, "instance": self.instance, "revision": self.revision}
        rest = {"successor": None, "order_left_ms": None, "released": False, "hold_left_ms": None, "guard_ms": 3000}
        return {"ledger_id": "q3v9zk", **row, **rest, "heartbeats": signs}

    def said_by(self, pod: Pod) -> Json:
        """The process' ``/status``."""
        trades = pod.instance == self.instance
        adoption = {"epoch": self.epoch, "result": "adopted", "adopted": 0, "milliseconds": 1}
        return {
            "bot": pod.bot,
            "namespace": pod.namespace,
            "colour": pod.colour,
            "revision": pod.revision,
            "instance": pod.instance,
            "holder": self.holder,
            "state": "trading" if trades else "standby",
            "trading_active": trades,
            "epoch": self.epoch if trades else None,
            "highest_epoch": self.epoch,
            "ledger_id": "q3v9zk",
            "halts": [],
            "equity": "10000",
            "exchange": "ok",
            "database": "ok",
            "unresolved": 0,
            "journal": 0,
            "schema": SCHEMA,
            "adoption": adoption if trades else None,
        }


class Bots:
    """All bots of one machine, each reached at the addresses of its pods."""

    def __init__(self) -> None:
        self.pods: dict[str, Pod] = {}
        self.ledgers: dict[tuple[str, str], Ledger] = {}

    def born(self, pod: Pod) -> None:
        self.pods[pod.ip] = pod
        self.ledgers.setdefault((pod.namespace, pod.bot), Ledger()).born(pod)

    def died(self, pod: Pod) -> None:
        del self.pods[pod.ip]
        self.ledgers[pod.namespace, pod.bot].living.pop(pod.uid, None)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/status", self._status)
        app.router.add_post("/fence/{verb}", self._fence)
        return app

    def _asked(self, request: web.Request) -> tuple[Pod, Ledger]:
        assert request.transport is not None
        pod = self.pods.get(request.transport.get_extra_info("sockname")[0])
        if pod is None:
            raise web.HTTPNotFound
        return pod, self.ledgers[pod.namespace, pod.bot]

    async def _status(self, request: web.Request) -> web.StreamResponse:
        pod, ledger = self._asked(request)
        return web.json_response(ledger.said_by(pod))

    async def _fence(self, request: web.Request) -> web.StreamResponse:
        _, ledger = self._asked(request)
        verb, body = request.match_info["verb"], await request.json()
        done = {"order": ledger.order, "grant": ledger.grant}.get(verb, lambda _: True)(body)
        return web.json_response({"done": done, **ledger.state()})

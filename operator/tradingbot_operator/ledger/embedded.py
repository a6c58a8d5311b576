"""The lease functions of an embedded ledger: the operator cannot write the file, so it asks a pod that has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from tradingbot_operator.domain.lease import Fenced, LeaseRow, LedgerAway, Sign, Successor

# The first pod may stand still, and a hand-over waits for it; a pod that works answers within milliseconds.
PATIENCE = aiohttp.ClientTimeout(total=0.5)
# A write may have to wait for the file; given up too soon, it is not known whether it came.
WRITING = aiohttp.ClientTimeout(total=1.5)


@dataclass(frozen=True, slots=True)
class Pods:
    """Where to ask, the holder's pod first, and the operator's token."""

    urls: tuple[str, ...]
    token: str


class EmbeddedDoor:
    """A LeaseDoor. Every function changes the row only if it still is as believed, so the next pod may be asked too.

    A process cannot be shut out of a file from afar: ``fence`` is for when the pod of the holder is seen to be gone.
    """

    def __init__(self, http: aiohttp.ClientSession, pods: Pods) -> None:
        self._http, self._pods = http, pods

    async def row(self) -> LeaseRow:
        """The row as it is now, by the clock of the node."""
        return read(await self._ask("status", {}))

    async def order(self, epoch: int, expected: Successor | None, successor: Successor | None, lasts_ms: int) -> bool:
        texts = {"expected": expected.text if expected else None, "successor": successor.text if successor else None}
        return await self._done("order", {"epoch": epoch, **texts, "lasts_ms": lasts_ms})

    async def fence(self, epoch: int) -> Fenced | None:
        """The epoch is still the one of the pod that is gone; None: another one, or an exit grant stands."""
        answer = await self._ask("fence", {"epoch": epoch})
        if not answer.get("done"):
            return None
        guard = answer.get("guard_ms")
        if not isinstance(guard, int):
            raise LedgerAway("the bot does not tell how long its requests live; update its image")
        return Fenced(guard)

    async def admit(self, holder: str) -> bool:  # noqa: ARG002
        """There is no login to a file, so nobody was ever shut out."""
        return True

    async def grant(self, expected: int, new: int, successor: Successor) -> bool:
        to = {"holder": successor.holder, "instance": successor.instance or None, "revision": successor.revision}
        return await self._done("grant", {"expected": expected, "new": new, **to})

    async def hold(self, epoch: int, instance: str, lasts_ms: int) -> bool:
        return await self._done("hold", {"epoch": epoch, "instance": instance, "lasts_ms": lasts_ms})

    async def close(self) -> None:
        """Nothing is open: the connections are those of the whole operator."""

    async def _done(self, verb: str, body: Mapping[str, Any]) -> bool:
        return (await self._ask(verb, body)).get("done") is True

    async def _ask(self, verb: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        said = ["no pod has an address"] if not self._pods.urls else []
        for url in self._pods.urls:
            answer = await self._ask_one(f"{url}/fence/{verb}", body)
            if not isinstance(answer, str):
                return answer
            said.append(answer)
        raise LedgerAway(f"the embedded ledger cannot be asked: {'; '.join(said)}")

    async def _ask_one(self, url: str, body: Mapping[str, Any]) -> Mapping[str, Any] | str:
        """What that pod answers, or why it does not."""
        bearer = {"Authorization": f"Bearer {self._pods.token}"}
        patience = WRITING if body else PATIENCE
        try:
            async with self._http.post(url, json=body, headers=bearer, timeout=patience) as answer:
                told = await answer.json(content_type=None)
                if answer.status == 200 and isinstance(told, dict):
                    return told
                said = told.get("error") if isinstance(told, dict) else None
                return f"{url} answers {answer.status}: {said or 'nothing that can be read'}"
        except TimeoutError:
            return f"{url} does not answer in time"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return f"{url}: {error or type(error).__name__}"


def read(answer: Mapping[str, Any]) -> LeaseRow:
    """The row in an answer of ``/fence/status``."""
    try:
        successor = answer["successor"]
        return LeaseRow(
            ledger_id=str(answer["ledger_id"]),
            epoch=int(answer["epoch"]),
            holder=str(answer["holder"]),
            instance=answer["instance"],
            revision=answer["revision"],
            successor=Successor.parse(successor) if successor else None,
            order_left_ms=answer["order_left_ms"],
            released=bool(answer["released"]),
            hold_left_ms=answer["hold_left_ms"],
            signs=tuple(Sign(str(s["instance"]), str(s["role"]), int(s["silent_ms"])) for s in answer["heartbeats"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerAway(f"the bot's answer to /fence/status cannot be read: {error}") from error

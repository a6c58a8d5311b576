"""A real ``atb`` process with everything a pod mounts, in a folder of its own."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOKEN, OPERATOR = "people-may-ask-0123456789", "operator-may-fence-0123456789"
ATB = str(Path(sys.executable).with_name("atb"))


def settings(folder: Path, **changes: Any) -> dict[str, Any]:
    """Settings as the operator renders them, with the pod's paths below *folder*."""
    http, ops = free_port(), free_port()
    made = {
        "bot": {"name": "btc", "namespace": "trading", "cluster": "c0ffee"},
        "mode": "paper",
        "exchange": {"name": "binance", "symbols": ["BTC/USDT"]},
        "strategy": {"name": "sma_cross", "timeframe": "1m", "parameters": {"fast": "3", "slow": "8"}},
        "database": {"mode": "embedded", "path": f"{folder}/data/state/ledger.sqlite"},
        "paths": {"data": f"{folder}/data", "podinfo": f"{folder}/podinfo/annotations", "secrets": f"{folder}/secrets"},
        "listen": {"http": f"127.0.0.1:{http}", "ops": f"127.0.0.1:{ops}"},
    }
    for name, value in changes.items():
        made[name] = {**made[name], **value} if isinstance(value, dict) and name in made else value
    return made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mounted(folder: Path, rendered: dict[str, Any], keys: str | None = None, url: str | None = None) -> dict[str, str]:
    """The pod's files below *folder*, with the exchange's *keys* and the database's *url*; its environment."""
    for name in ("data/state", "data/cache", "data/models", "podinfo", "secrets/api", "secrets/operator"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(rendered))
    (folder / "podinfo/annotations").write_text('kubernetes.io/config.source="api"\n')
    (folder / "secrets/api/token").write_text(TOKEN)
    (folder / "secrets/operator/token").write_text(OPERATOR)
    if keys:
        (folder / "secrets/exchange").mkdir(exist_ok=True)
        for name in ("apiKey", "secret"):
            (folder / "secrets/exchange" / name).write_text(keys)
    if url:
        (folder / "secrets/database").mkdir(exist_ok=True)
        (folder / "secrets/database/url").write_text(url)
    return {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(folder),
        "TRADINGBOT_SETTINGS": str(folder / "settings.json"),
        "TRADINGBOT_COLOUR": "blue",
        "TRADINGBOT_REVISION": "0123456789abcdef0123",
        "POD_NAME": "btc-blue-0",
        "POD_UID": f"uid-of-{folder.name}",
        "POD_NAMESPACE": "trading",
    }


@dataclass
class Pod:
    """A running ``atb`` with its folder."""

    folder: Path
    rendered: dict[str, Any]
    environment: dict[str, str]
    process: asyncio.subprocess.Process
    began: float
    lines: list[str] = field(default_factory=list)

    async def ops(self, path: str) -> tuple[int, Any]:
        return await asked(f"http://{self.rendered['listen']['ops']}{path}")

    async def api(self, path: str, body: Any = None, token: str | None = TOKEN, **headers: str) -> tuple[int, Any]:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return await asked(f"http://{self.rendered['listen']['http']}{path}", body, headers)

    async def status(self) -> dict[str, Any]:
        return (await self.ops("/status"))[1]

    async def until(self, condition: Callable[[dict[str, Any]], object], seconds: float = 30) -> dict[str, Any]:
        """The status as soon as *condition* holds of it."""
        ends, seen = time.monotonic() + seconds, None
        while time.monotonic() < ends:
            assert self.process.returncode is None, f"atb ended: {self.log[-3000:]}"
            with contextlib.suppress(OSError):
                seen = await self.status()
                if condition(seen):
                    return seen
            await asyncio.sleep(0.02)
        tail = "\n".join(self.log.splitlines()[-15:])
        raise AssertionError(f"the condition did not come true: {seen}\n{tail}")

    async def atb(self, *arguments: str) -> tuple[int, str, str]:
        """What another ``atb`` in this pod says, as through kubectl exec."""
        done = await asyncio.create_subprocess_exec(
            ATB, *arguments, env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await done.communicate()
        return int(done.returncode or 0), out.decode(), err.decode()

    async def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        if self.process.returncode is None:
            self.process.send_signal(sign)
        return await asyncio.wait_for(self.process.wait(), 60)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextlib.asynccontextmanager
async def pod(
    folder: Path, rendered: dict[str, Any], keys: str | None = None, url: str | None = None, **variables: str
) -> AsyncIterator[Pod]:
    """``atb`` as the pod starts it, with other *variables* if named; ended when the context is left."""
    environment = {**mounted(folder, rendered, keys, url), **variables}
    command = "live" if rendered["mode"] == "live" else "paper"
    with (folder / "log").open("ab") as log:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(ATB, command, env=environment, stdout=log, stderr=log)
    made = Pod(folder, rendered, environment, process, began)
    try:
        yield made
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def asked(url: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Status and JSON (or text) of one request; OSError when nobody listens."""
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers or {}, method="POST" if data is not None else "GET")
    return await asyncio.to_thread(_sent, request)


def _sent(request: urllib.request.Request) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, _read(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, _read(error.read())


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode()


class Line:
    """A way to a server that can be made to stand still: nothing is refused, nothing comes through."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._flows = asyncio.Event()
        self._flows.set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.port = 0

    def stand(self) -> None:
        self._flows.clear()

    def flow(self) -> None:
        self._flows.set()

    def lead_to(self, port: int) -> None:
        """Who connects from now on reaches another server."""
        self._to = port

    async def __aenter__(self) -> "Line":
        self._server = await asyncio.start_server(self._taken, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._pumps:
            task.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        for pair in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pump(*pair))
            self._pumps.add(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

"""A reverse proxy in front of an API server: it counts the requests that change something, and spoils one of them."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

from aiohttp import ClientSession, ClientTimeout, StreamReader, TCPConnector, web

from apiserver import ApiServer

CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
# They are the operator's own, and no bot's.
APART = ("/leases/",)
MODES = ("kill-before", "kill-after", "error-after", "conflict", "duplicate")
HOP = {"host", "content-length", "transfer-encoding", "connection", "content-encoding"}
Write = tuple[str, str]
# What may happen to a watch: each event late, every second one missing, each twice, two neighbours swapped, the version
# too old for the server, or a line that stays open and says nothing more.
WATCH_FAULTS = ("late", "missing", "twice", "swapped", "gone", "silent")
GONE = (
    b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","code":410,"reason":"Expired"}}\n'
)


@dataclass
class Proxy:
    """The *point*-th write that names *about* is spoiled in *mode*; *kill* ends the operator as the kernel would."""

    server: ApiServer
    kill: Callable[[], None] = lambda: None
    about: str = ""
    point: int = 0
    mode: str = ""
    writes: list[Write] = field(default_factory=list)
    url: str = ""
    watch_fault: str = ""

    def arm(self, about: str, point: int = 0, mode: str = "") -> None:
        self.about, self.point, self.mode, self.writes = about, point, mode, []

    async def forward(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        mode = self._met(request, body)
        if mode == "kill-before":
            self.kill()
            return web.Response(status=502)
        if mode == "conflict":
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Conflict", "code": 409}
            return web.json_response(status | {"message": "the object has been modified"}, status=409)
        if mode == "duplicate":
            await self._passed(request, body, keep=False)
        answer = await self._passed(request, body, keep=mode not in ("kill-after", "error-after"))
        if mode == "kill-after":
            self.kill()
        if mode in ("kill-after", "error-after"):
            return web.Response(status=500, text="spoiled")
        return answer

    def _met(self, request: web.Request, body: bytes) -> str:
        """The mode in which this request is to be spoiled, or nothing."""
        counts = request.method in CHANGES and not any(each in request.path + "/" for each in APART)
        if not counts or not self.about or self.about.encode() not in request.path.encode() + body:
            return ""
        self.writes.append((request.method, request.path))
        return self.mode if len(self.writes) == self.point else ""

    async def _passed(self, request: web.Request, body: bytes, keep: bool) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        session: ClientSession = request.app["session"]
        url = self.server.url + request.raw_path
        async with session.request(request.method, url, headers=headers, data=body or None) as answer:
            if not keep:
                await answer.read()
                return web.Response()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
            streamed = web.StreamResponse(status=answer.status, headers=kept)
            # The caller may be gone: it was killed, or its watch was replaced.
            with contextlib.suppress(ConnectionError):
                await streamed.prepare(request)
                watch = "watch" in request.query
                async for part in self._told(answer.content) if watch else answer.content.iter_any():
                    await streamed.write(part)
                await streamed.write_eof()
            return streamed

    async def _told(self, content: StreamReader) -> AsyncIterator[bytes]:
        """The lines of a watch, as the fault that is set at the moment lets them through."""
        number, held = 0, b""
        async for line in whole_lines(content):
            number += 1
            match self.watch_fault:
                case "late":
                    await asyncio.sleep(1.5)
                    yield line
                case "missing" if number % 2:
                    continue
                case "twice":
                    yield line + line
                case "swapped" if not held:
                    held = line
                    continue
                case "gone":
                    yield GONE
                    return
                case "silent":
                    await asyncio.Event().wait()
                case _:
                    yield line + held
                    held = b""

    async def _serve(self, ready: threading.Event, ended: asyncio.Event) -> None:
        app = web.Application(client_max_size=32 * 1024**2)
        context = ssl.create_default_context(cafile=str(self.server.authority))
        timeout = ClientTimeout(total=None)
        async with ClientSession(
            connector=TCPConnector(ssl=context, limit=0), timeout=timeout, auto_decompress=True
        ) as session:
            app["session"] = session
            app.router.add_route("*", "/{path:.*}", self.forward)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            ready.set()
            await ended.wait()
            await runner.cleanup()
            # Watches that were cut in silence wait for ever.
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)

    @contextlib.contextmanager
    def running(self) -> Iterator["Proxy"]:
        """It listens on loopback while the block runs."""
        loop, ready = asyncio.new_event_loop(), threading.Event()
        ended = asyncio.Event()
        thread = threading.Thread(target=lambda: loop.run_until_complete(self._serve(ready, ended)), daemon=True)
        thread.start()
        ready.wait(10)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join(10)


async def whole_lines(content: StreamReader) -> AsyncIterator[bytes]:
    """Lines with their ends, however long they are."""
    rest = b""
    async for part in content.iter_any():
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line + b"\n"

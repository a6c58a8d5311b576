"""What a kubelet answers when somebody reads the log of a container; the lines are those the process wrote."""

import contextlib
import http.server
import json
import pathlib
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apiserver import ApiServer

NODE, PORT = "n", 10250
POLL_SECONDS = 0.05


class Container(Protocol):
    """A container that runs or has run: its log, and where in it each of its processes began."""

    folder: pathlib.Path
    starts: list[int]


class Kubelet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: str, found: Callable[[str], Container | None], certificates: pathlib.Path) -> None:
        super().__init__((address, PORT), Answer)
        self.found = found
        self.ends = threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)


class Answer(http.server.BaseHTTPRequestHandler):
    server: Kubelet

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        asked = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        kind, _, pod, container = url.path.strip("/").split("/")
        found = self.server.found(pod) if (kind, container) == ("containerLogs", "bot") else None
        spans = [*found.starts, None] if found else []
        begins = len(spans) - (3 if asked.get("previous") == "true" else 2)
        if found is None or begins < 0:
            self.send_error(400, f'previous terminated container "{container}" in pod "{pod}" not found')
            return
        start, end = spans[begins], spans[begins + 1]
        self.send_response(200)
        self.end_headers()
        text = (found.folder / "log").read_bytes()[start:end]
        self.wfile.write(b"".join(chosen(text.splitlines(keepends=True), asked)))
        if asked.get("follow") == "true":
            self._follow(found.folder / "log", start + len(text))

    def _follow(self, path: pathlib.Path, at: int) -> None:
        """What is written from now on, until whoever reads goes away."""
        with contextlib.suppress(OSError), path.open("rb") as log:
            log.seek(at)
            while not self.server.ends.wait(POLL_SECONDS):
                self.wfile.write(log.read())
                self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Nobody reads what the kubelet itself would say."""


def chosen(lines: list[bytes], asked: dict[str, str]) -> list[bytes]:
    if seconds := asked.get("sinceSeconds"):
        since = datetime.now(UTC) - timedelta(seconds=int(seconds))
        lines = [line for line in lines if written_at(line) >= since]
    most = int(asked.get("tailLines", -1))
    return lines if most < 0 else lines[len(lines) - min(most, len(lines)) :]


def written_at(line: bytes) -> datetime:
    try:
        return datetime.fromisoformat(json.loads(line)["timestamp"])
    except (ValueError, KeyError, TypeError):
        return datetime.now(UTC)


@contextlib.contextmanager
def running(server: ApiServer, address: str, found: Callable[[str], Container | None]) -> Iterator[None]:
    """The node the pods are bound to has a kubelet at *address*, which knows their logs."""
    path = f"/api/v1/nodes/{NODE}"
    body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
    assert server.request("POST", "/api/v1/nodes", body)[0] in {201, 409}
    status = {
        "addresses": [{"type": "InternalIP", "address": address}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": PORT}},
    }
    kind = "application/strategic-merge-patch+json"
    assert server.request("PATCH", f"{path}/status", {"status": status}, kind)[0] == 200
    kubelet = Kubelet(address, found, server.authority.parent)
    thread = threading.Thread(target=kubelet.serve_forever, args=(POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        kubelet.ends.set()
        kubelet.shutdown()
        kubelet.server_close()
        thread.join(10)

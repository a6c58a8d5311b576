"""A person's PostgreSQL that pods of our own node reach: in the node's network, with passwords, gone with its block."""

import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

import node
import postgres

PORT = 5432
READY_SECONDS = 60
# A server that was ended begins again so long after it.
AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class NodeServer:
    """A server at *host* for pods and for this process alike; *folder* holds its data and its socket."""

    host: str
    password: str
    folder: Path

    @property
    def pid(self) -> int:
        """Of the process that takes connections now."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def url(self, database: str, role: str = "postgres", password: str | None = None) -> str:
        return f"postgresql://{role}:{password or self.password}@{self.host}:{PORT}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """As the superuser."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running(version: int = postgres.INSTALLED) -> Iterator[NodeServer]:
    """A fresh server at the node's own address, which is reached from this machine and from pods."""
    with _prepared(version) as (made, command), (made.folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        try:
            _wait(made, process)
            yield made
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(30)


@contextmanager
def kept(version: int = postgres.INSTALLED) -> Iterator[NodeServer]:
    """Such a server; whoever ends its process finds another one a moment later, on the same data."""
    with _prepared(version) as (made, command):
        over = threading.Event()
        keeper = threading.Thread(target=_keep, args=(command, made.folder / "log", over))
        keeper.start()
        try:
            _wait(made)
            yield made
        finally:
            over.set()
            keeper.join(60)


def _keep(command: list[str], path: Path, over: threading.Event) -> None:
    while not over.is_set():
        with path.open("a") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        while process.poll() is None and not over.wait(0.05):
            pass
        if over.is_set():
            process.send_signal(signal.SIGQUIT)
            process.wait(30)
        else:
            # Its sessions end by themselves and hold its memory until then, so the next one may refuse at first.
            over.wait(AGAIN_SECONDS)


@contextmanager
def _prepared(version: int) -> Iterator[tuple[NodeServer, list[str]]]:
    """A server that does not run yet, and the command that starts it."""
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="pg-node-") as name:
        folder = Path(name)
        programs = postgres.Programs(version, folder)
        programs.check()
        _prepare(programs, password)
        host = _address()
        settings = {"listen_addresses": host, "port": PORT, "unix_socket_directories": programs.seen}
        settings |= {"fsync": "off", "max_connections": 100, "shared_buffers": "16MB"}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        command = programs.command("postgres", "-D", str(programs.seen / "data"), *options, death="QUIT")
        yield NodeServer(host, password, folder), [*node.network(), *command]


def _prepare(programs: postgres.Programs, password: str) -> None:
    """A cluster that nobody enters without a password."""
    words = programs.folder / "password"
    words.write_text(password)
    if os.getuid() == 0:
        name = "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"
        for path in (programs.folder, words):
            shutil.chown(path, name)
    data = ("-D", str(programs.seen / "data"), "-U", "postgres", "--auth=scram-sha-256")
    locale = ("--encoding=UTF8", "--locale=C", "--no-sync", f"--pwfile={programs.seen / 'password'}")
    done = subprocess.run(programs.command("initdb", *data, *locale), capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    with (programs.folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 0.0.0.0/0 scram-sha-256\n")


def _address() -> str:
    nodes = json.loads(node.kubectl("get", "nodes", "-o", "json"))["items"]
    addresses = nodes[0]["status"]["addresses"]
    return str(next(each["address"] for each in addresses if each["type"] == "InternalIP"))


def _wait(server: NodeServer, process: "subprocess.Popen[bytes] | None" = None) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and (process is None or process.poll() is None):
        try:
            server.sql("SELECT 1")
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {(server.folder / 'log').read_text()[-500:]}")

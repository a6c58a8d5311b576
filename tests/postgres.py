"""A real PostgreSQL 15 for tests: made in a temporary folder, on loopback, gone with the block that asked for it."""

import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

BINARIES = Path("/usr/lib/postgresql/15/bin")
READY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Server:
    """A running server whose superuser is *postgres*; every role may log in without a password."""

    port: int
    pid: int

    def url(self, database: str, role: str = "postgres") -> str:
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template0") -> str:
        """The url of a new database that is a copy of *template*."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            names = sql.Identifier(database), sql.Identifier(template)
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return self.url(database)


@contextmanager
def server(*, fsync: bool = False) -> Iterator[Server]:
    """A fresh cluster; a machine without PostgreSQL 15 fails with the cure."""
    if not (BINARIES / "postgres").exists():
        raise RuntimeError(f"{BINARIES}/postgres is missing; run `make setup`, which installs PostgreSQL 15")
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        data = Path(folder) / "data"
        if os.getuid() == 0:
            who = pwd.getpwnam("postgres" if _has("postgres") else "nobody")
            os.chown(folder, who.pw_uid, who.pw_gid)
        _run("initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        port = _free_port()
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder}
        settings |= {"fsync": "on" if fsync else "off", "max_connections": 60, "shared_buffers": "16MB"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (Path(folder) / "log").open("w") as log:
            # The signal ends the server with its parent too, should that be killed.
            command = [*_unprivileged("--pdeathsig=QUIT"), str(BINARIES / "postgres"), "-D", str(data), *options]
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        try:
            _wait(port, process, Path(folder) / "log")
            yield Server(port, process.pid)
        finally:
            # At once, without a checkpoint: nothing of it is kept.
            process.send_signal(signal.SIGQUIT)
            process.wait(30)


def _has(user: str) -> bool:
    return any(entry.pw_name == user for entry in pwd.getpwall())


def _unprivileged(*more: str) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return ["setpriv", *more, "--"]
    who = pwd.getpwnam("postgres" if _has("postgres") else "nobody")
    return ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups", *more, "--"]


def _run(binary: str, *arguments: str) -> None:
    command = [*_unprivileged("--no-new-privs"), str(BINARIES / binary), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"{binary} failed: {done.stderr.strip()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-500:]}")

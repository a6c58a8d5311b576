"""A real PostgreSQL, 15 or 17, for tests: made in a temporary folder, on loopback, gone with the block that asked."""

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

INSTALLED = 15
READY_SECONDS = 30
# Where a version from the cache sees the folder of one server.
INSIDE = Path("/mnt")
# It has no users of its own.
ENTER = (
    'mount --bind "$1" "$2/mnt" && mount --rbind /dev "$2/dev" && mount --bind /etc/passwd "$2/etc/passwd"'
    ' && shift && exec chroot "$@"'
)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server whose superuser is *postgres*; every role may log in without a password."""

    port: int
    pid: int
    version: int = INSTALLED

    def url(self, database: str, role: str = "postgres") -> str:
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template0") -> str:
        """The url of a new database that is a copy of *template*."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            names = sql.Identifier(database), sql.Identifier(template)
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return self.url(database)

    def until(self, condition: str, database: str = "postgres") -> None:
        """The statement *condition* has become true."""
        ends = time.monotonic() + READY_SECONDS
        while time.monotonic() < ends:
            with psycopg.connect(self.url(database), autocommit=True) as connection:
                if (connection.execute(condition.encode()).fetchone() or (False,))[0]:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"PostgreSQL on port {self.port} did not come to: {condition}")

    def part(self) -> None:
        """A replica hears nothing of its primary any more; what it has, it keeps."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            connection.execute("SELECT pg_reload_conf()")
        self.until("SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)")

    def promote(self) -> None:
        """A replica goes on by itself, on a timeline of its own."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one version: installed, or in a root of their own below the cache."""

    version: int
    folder: Path

    @property
    def root(self) -> Path | None:
        if self.version == INSTALLED:
            return None
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tradingbot"
        return Path(os.environ.get("TRADINGBOT_CACHE") or cache).absolute() / f"postgresql-{self.version}"

    @property
    def seen(self) -> Path:
        """The server's folder as its programs see it."""
        return INSIDE if self.root else self.folder

    def check(self) -> None:
        """A machine without them fails with the cure."""
        program = (self.root or Path("/")) / f"usr/lib/postgresql/{self.version}/bin/postgres"
        if not program.exists():
            cure = f"cluster/postgres{self.version}" if self.root else "make setup"
            raise RuntimeError(f"{program} is missing; run `{cure}`, which fetches PostgreSQL {self.version}")

    def command(self, program: str, *arguments: str, death: str = "") -> list[str]:
        """*program* without root's rights, which PostgreSQL refuses; by the signal *death* it ends with its parent."""
        run = ["setpriv", *([f"--pdeathsig={death}"] if death else ["--no-new-privs"]), *_user(), "--"]
        run += [f"/usr/lib/postgresql/{self.version}/bin/{program}", *arguments]
        if self.root is None:
            return run
        mine = [] if os.getuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
        return ["unshare", *mine, "--mount", "--", "sh", "-c", ENTER, "sh", str(self.folder), str(self.root), *run]


@contextmanager
def server(version: int = INSTALLED, *, fsync: bool = False) -> Iterator[Server]:
    """A fresh cluster of that version."""
    with place(version) as programs, running(programs, fsync) as made:
        yield made


@contextmanager
def place(version: int = INSTALLED) -> Iterator[Programs]:
    """The data of a fresh cluster, on which *running* may run one server after the other."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        programs = Programs(version, Path(folder))
        programs.check()
        if os.getuid() == 0:
            who = pwd.getpwnam(_name())
            os.chown(folder, who.pw_uid, who.pw_gid)
        data = str(programs.seen / "data")
        initdb = ("-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        _run(programs.command("initdb", *initdb))
        # In the file, so that ALTER SYSTEM stands over it.
        with (Path(folder) / "data/postgresql.conf").open("a") as file:
            file.write("max_connections = 60\nshared_buffers = 16MB\n")
        yield programs


@contextmanager
def replica(primary: Server) -> Iterator[Server]:
    """A server that streams from *primary* and can be read, until it is promoted."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        programs = Programs(primary.version, Path(folder))
        if os.getuid() == 0:
            who = pwd.getpwnam(_name())
            os.chown(folder, who.pw_uid, who.pw_gid)
        copy = ("-D", str(programs.seen / "data"), "-R", "--checkpoint=fast", "--no-sync")
        _run(programs.command("pg_basebackup", *copy, "-d", f"host=127.0.0.1 port={primary.port} user=postgres"))
        with running(programs) as made:
            yield made


@contextmanager
def running(programs: Programs, fsync: bool = False) -> Iterator[Server]:
    port, log = _free_port(), programs.folder / "log"
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": programs.seen}
    settings |= {"fsync": "on" if fsync else "off"}
    if programs.version == INSTALLED:
        settings["shared_preload_libraries"] = "pg_stat_statements"
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = programs.command("postgres", "-D", str(programs.seen / "data"), *options, death="QUIT")
    with log.open("w") as words:
        process = subprocess.Popen(command, stdout=words, stderr=words, cwd="/")
    try:
        _wait(port, process, log)
        yield Server(port, process.pid, programs.version)
    finally:
        # At once, without a checkpoint: nothing of it is kept.
        process.send_signal(signal.SIGQUIT)
        process.wait(30)


def _name() -> str:
    return "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"


def _user() -> list[str]:
    """By number: a root of its own does not know the names of this machine."""
    if os.getuid() != 0:
        return []
    who = pwd.getpwnam(_name())
    return [f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"{command[-1]} failed: {done.stderr.strip()}")


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

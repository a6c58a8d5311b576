"""A person's PostgreSQL as the node reaches it: on loopback of this machine, and by its socket file inside the node."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

import node
import postgres
from peers.nodeapi import NodeApi

Json = dict[str, Any]
OWNER, FENCER = "bench_owner", "bench_fencer"


@dataclass(frozen=True)
class Database:
    """A server that pods reach at *address*."""

    server: postgres.Server
    address: str

    def made(self, api: NodeApi, name: str, namespace: str) -> Json:
        """``spec.database`` of a bot: an empty database, and Secrets with both logins."""
        database = name.replace("-", "_")
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {database} OWNER {OWNER}")
        refs = {}
        for kind, role in (("owner", OWNER), ("fencer", FENCER)):
            url = f"postgresql://{role}:bench@{self.address}:{self.server.port}/{database}"
            meta = {"name": f"{name}-{kind}", "namespace": namespace}
            api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"url": url}})
            refs[f"{kind}SecretRef"] = {"name": f"{name}-{kind}"}
        return {"mode": "postgres", "postgres": refs}


@contextmanager
def served() -> Iterator[Database]:
    """It writes to the disk as a person's would, and is gone with the block."""
    find = '. cluster/lib.sh; set_addresses "$(cat "$STATE/index")"; echo "$NODE_ADDRESS"'
    address = node.command("bash", "-c", find).strip()
    with postgres.server(fsync=True) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {OWNER} LOGIN")
            connection.execute(f"CREATE ROLE {FENCER} LOGIN CREATEROLE")
            connection.execute(f"GRANT pg_signal_backend TO {FENCER}")
        # A socket file is reached from every network, so nothing of it listens outside the node.
        file = Path(f"/proc/{server.pid}/cwd").resolve().parent / f".s.PGSQL.{server.port}"
        door = f"TCP-LISTEN:{server.port},bind={address},fork,reuseaddr,nodelay"
        relay = subprocess.Popen([*node.network(), "socat", door, f"UNIX-CONNECT:{file}"])
        try:
            yield Database(server, address)
        finally:
            relay.terminate()
            relay.wait()

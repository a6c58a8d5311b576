"""A real kube-apiserver and etcd on loopback, without nodes or controllers: what is written stays as written."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class ApiServer:
    """Where the API server is, and who may do everything on it."""

    url: str
    token: str
    authority: Path
    kubeconfig: Path

    def request(
        self, method: str, path: str, body: object = None, content_type: str = "application/json", **headers: str
    ):
        """Status code and parsed answer of one request."""
        data = None if body is None else json.dumps(body).encode()
        fields = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=fields)
        context = ssl.create_default_context(cafile=str(self.authority))
        try:
            with urllib.request.urlopen(request, context=context, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, {"message": text.decode(errors="replace")}


def binary(name: str) -> str:
    """The path of a built Kubernetes binary; without it the test fails with the cure."""
    folder = os.environ.get("TRADINGBOT_KUBE_BIN")
    if folder and Path(folder, name).exists():
        return str(Path(folder, name))
    tool = ROOT / "cluster" / "tool"
    if tool.exists():
        answer = subprocess.run([str(tool), "--path", name], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and Path(answer.stdout.strip()).exists():
            return answer.stdout.strip()
    raise RuntimeError(f"{name} is not built; run `make setup`")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(folder: Path) -> Iterator[ApiServer]:
    """An API server of its own in *folder*; it and its store have ended when the block ends."""
    etcd = shutil.which("etcd")
    if etcd is None:
        raise RuntimeError("etcd is not installed; run `make setup`")
    apiserver = binary("kube-apiserver")
    _write_certificates(folder)
    with contextlib.ExitStack() as stack:
        store = _start_etcd(stack, etcd, folder)
        yield _start_apiserver(stack, apiserver, folder, store)


@contextlib.contextmanager
def controller(server: ApiServer, folder: Path, name: str) -> Iterator[None]:
    """Kubernetes' own controller of that *name* works for *server* while the block lasts."""
    program = [binary("kube-controller-manager"), f"--kubeconfig={server.kubeconfig}", f"--controllers={name}"]
    with contextlib.ExitStack() as stack:
        _spawn(stack, [*program, "--leader-elect=false", "--secure-port=0"], folder / f"{name}.log")
        yield


def _start_etcd(stack: contextlib.ExitStack, binary_path: str, folder: Path) -> str:
    client, peer = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    command = [
        binary_path,
        "--data-dir",
        str(folder / "etcd"),
        "--name",
        "test",
        "--logger",
        "zap",
        "--log-outputs",
        "stderr",
    ]
    command += ["--listen-client-urls", client, "--advertise-client-urls", client]
    command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"test={peer}"]
    process = _spawn(stack, command, folder / "etcd.log")
    _wait("etcd", process, lambda: _answers(client + "/health", None, {}), folder / "etcd.log")
    return client


def _start_apiserver(stack: contextlib.ExitStack, binary_path: str, folder: Path, store: str) -> ApiServer:
    port, token = free_port(), secrets.token_hex(16)
    (folder / "tokens.csv").write_text(
        f'{token},admin,1,"system:masters"\n{token}-alice,alice,2,"people"\n{token}-bob,bob,3,"people"\n'
    )
    command = [
        binary_path,
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--etcd-servers={store}",
        f"--tls-cert-file={folder}/server.crt",
        f"--tls-private-key-file={folder}/server.key",
        f"--token-auth-file={folder}/tokens.csv",
        f"--service-account-key-file={folder}/sa.pub",
        f"--service-account-signing-key-file={folder}/sa.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.0.0.0/16",
        "--authorization-mode=RBAC",
        # Nobody makes the default ServiceAccount here, and no pod ever runs.
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
    ]
    process = _spawn(stack, command, folder / "apiserver.log")
    url = f"https://127.0.0.1:{port}"
    server = ApiServer(url, token, folder / "ca.crt", folder / "kubeconfig")
    headers = {"Authorization": f"Bearer {token}"}
    _wait(
        "kube-apiserver",
        process,
        lambda: _answers(url + "/readyz", server.authority, headers),
        folder / "apiserver.log",
    )
    server.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(server)))
    return server


def _kubeconfig(server: ApiServer) -> dict[str, object]:
    cluster = {"server": server.url, "certificate-authority": str(server.authority)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": server.token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }


def _spawn(stack: contextlib.ExitStack, command: list[str], log: Path) -> subprocess.Popen:
    output = stack.enter_context(log.open("wb"))
    process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)

    def end() -> None:
        process.kill()
        process.wait()

    stack.callback(end)
    return process


def _answers(url: str, authority: Path | None, headers: dict[str, str]) -> bool:
    context = ssl.create_default_context(cafile=str(authority)) if authority else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), context=context, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def _wait(name: str, process: subprocess.Popen, ready, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not become ready: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def _write_certificates(folder: Path) -> None:
    """An authority, a serving certificate for loopback, and the key that signs tokens of service accounts."""
    authority = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test-ca")])
    root = _certificate(issuer, issuer, authority.public_key()).add_extension(
        x509.BasicConstraints(True, None), critical=True
    )
    root = root.add_extension(_usage(signs=True), critical=True)
    root = root.add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
    server = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    leaf = _certificate(subject, issuer, server.public_key()).add_extension(names, critical=False)
    leaf = leaf.add_extension(x509.BasicConstraints(False, None), critical=True).add_extension(
        _usage(signs=False), critical=True
    )
    leaf = leaf.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
    )
    accounts = rsa.generate_private_key(65537, 2048)
    pem = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(pem))
    (folder / "server.crt").write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(pem))
    (folder / "server.key").write_bytes(_private(server))
    (folder / "sa.key").write_bytes(_private(accounts))
    (folder / "sa.pub").write_bytes(
        accounts.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def _certificate(subject: x509.Name, issuer: x509.Name, key) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(True, False, False, False, False, signs, signs, False, False)


def _private(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

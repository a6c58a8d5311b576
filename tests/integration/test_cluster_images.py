"""The three images: small, without a shell, read-only, and whole although much was left out of them."""

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SHELLS = {"sh", "bash", "dash", "ash", "busybox", "zsh"}
PACKAGE_TOOLS = {"apt", "apt-get", "dpkg", "pip", "pip3", "perl", "tar", "openssl"}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Image:
    """An image unpacked into a folder, and what it says about how to start it."""

    root: Path
    settings: dict[str, Any]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a program as the image's user on its root, which nobody can write to."""
        script = (
            'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount -t proc proc "$0/proc" && '
            'exec chroot --userspec=65532:65532 "$0" "$@"'
        )
        environment = dict(entry.split("=", 1) for entry in self.settings["Env"])
        command = ["unshare", "--mount", "--pid", "--fork", "bash", "-c", script, str(self.root), *arguments]
        path = {"PATH": environment["PATH"] + ":/usr/sbin:/sbin"}
        return subprocess.run(command, env={**environment, **path}, capture_output=True, text=True, timeout=120)

    def programs(self) -> set[str]:
        folders = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "opt/venv/bin")
        return {path.name for folder in folders for path in (self.root / folder).glob("*")}


def unpack(image: str, folder: Path) -> Image:
    """What images/build --archive writes, as a node would unpack it."""
    blobs, root = folder / "archive", folder / "root"
    written = folder.with_suffix(".tar")
    with written.open("wb") as archive:
        subprocess.run(["images/build", "--archive", image], cwd=ROOT, stdout=archive, check=True)
    with tarfile.open(written) as content:
        content.extractall(blobs, filter="data")
    entry = json.loads((blobs / "index.json").read_text())["manifests"][0]
    manifest = json.loads(blob(blobs, entry["digest"]).read_text())
    for layer in manifest["layers"]:
        with tarfile.open(blob(blobs, layer["digest"])) as content:
            content.extractall(root, filter="tar")
    return Image(root, json.loads(blob(blobs, manifest["config"]["digest"]).read_text())["config"])


def blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / digest.replace(":", "/")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Image]]:
    folder = tmp_path_factory.mktemp("images")
    subprocess.run(["images/build", "all"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=without_node())
    names = {"operator": "tradingbot-operator", "bot": "tradingbot", "simulator": "exchange-simulator"}
    yield {part: unpack(f"localhost/{name}:0.1.0", folder / part) for part, name in names.items()}
    shutil.rmtree(folder)


def without_node() -> dict[str, str]:
    """The build is not to load images into a node that somebody works with."""
    return {**os.environ, "CLUSTER": "current"}


PARTS = pytest.mark.parametrize("part", ["operator", "bot", "simulator"])


@PARTS
def test_image_has_no_shell_and_no_package_tools(images: dict[str, Image], part: str) -> None:
    """Whoever gets into a pod finds Python and the part's own command, and nothing else to run."""
    programs = images[part].programs()
    assert programs & (SHELLS | PACKAGE_TOOLS) == set()
    commands = {"operator": "tradingbot-operator", "bot": "atb", "simulator": "exchange-simulator"}
    assert {name for name in programs if not name.startswith("python")} == {commands[part]}


@PARTS
def test_image_starts_its_command_as_nobody(images: dict[str, Image], part: str) -> None:
    """User 65532, the part's entry point, and an import path that the working folder is not on."""
    settings = images[part].settings
    commands = {"operator": "tradingbot-operator", "bot": "atb", "simulator": "exchange-simulator"}
    assert settings["User"] == "65532:65532"
    assert settings["Entrypoint"] == [commands[part]]
    assert "PYTHONSAFEPATH=1" in settings["Env"]


@PARTS
def test_command_answers_on_a_root_nobody_can_write(images: dict[str, Image], part: str) -> None:
    """--help prints the usage of the part's command."""
    done = images[part].run(images[part].settings["Entrypoint"][0], "--help")
    assert (done.returncode, "usage" in done.stdout.lower()) == (0, True), done.stderr


@pytest.mark.parametrize(("part", "most"), [("operator", 60), ("bot", 90)])
def test_image_is_no_larger_than_promised(images: dict[str, Image], part: str, most: int) -> None:
    """Compressed size in MB, as a registry holds it."""
    size = subprocess.run(["images/build", "--size", part], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert 20 < float(size) <= most


PACKAGES = {"operator": "tradingbot_operator", "bot": "tradingbot", "simulator": "exchange_simulator"}


@PARTS
def test_every_module_of_ours_imports_in_the_image(images: dict[str, Image], part: str) -> None:
    """Nothing that a module of the part needs was left out of the image."""
    script = (
        "import importlib, pkgutil, sys\n"
        f"package = importlib.import_module({PACKAGES[part]!r})\n"
        "names = [found.name for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.')]\n"
        "for name in names:\n"
        "    if not name.endswith('__main__') and '.migrations.' not in name: importlib.import_module(name)\n"
        "print(len(names))\n"
    )
    done = images[part].run("python", "-c", script)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_the_four_exchanges_are_whole(images: dict[str, Image]) -> None:
    """Binance, Coinbase, KuCoin and Kraken can be made in all three of ccxt's ways; what is kept is what it lists."""
    script = (
        "import ccxt, ccxt.async_support, ccxt.pro\n"
        "for name in ('binance', 'coinbase', 'kucoin', 'kraken'):\n"
        "    for package in (ccxt, ccxt.async_support, ccxt.pro):\n"
        "        assert getattr(package, name)().describe()['id'] == name\n"
        "for package in (ccxt, ccxt.async_support, ccxt.pro):\n"
        "    for name in package.exchanges: getattr(package, name)()\n"
        "print(len(ccxt.exchanges))\n"
    )
    done = images["bot"].run("python", "-c", script)
    assert (done.returncode, done.stdout) == (0, "10\n"), done.stderr


@PARTS
def test_bytecode_is_compiled_and_never_checked(images: dict[str, Image], part: str) -> None:
    """Every source of ours has bytecode that does not depend on the file's time."""
    site = images[part].root / "opt/venv/lib/python3.11/site-packages"
    sources = sorted((site / PACKAGES[part]).rglob("*.py"))
    assert sources
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-311.pyc"
        assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00", f"{compiled} is checked against its source"


def test_unchanged_sources_are_not_built_again(images: dict[str, Image]) -> None:
    """A second build says nothing but names and sizes."""
    again = subprocess.run(
        ["images/build", "simulator"], cwd=ROOT, capture_output=True, text=True, check=True, env=without_node()
    )
    assert again.stderr == ""
    assert again.stdout.startswith("localhost/exchange-simulator:0.1.0  ")

"""Installs a part into its image: the locked dependencies without what never runs, then the part's own code.

Runs inside the build stage with that stage's own Python, so the same Dockerfile serves a Debian root without a shell
and a public Python image.
"""

import compileall
import py_compile
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

BUILD = Path("/build")
VENV = Path("/opt/venv")
USAGE = "usage: install.py dependencies | application FOLDER TARGET"


def site_packages(root: Path) -> Path:
    """The folder of *root* that the interpreter of the image searches."""
    return root / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def install_dependencies() -> None:
    """The locked packages are in the virtual environment, checked by hash, compiled, without what never runs."""
    venv.create(VENV, symlinks=True, with_pip=False)
    wheels = BUILD / "wheels"
    requirements = next(wheels.glob("*.txt"))
    python = str(VENV / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python]
    source: list[str] = []
    for carried in wheels.glob("pip-*.whl"):
        pip, source = [python, f"{carried}/pip"], ["--no-index", "--find-links", str(wheels)]
    options = ["--no-cache-dir", "--no-compile", "--disable-pip-version-check", "--require-hashes"]
    # Every argument is a constant of this file or a path it made.
    subprocess.run([*pip, "install", *options, *source, "-r", str(requirements)], check=True)  # noqa: S603
    slim(site_packages(VENV))
    compile_tree(site_packages(VENV), Path("/"))


def slim(site: Path) -> None:
    """What the slim list names is gone, and ccxt offers the kept exchanges only."""
    for line in (BUILD / "slim.txt").read_text().splitlines():
        if line.startswith("ccxt-exchanges "):
            keep_exchanges(site / "ccxt", frozenset(line.split()[1:]))
        elif line.startswith("empty "):
            (site / line.split()[1]).write_text("")
        elif line and not line.startswith("#"):
            remove(site, line)
    for path in (VENV / "bin").iterdir():
        if not path.name.startswith("python"):
            path.unlink()


def remove(site: Path, pattern: str) -> None:
    """Nothing below *site* matches *pattern*; a pattern that matches nothing is a mistake in the list."""
    found = sorted(site.glob(pattern))
    if not found:
        raise SystemExit(f"slim list: {pattern!r} matches nothing; remove the line or correct it")
    for path in found:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def keep_exchanges(ccxt: Path, kept: frozenset[str]) -> None:
    """Of ccxt's exchanges only *kept* are left, and its packages import no other."""
    offered = (ccxt / "__init__.py").read_text()
    exchanges = frozenset(re.findall(r"^from ccxt\.(\w+) import \1\b", offered, re.MULTILINE))
    if not kept <= exchanges:
        raise SystemExit(f"slim list: ccxt has no exchange {sorted(kept - exchanges)}")
    dropped = exchanges - kept
    for package in (ccxt, ccxt / "async_support", ccxt / "pro"):
        source = (package / "__init__.py").read_text().splitlines(keepends=True)
        (package / "__init__.py").write_text("".join(line for line in source if not names_exchange(line, dropped)))
    for name in dropped:
        for folder in (".", "async_support", "pro", "abstract"):
            (ccxt / folder / f"{name}.py").unlink(missing_ok=True)


def names_exchange(line: str, dropped: frozenset[str]) -> bool:
    found = re.match(r"from ccxt\.(?:async_support\.|pro\.)?(\w+) import |    '(\w+)',", line)
    return found is not None and (found[1] or found[2]) in dropped


def install_application(folder: Path, target: Path) -> None:
    """*target* holds the part's package, its metadata and its commands as they belong into the image."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    environment = target / VENV.relative_to("/")
    site = site_packages(environment)
    for package in (path.parent for path in folder.glob("*/__init__.py")):
        shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    compile_tree(site, target)
    metadata = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    facts = {"Metadata-Version": "2.1", "Name": project["name"], "Version": project["version"]}
    (metadata / "METADATA").write_text("".join(f"{name}: {value}\n" for name, value in facts.items()))
    for command, entry in project.get("scripts", {}).items():
        write_command(environment / "bin" / command, entry)


def write_command(path: Path, entry: str) -> None:
    module, function = entry.split(":")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{VENV}/bin/python\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n")
    path.chmod(0o755)


def compile_tree(folder: Path, root: Path) -> None:
    """Bytecode that is never checked against its source: image files do not change, and their times do."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(folder, quiet=2, ddir=str("/" / folder.relative_to(root)), invalidation_mode=mode)


def main(arguments: list[str]) -> None:
    match arguments:
        case ["dependencies"]:
            install_dependencies()
        case ["application", folder, target]:
            install_application(Path(folder), Path(target))
        case _:
            raise SystemExit(USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])

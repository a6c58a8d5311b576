"""The files that are made from code: ``--check`` says which are stale, ``--write`` writes them."""

import pathlib
import subprocess
import sys
from collections.abc import Callable, Mapping

ROOT = pathlib.Path(__file__).parent.parent
BIN = ROOT / ".venv" / "bin"


def output(*command: str) -> str:
    """What *command* of the virtual environment prints."""
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout


GENERATED: Mapping[str, Callable[[], str]] = {}


def main(arguments: list[str]) -> int:
    if arguments not in (["--check"], ["--write"]):
        print("say what to do\nusage: python tests/generated.py --check | --write", file=sys.stderr)
        return 2
    stale = []
    for name, make in GENERATED.items():
        path, text = ROOT / name, make()
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if arguments == ["--write"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {name}")
    if stale and arguments == ["--check"]:
        print("stale: " + ", ".join(stale) + "; run `make manifests` and read the difference", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

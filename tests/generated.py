"""The files that are made from code: ``--check`` says which are stale, ``--write`` writes them."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent
BIN = ROOT / ".venv" / "bin"
OPERATOR_PAGES = {
    "tradingbot": "tradingbot",
    "bottask": "bottask",
    "conditions": "conditions",
    "operator-settings": "settings",
    "operator-metrics": "metrics",
}
BOT_PAGES = ("settings", "metrics", "cli")


def output(*command: str) -> str:
    """What *command* of the virtual environment prints."""
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout


def definitions() -> dict[str, str]:
    """Both resource definitions, a file each."""
    heading, *rest = output("tradingbot-operator", "crds").split("---\n")
    first, _, body = heading.partition("\n")
    texts = [body, *(text.removeprefix(first + "\n") for text in rest)]
    named = {next(line.split()[1] for line in text.splitlines() if line.startswith("  name: ")): text for text in texts}
    return {f"manifests/crds/{name.partition('.')[0]}.yaml": f"{first}\n{text}" for name, text in named.items()}


def pages() -> dict[str, str]:
    """The reference, a page for each subject."""
    operator = {name: output("tradingbot-operator", "reference", page) for name, page in OPERATOR_PAGES.items()}
    bot = {name: output("python", "-m", "tradingbot.reference", name) for name in BOT_PAGES}
    table = {"docs/handover-table.md": output("tradingbot-operator", "reference", "handover")}
    return {f"docs/reference/{name}.md": text for name, text in {**operator, **bot}.items()} | table


def generated() -> dict[str, str]:
    return {**definitions(), **pages()}


def main(arguments: list[str]) -> int:
    if arguments not in (["--check"], ["--write"]):
        print("say what to do\nusage: python tests/generated.py --check | --write", file=sys.stderr)
        return 2
    stale = []
    for name, text in generated().items():
        path = ROOT / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if arguments == ["--write"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {name}")
    # The charts copy the definitions, so they come after them.
    charts = subprocess.run(
        [str(BIN / "python"), "charts/sync.py", *(["--check"] if arguments == ["--check"] else [])], cwd=ROOT
    )
    if charts.returncode != 0:
        return charts.returncode
    if stale and arguments == ["--check"]:
        print("stale: " + ", ".join(stale) + "; run `make manifests` and read the difference", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

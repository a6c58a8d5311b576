"""A pytest plugin that puts one mutant of the protocol into the product, in this process and nowhere else.

``TRADINGBOT_MUTANT=name pytest -p chaos.mutating``: the text is changed while the module is read, and the files stay as
they are. A mutant whose text no longer stands there fails loudly: it would prove nothing.
"""

import importlib.machinery
import os
import pathlib
from types import CodeType

from chaos.lease_mutants import LEASE_MUTANTS
from chaos.mutants import MUTANTS, Change

ROOT = pathlib.Path(__file__).resolve().parents[2]
SQL = "bot/tradingbot/ledger/migrations/fence.py"
READS = 'files(__package__).joinpath("sql", file).read_text()'


def changed(text: str, change: Change) -> str:
    """*text* with the mutant in it."""
    if text.count(change.old) != 1:
        raise RuntimeError(f"{change.file} holds {text.count(change.old)} times {change.old!r}: the mutant is outdated")
    return text.replace(change.old, change.new)


def applied(change: Change) -> tuple[pathlib.Path, Change]:
    """The module to change: SQL is changed where it is read."""
    if not change.file.endswith(".sql"):
        return ROOT / change.file, change
    changed((ROOT / change.file).read_text(), change)
    return ROOT / SQL, Change(SQL, READS, f"{READS}.replace({change.old!r}, {change.new!r})")


def mutate(name: str) -> None:
    """From now on the modules of the product are read with mutant *name* in them."""
    wanted: dict[pathlib.Path, list[Change]] = {}
    for path, change in map(applied, (MUTANTS | LEASE_MUTANTS)[name].changes):
        wanted.setdefault(path, []).append(change)
    usual = importlib.machinery.SourceFileLoader.get_code

    def mutated(self: importlib.machinery.SourceFileLoader, fullname: str) -> CodeType | None:
        path = pathlib.Path(self.get_filename(fullname)).resolve()
        if path not in wanted:
            return usual(self, fullname)
        text = path.read_text()
        for change in wanted[path]:
            text = changed(text, change)
        return compile(text, str(path), "exec", dont_inherit=True)

    importlib.machinery.SourceFileLoader.get_code = mutated  # type: ignore[method-assign]


if name := os.environ.get("TRADINGBOT_MUTANT"):
    mutate(name)

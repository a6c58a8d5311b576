"""The mutants stay true to the code they change: an outdated one would be noticed only by `make chaos`."""

import pathlib

import pytest

from chaos.lease_mutants import LEASE_MUTANTS
from chaos.mutants import MUTANTS
from chaos.mutating import applied, changed

ALL = MUTANTS | LEASE_MUTANTS
ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", sorted(ALL))
def test_what_a_mutant_changes_stands_in_the_code_once(name: str):
    """Each of its texts, and each of the test files that must catch it."""
    mutant = ALL[name]
    assert [(ROOT / change.file).read_text().count(change.old) for change in mutant.changes] == [1] * len(
        mutant.changes
    )
    assert all((ROOT / test.partition("::")[0]).is_file() for test in mutant.caught_by)


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_test_that_catches_a_mutant_is_there(name: str):
    """By its name in its file."""
    for test in ALL[name].caught_by:
        file, _, function = test.partition("::")
        assert f"def {function.partition('[')[0]}(" in (ROOT / file).read_text() if function else True


@pytest.mark.parametrize("name", sorted(ALL))
def test_code_with_a_mutant_in_it_can_be_read(name: str):
    """One that cannot begin to run turns nothing red that would prove something."""
    for path, change in map(applied, ALL[name].changes):
        compile(changed(path.read_text(), change), str(path), "exec", dont_inherit=True)

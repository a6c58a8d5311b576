"""When a process searches for garbage."""

import gc
from collections.abc import Iterator

import pytest

from tradingbot.start.garbage import loaded, loading


@pytest.fixture(name="usual", autouse=True)
def as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_hardly_anything_is_searched_while_all_is_loaded():
    """A tenth of a start's time went into that; it goes on all the same, for a start may have to wait for days."""
    loading()
    assert gc.get_threshold() == (100_000, 10, 10)
    assert gc.isenabled()


def test_what_was_loaded_is_never_searched_again():
    """It would be during a hand-over as well as at any other time; from then on small searches come as usual."""
    loading()
    loaded()
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 1000
    assert gc.get_threshold() == (700, 10, 10)

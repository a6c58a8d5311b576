"""Searching for garbage stops every thread: not while everything is being loaded, and never again through what was."""

import gc

# Objects that came to be since the last search; while modules are loaded nearly all of them stay.
LOADING, TRADING = 100_000, 700


def loading() -> None:
    """A start that loads a hundred thousand objects searches them once or twice instead of three hundred times."""
    gc.set_threshold(LOADING, 10, 10)


def loaded() -> None:
    """What is here now stays, and no later search goes through it: that took a tenth of a second of every thread."""
    gc.freeze()
    gc.set_threshold(TRADING, 10, 10)

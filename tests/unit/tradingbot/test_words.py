"""Words of people and venues, as they can be kept."""

import pytest

from tradingbot.domain.words import storable


@pytest.mark.parametrize(
    ("text", "kept"),
    [("", ""), ("späd 🛑", "späd 🛑"), ("a\x00b", "a?b"), ("a\ud83db", "a?b"), ("\x00\udcff", "??")],
)
def test_what_no_database_takes_is_a_question_mark(text: str, kept: str) -> None:
    """NUL and half a surrogate pair; everything else stays."""
    assert storable(text) == kept

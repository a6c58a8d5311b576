"""The reference pages of the bot are those its code makes."""

from pathlib import Path

import pytest

from tradingbot.reference import PAGES, main

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_what_the_code_says(name: str) -> None:
    """Whoever changes settings, metrics or atb writes the pages anew: `make manifests`."""
    assert (FOLDER / f"{name}.md").read_text() == PAGES[name]()


def test_every_setting_metric_and_command_says_what_it_means() -> None:
    """No row of a page ends without a word."""
    for name in PAGES:
        assert "|  |\n" not in PAGES[name]().replace("| gauge |  |", "").replace("| counter |  |", "")


def test_an_unknown_page_is_a_sentence_and_a_usage_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong flags: no traceback."""
    assert main(["nonsense"]) == 2
    assert capsys.readouterr().err == "name one page\nusage: python -m tradingbot.reference settings|metrics|cli\n"

"""How an address of a database names the book that is meant."""

import pytest

from tradingbot.domain.book import founding, in_book, meant, schema_of


@pytest.mark.parametrize(("mode", "schema"), [("live", "book_live"), ("dry-run", "book_dry_run")])
def test_a_mode_names_its_schema(mode: str, schema: str) -> None:
    """It is a name that needs no quotes."""
    assert schema_of(mode) == schema


@pytest.mark.parametrize(
    ("url", "marked"),
    [
        ("postgresql://a:b%40c@h:5/d", "postgresql://a:b%40c@h:5/d?options=-c%20tradingbot.book%3Dbook_live"),
        (
            "postgresql://a@h/d?sslmode=require&options=-c%20work_mem%3D1MB",
            "postgresql://a@h/d?sslmode=require&options=-c%20work_mem%3D1MB%20-c%20tradingbot.book%3Dbook_live",
        ),
        ("sqlite:////data/state/ledger.sqlite", "sqlite:////data/state/ledger.sqlite"),
    ],
)
def test_an_address_is_marked_and_unmarked(url: str, marked: str) -> None:
    """Whatever else it says stays as it is; a file keeps one book and is not marked."""
    assert in_book(url, "live") == marked
    assert in_book(marked, "live") == marked
    assert founding(marked) == url


def test_options_name_one_book_or_none() -> None:
    """Other options name none."""
    assert meant("-c work_mem=1MB -c tradingbot.book=book_sim") == "book_sim"
    assert meant("-c work_mem=1MB") is None

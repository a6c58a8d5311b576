"""An address is taken apart and put together; what is none is None, and no password is printed by accident."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingbot_operator.domain.address import Address, parse

PLACE = "postgresql://db.example:5432/bots"


def test_an_address_has_a_login_and_a_place():
    """Options stay with the place."""
    assert parse("postgresql://fencer:p%40ss@db.example:5432/bots?sslmode=require\n") == Address(
        "fencer", "p@ss", f"{PLACE}?sslmode=require"
    )
    assert parse("postgres://fencer@db.example:5432/bots") == Address("fencer", "", PLACE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "db.example",
        "mysql://fencer:x@db.example/bots",
        "postgresql://db.example/bots",
        "postgresql://:x@db.example/bots",
        "postgresql://fencer:x@/bots",
        "postgresql://fencer:x@db.example",
        "postgresql://fencer:x@db.example/",
        "postgresql://fencer:x@[db.example/bots",
    ],
)
def test_what_is_no_address_is_none(text):
    """A scheme, a role, a server and a database are needed."""
    assert parse(text) is None


def test_an_address_is_put_together_as_it_was():
    """Its own login, or another one at the same place."""
    owner = Address("owner", "p@ss", PLACE)
    assert owner.url == "postgresql://owner:p%40ss@db.example:5432/bots"
    assert owner.of("fencer", "") == "postgresql://fencer@db.example:5432/bots"


def test_an_address_is_not_printed():
    """Neither the password nor the place stands in the text of the value."""
    assert repr(Address("fencer", "secret", PLACE)) == "Address(fencer at a server)"


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1), st.text(min_size=1, max_size=40))
def test_a_login_survives_the_way_through_an_address(role, password):
    """Whatever stands in a role or a password, the server gets exactly that."""
    try:
        password.encode()
    except UnicodeEncodeError:
        return
    made = Address("x", "", PLACE).of(role, password)
    assert parse(made) == Address(role, password, PLACE)
    assert parse(made).url == made

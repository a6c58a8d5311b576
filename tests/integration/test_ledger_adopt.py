"""A ledger moves to another TradingBot, or to another server, only when nobody can trade on it any more."""

import pytest

from hands import LEDGER, OWNING, Hands, both_servers, claimed, every_hands  # noqa: F401
from ledgers import NOW, OWNER, migrated_file, running_server, running_server_17  # noqa: F401
from tradingbot.domain.errors import LedgerUnavailable, Misconfigured, ShutOut
from tradingbot.ledger import Owner
from tradingbot.ledger.adopt import adopt

MOVED = Owner("c0ffee", "elsewhere", "btc")


def owned_by(hands: Hands) -> list[tuple[str, ...]]:
    return hands.place.raw("SELECT cluster, namespace, name FROM ledger")


def ledger_of(hands: Hands) -> str:
    return LEDGER if hands.server else hands.open().ledger_id


def test_a_ledger_at_rest_is_adopted(hands: Hands) -> None:
    """Nobody has begun, or the last one has retired: the new owner opens it, the old one no more."""
    blue = hands.open()
    assert blue.retire(claimed(blue), NOW)
    adopt(hands.url(OWNING), blue.ledger_id, MOVED)
    assert owned_by(hands) == [("c0ffee", "elsewhere", "btc")]
    with pytest.raises(Misconfigured, match=r"LedgerClaimed: database holds ledger .* of elsewhere/btc"):
        hands.open()
    adopt(hands.url(OWNING), blue.ledger_id, OWNER)
    assert claimed(hands.open(), name="pod-1/b").epoch == 2


def test_a_ledger_that_is_traded_on_is_not_adopted(hands: Hands) -> None:
    """Silence alone is not enough, nor a fence beside a process that still shows life."""
    blue = hands.open()
    claimed(blue)
    refused = pytest.raises(Misconfigured, match="is traded on by pod-1/a under epoch 1; suspend that bot, or fence")
    with refused:
        adopt(hands.url(OWNING), blue.ledger_id, MOVED)
    assert hands.door.fence(1)
    with refused:
        adopt(hands.url(OWNING), blue.ledger_id, MOVED)
    hands.place.silence("pod-1/a", 5)
    adopt(hands.url(OWNING), blue.ledger_id, MOVED)
    assert owned_by(hands) == [("c0ffee", "elsewhere", "btc")]


def test_a_silent_trader_that_was_not_fenced_keeps_its_ledger(hands: Hands) -> None:
    """It may only be away from the database, and may still be sending."""
    blue = hands.open()
    claimed(blue)
    hands.place.silence("pod-1/a", 3600)
    with pytest.raises(Misconfigured, match="is traded on by pod-1/a"):
        adopt(hands.url(OWNING), blue.ledger_id, MOVED)
    assert owned_by(hands) == [("c0ffee", "trading", "btc")]


def test_the_ledger_that_is_meant_is_named(hands: Hands) -> None:
    """Another id is another ledger; an empty database is none."""
    held = ledger_of(hands)
    with pytest.raises(Misconfigured, match=f'--ledger-id "other0" is not the ledger in this database, .* {held}'):
        adopt(hands.url(OWNING), "other0", MOVED)


def test_an_empty_database_has_nothing_to_adopt(tmp_path: object) -> None:
    with pytest.raises(LedgerUnavailable, match="database holds no ledger yet"):
        adopt(f"sqlite:///{tmp_path}/none.sqlite", "abc123", MOVED)


def test_a_copy_on_another_server_lets_nobody_in(server_hands: Hands) -> None:
    """It carries along where it was kept; no role but the owner's can say that it is at home."""
    server_hands.place.raw(f"COMMENT ON TABLE lease IS 'tradingbot ledger {LEDGER}, server 1, timeline 1'")
    with pytest.raises(
        ShutOut, match=f"server 1, timeline 1, but this is .* tradingbot.io/adopt-ledger: {LEDGER}@[0-9]+/1$"
    ):
        server_hands.open()
    adopt(server_hands.url(OWNING), LEDGER, OWNER)
    assert claimed(server_hands.open()).epoch == 1001


def test_a_ledger_that_is_at_home_is_noted_once(server_hands: Hands) -> None:
    """Who prepares it writes the note, and adopting it where it is begins nothing anew."""
    note = "SELECT obj_description('lease'::regclass, 'pg_class')"
    before = server_hands.place.raw(note)
    adopt(server_hands.url(OWNING), LEDGER, OWNER)
    assert server_hands.place.raw(note) == before
    assert before[0][0].startswith(f"tradingbot ledger {LEDGER}, server ")
    assert (server_hands.open().halts(), claimed(server_hands.open()).epoch) == ((), 1)

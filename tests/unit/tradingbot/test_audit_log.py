"""The audit log's chain: whatever is done to an entry shows, and the first one it was done to is named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingbot.domain.audit import GENESIS, Broken, Entry, Event, Head, broken, digest, event, following

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EVENTS = st.builds(Event, *[st.text(max_size=5)] * 4)


def log(told: list[Event]) -> list[Entry]:
    """The entries that tell *told*, a second apart."""
    first = following(Head(), told[0], NOW)
    return list(
        accumulate(
            told[1:], lambda entry, each: following(entry.head, each, entry.at + timedelta(seconds=1)), initial=first
        )
    )


LOGS = st.lists(EVENTS, min_size=1, max_size=6).map(log)
THREE = log([event("HALTED", "http", f"h{number}", reason="spread") for number in (1, 2, 3)])


def test_an_entry_holds_the_hash_of_the_one_before() -> None:
    """The hash is SHA-256 over the fields in one fixed writing: a log of today can be verified in ten years."""
    entry = following(Head(), event("HALTED", "http", "h1", kind="halt"), NOW)
    assert (entry.number, entry.previous, entry.event.details) == (1, GENESIS, '{"kind": "halt"}')
    assert entry.hash == "440a93cf26f574f9a0d62ce9846aeea7a57d5431c4b3551700b0409870ce75b2"
    assert following(entry.head, entry.event, NOW).previous == entry.hash


@given(LOGS)
def test_a_log_as_it_was_written_is_whole(entries: list[Entry]) -> None:
    assert broken(entries, entries[-1].head) is None


def test_an_empty_log_is_whole() -> None:
    assert broken([], Head()) is None


@given(LOGS, st.data())
def test_a_changed_entry_is_named(entries: list[Entry], data: st.DataObject) -> None:
    """Whatever field is changed, the entry itself does not fit any more."""
    at = data.draw(st.integers(0, len(entries) - 1))
    one, head = entries[at], entries[-1].head
    told = data.draw(EVENTS.filter(lambda other: other != one.event))
    moved = one.at + timedelta(microseconds=data.draw(st.integers(1, 9)))
    entries[at] = data.draw(st.sampled_from([replace(one, event=told), replace(one, at=moved)]))
    found = broken(entries, head)
    assert found == Broken(at + 1, f"entry {at + 1} is not what was written: its hash does not fit its content")


@given(LOGS, st.data())
def test_a_changed_entry_with_its_hash_made_anew_is_found_by_the_next(
    entries: list[Entry], data: st.DataObject
) -> None:
    """Who counts the hash anew breaks the link of the entry after it, or the end of the log."""
    at = data.draw(st.integers(0, len(entries) - 1))
    one, head = entries[at], entries[-1].head
    told = data.draw(EVENTS.filter(lambda other: other != one.event))
    entries[at] = replace(one, event=told, hash=digest(one.number, one.at, told, one.previous))
    found = broken(entries, head)
    assert found is not None
    assert found.number == min(at + 2, len(entries))


@given(LOGS, st.data())
def test_a_removed_entry_is_named(entries: list[Entry], data: st.DataObject) -> None:
    """Also the last one, whose absence no other entry tells."""
    at, head = data.draw(st.integers(0, len(entries) - 1)), entries[-1].head
    del entries[at]
    found = broken(entries, head)
    assert found is not None
    assert found.number == at + 1


@given(LOGS.filter(lambda entries: len(entries) > 1), st.data())
def test_of_two_swapped_entries_the_first_is_named(entries: list[Entry], data: st.DataObject) -> None:
    """Whether their numbers go with them or stay where they were."""
    one, two = sorted(data.draw(st.lists(st.integers(0, len(entries) - 1), min_size=2, max_size=2, unique=True)))
    head, first, second = entries[-1].head, entries[one], entries[two]
    stay = data.draw(st.booleans())
    entries[one] = replace(second, number=first.number) if stay else second
    entries[two] = replace(first, number=second.number) if stay else first
    found = broken(entries, head)
    assert found is not None
    assert found.number == one + 1


@pytest.mark.parametrize(
    ("entries", "head", "number", "said"),
    [
        (THREE[1:], THREE[2].head, 1, "entry 1 is missing: after 0 comes 2"),
        (THREE[:2], THREE[2].head, 3, "the log ends with entry 2, but entry 3 was written last"),
        (THREE, THREE[1].head, 3, "the log ends with entry 3, but entry 2 was written last"),
        (THREE, Head(3, "0"), 3, "entry 3 is not the one that was written last"),
        (
            [THREE[0], replace(THREE[1], previous=GENESIS)],
            THREE[1].head,
            2,
            "entry 2 does not follow the entry before it: one of the two was changed",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(entries: list[Entry], head: Head, number: int, said: str) -> None:
    assert broken(entries, head) == Broken(number, said)

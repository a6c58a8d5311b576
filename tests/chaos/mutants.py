"""The mutants of the one-trader protocol: what each changes, and which tests must turn red because of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """In *file*, the one place that reads *old* reads *new*."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    changes: tuple[Change, ...]
    caught_by: tuple[str, ...]


FENCE = "bot/tradingbot/ledger/migrations/sql/0001_postgresql.sql"
HAND_OVER = "bot/tradingbot/ledger/migrations/sql/0002_postgresql.sql"
SEND = "bot/tradingbot/execution/send.py"
SETTLE = "bot/tradingbot/execution/settle.py"
EXITS = "bot/tradingbot/execution/exits.py"
FORCED = "operator/tradingbot_operator/ledger/fence.py"
PAGE = "operator/tradingbot_operator/handover.py"
INTEND = "write = desk.ledger.intend(desk.lease, request, timestamp, timestamp + desk.venue.request_life)"
OUTCOME = "outcome = await desk.venue.send(write)\n    desk.metrics"
WAITS = '        return Refusal("Waits", "the venue has just refused this exit")\n'
AGAIN = "\n    if isinstance(outcome, Unknown):\n        outcome = await desk.venue.send(write)\n"
LEASE = "tests/integration/test_ledger_lease.py::"
HANDS = "tests/integration/test_ledger_handover.py::"
BOOK = "tests/integration/test_ledger_book.py::"
CRASH = "tests/integration/test_bot_crash.py::"
EXECUTION = "tests/unit/tradingbot/test_execution.py::"
CUTOFF = "tests/unit/tradingbot/test_engine_cutoff.py::"
SENDING = "tests/chaos/test_sending.py::"

MUTANTS = {
    "KEY SHARE for SHARE": Mutant(
        (Change(FENCE, "       FOR SHARE;", "       FOR KEY SHARE;"),),
        (f"{LEASE}test_a_new_epoch_waits_for_a_write_that_is_not_committed",),
    ),
    "timestamp after the fence": Mutant(
        (Change(SEND, INTEND, f"{INTEND}\n    write = replace(write, timestamp=desk.clock.now())"),),
        (f"{SENDING}test_a_request_carries_the_time_it_was_fenced_with",),
    ),
    "no expiry wait": Mutant(
        (Change("bot/tradingbot/adoption.py", "while until is not None and", "while False and until is not None and"),),
        (f"{SENDING}test_a_taker_waits_until_no_request_of_the_epoch_before_can_arrive",),
    ),
    "resend on time-out": Mutant(
        (Change(SEND, OUTCOME, OUTCOME.replace("\n", AGAIN, 1)),),
        (f"{CRASH}test_no_lost_answer_doubles_or_loses_an_order",),
    ),
    "unfenced cancel": Mutant(
        (
            Change(
                SEND,
                INTEND,
                'write = (\n        VenueWrite("free", desk.lease.epoch, 0, request, timestamp, timestamp)\n'
                f"        if isinstance(request, Cancel)\n        else {INTEND.removeprefix('write = ')}\n    )",
            ),
        ),
        (f"{SENDING}test_a_write_of_a_lost_epoch_never_leaves",),
    ),
    "same-colour twin": Mutant(
        (
            Change(
                HAND_OVER,
                "AND seen_at > clock_timestamp() - interval '5 seconds') THEN 'HeldByOther'",
                "AND false) THEN 'HeldByOther'",
            ),
        ),
        (f"{LEASE}test_a_twin_of_the_same_colour_is_refused",),
    ),
    "void order obeyed": Mutant(
        (
            Change(
                HAND_OVER, "WHEN held.order_until <= clock_timestamp() THEN 'OrderVoid'", "WHEN false THEN 'OrderVoid'"
            ),
        ),
        (f"{HANDS}test_a_release_that_is_not_as_ordered_is_refused",),
    ),
    "old epoch's decision sent under a new one": Mutant(
        (
            Change(
                SEND, INTEND, INTEND.replace("desk.lease", "replace(desk.lease, epoch=desk.ledger.lease_row().epoch)")
            ),
        ),
        (f"{SENDING}test_what_was_decided_under_an_epoch_is_not_sent_under_the_next",),
    ),
    "no decision cursor": Mutant(
        (Change("bot/tradingbot/ledger/writes.py", ", where=cursors.c.decided_through < new.decided_through", ""),),
        (f"{BOOK}test_a_bar_is_decided_once",),
    ),
    "stop cancelled first": Mutant(
        (
            Change(
                EXITS,
                f"{WAITS}    outcome = await place(desk, request)\n",
                f"{WAITS}    if request.replaces is not None:\n"
                "        await place(desk, Cancel(symbol, request.replaces, reason))\n"
                "        request = replace(request, replaces=None)\n    outcome = await place(desk, request)\n",
            ),
            Change(
                EXITS, "from decimal import Decimal\n", "from dataclasses import replace\nfrom decimal import Decimal\n"
            ),
        ),
        (f"{EXECUTION}test_a_refused_exit_puts_the_stop_back_before_anything_else",),
    ),
    "exit budget off": Mutant(
        (
            Change(
                EXITS,
                "budget = book.there(symbol) - book.selling(symbol, but=replaced)",
                "budget = book.there(symbol)",
            ),
        ),
        (f"{EXECUTION}test_the_exit_budget_leaves_out_what_other_sells_may_take",),
    ),
    "NOLOGIN after terminate": Mutant(
        (
            Change(
                FORCED, "        await _login(connection, holder, False)\n    return holder\n", "    return holder\n"
            ),
            Change(
                FORCED,
                "    await end_sessions(connection, holder)\n    guard",
                "    await end_sessions(connection, holder)\n    await _login(connection, holder, False)\n    guard",
            ),
        ),
        ("tests/chaos/test_fencing.py::test_a_bot_that_connects_again_at_once_is_shut_out",),
    ),
    "highestEpoch written after": Mutant(
        (Change(PAGE, '        after |= {"highestEpoch": epoch}\n', "        pass\n"),),
        ("tests/integration/test_operator_handover.py",),
    ),
    '"not found" final at once': Mutant(
        (
            Change(
                SETTLE,
                "return asked > write.expires_at + desk.clock.scaled(SKEW) + desk.venue.visibility",
                "return True",
            ),
        ),
        (f"{EXECUTION}test_not_found_is_not_final_before_life_skew_and_visibility_have_passed",),
    ),
    "stale command accepted": Mutant(
        (Change(HAND_OVER, "WHERE epoch = tb_order.epoch AND released_at IS NULL", "WHERE released_at IS NULL"),),
        (f"{HANDS}test_an_order_is_set_and_taken_back_only_as_it_stands",),
    ),
    "journal sent again": Mutant(
        (
            Change(
                "bot/tradingbot/adoption.py",
                "            replay(ahead.desk(lease), parts.journal)\n",
                "            for entry in parts.journal.entries():\n                await parts.venue.send(entry)\n"
                "            replay(ahead.desk(lease), parts.journal)\n",
            ),
        ),
        (f"{CUTOFF}test_a_flatten_without_the_ledger_sells_in_the_place_of_the_stop_and_is_replayed",),
    ),
}

"""The rules of the lease, one missing at a time: the machine (tests/lease_machine.py) must find each of them out."""

from chaos.mutants import HAND_OVER, Change, Mutant

FILE = "bot/tradingbot/ledger/embedded.py"
MACHINE = "tests/integration/test_ledger_lease_machine.py::test_there_is_one_holder_whatever_happens[postgresql-1000]"
STALE = "IF held.epoch IS DISTINCT FROM"


def _mutant(file: tuple[str, str], server: tuple[str, str]) -> Mutant:
    """The rule is missing in the file's functions and in the server's."""
    return Mutant((Change(FILE, *file), Change(HAND_OVER, *server)), (MACHINE,))


LEASE_MUTANTS = {
    "without NotHolder": _mutant(
        ("    if row.holder != instance.colour:\n", "    if False:\n"),
        ("WHEN held.holder <> session_user::text THEN 'NotHolder'", "WHEN false THEN 'NotHolder'"),
    ),
    "without InstanceUsed": _mutant(
        ("    if used:\n", "    if False:\n"),
        (
            "WHEN EXISTS (SELECT FROM lease_history WHERE instance = tb_claim.instance) THEN 'InstanceUsed'",
            "WHEN false THEN 'InstanceUsed'",
        ),
    ),
    "without HeldByOther": _mutant(
        ("and not own and not silent:", "and False:"),
        (
            "AND seen_at > clock_timestamp() - interval '5 seconds') THEN 'HeldByOther'",
            "AND false) THEN 'HeldByOther'",
        ),
    ),
    "without ExitGranted": _mutant(
        ('return "ExitGranted" if granted else None', "return None"),
        ("WHEN tb_held(pod) THEN 'ExitGranted'", "WHEN false THEN 'ExitGranted'"),
    ),
    "a void order is obeyed": _mutant(
        ("    if not _order_stands(connection, row):\n", "    if False:\n"),
        ("WHEN held.order_until <= clock_timestamp() THEN 'OrderVoid'", "WHEN false THEN 'OrderVoid'"),
    ),
    "another than the ordered one is named": _mutant(
        ("    if row.successor != successor:\n", "    if False:\n"),
        (
            "WHEN held.successor <> tb_release.successor THEN 'OtherSuccessor'",
            "WHEN false THEN 'OtherSuccessor'",
        ),
    ),
    "a silent one is named": _mutant(
        ("    if not seen(connection, named.instance, SUCCESSOR_SILENCE):\n", "    if False:\n"),
        ("AND seen_at > clock_timestamp() - interval '2 seconds') THEN 'SuccessorSilent'", ") THEN 'SuccessorSilent'"),
    ),
    "a stale order is set": _mutant(
        ("row.epoch != epoch or row.released_at is not None:", "row.released_at is not None:"),
        ("WHERE epoch = tb_order.epoch AND released_at IS NULL", "WHERE released_at IS NULL"),
    ),
    "an order stands beside an end": _mutant(
        ("row.epoch != epoch or row.released_at is not None:", "row.epoch != epoch:"),
        ("WHERE epoch = tb_order.epoch AND released_at IS NULL", "WHERE epoch = tb_order.epoch"),
    ),
    "a stale fence falls": _mutant(
        ('row.epoch != epoch or held(connection, ""):', 'held(connection, ""):'),
        (f"{STALE} tb_fence.epoch OR tb_held('') THEN", "IF tb_held('') THEN"),
    ),
    "a fence beside an exit grant": _mutant(
        ('row.epoch != epoch or held(connection, ""):', "row.epoch != epoch:"),
        (f"{STALE} tb_fence.epoch OR tb_held('') THEN", f"{STALE} tb_fence.epoch THEN"),
    ),
    "an epoch is given twice": _mutant(
        ("new <= row.epoch or held", "new < row.epoch or held"),
        ("tb_grant.new <= held.epoch OR", "tb_grant.new < held.epoch OR"),
    ),
    "a grant beside an exit grant": _mutant(
        ('or new <= row.epoch or held(connection, ""):', "or new <= row.epoch:"),
        ("tb_grant.new <= held.epoch OR tb_held('') THEN", "tb_grant.new <= held.epoch THEN"),
    ),
    "an exit grant for a stranger": _mutant(
        ("(row.epoch, row.instance) != (epoch, instance)", "row.epoch != epoch"),
        ("OR held.instance IS DISTINCT FROM tb_hold.instance\n", "\n"),
    ),
    "an exit grant after the end": _mutant(
        ("!= (epoch, instance) or row.released_at is not None:", "!= (epoch, instance):"),
        ("       OR held.released_at IS NOT NULL OR (held.successor", "       OR (held.successor"),
    ),
    "an exit grant beside an order": _mutant(
        ("    if _order_stands(connection, row):\n", "    if False:\n"),
        (" OR (held.successor IS NOT NULL AND held.order_until > clock_timestamp()) THEN", " THEN"),
    ),
}

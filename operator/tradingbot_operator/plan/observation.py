"""While a new trader is observed: what it fails that the old colour passes at the same time."""

from collections.abc import Callable

from tradingbot_operator.domain.handover import Side

Check = Callable[[Side], str | None]


def crash_loop(side: Side) -> str | None:
    """Its pod cannot stay up."""
    return side.trouble


def readiness(side: Side) -> str | None:
    """Its pod can serve."""
    return None if side.ready else "the pod is not ready"


def errors(side: Side) -> str | None:
    """It reaches venue and ledger; silence tells nothing."""
    said = side.report
    words = [each for each in (said.exchange, said.database) if each not in (None, "ok")] if said else []
    return words[0] if words else None


CHECKS: tuple[tuple[str, Check], ...] = (("crash loop", crash_loop), ("readiness", readiness), ("errors", errors))


def worse(new: Side, old: Side) -> str | None:
    """The first check that the new one fails and the old one passes: what both fail is not the revision's fault."""
    for name, check in CHECKS:
        failed = check(new)
        if failed is not None and check(old) is None:
            return f"{name}: {failed}"
    return None

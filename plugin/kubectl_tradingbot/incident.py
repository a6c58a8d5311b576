"""The verbs of an incident: stop, flatten, let go on, and see what was changed."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.cluster import HALT, RESUME, Bot
from kubectl_tradingbot.domain.doctor import examined
from kubectl_tradingbot.domain.history import history
from kubectl_tradingbot.flags import spread

REFUSED, USAGE, LATE = 1, 2, 3
Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="namespace; default: the context's")]
Name = Annotated[str, typer.Argument(help="the bot")]
Reason = Annotated[str, typer.Option("--reason", help="why; it is kept with the halt")]
Patience = Annotated[int, typer.Option("--timeout", min=1, help="seconds to wait; exit 3 when they are over")]


class Kind(StrEnum):
    REDUCE = "reduce"
    HALT = "halt"
    FLATTEN = "flatten"


def halt(
    bot: Name, reason: Reason, kind: Kind = Kind.HALT, namespace: Namespace = None, timeout: Patience = 30
) -> None:
    """Stop a bot until somebody resumes it."""
    _given(reason)
    one = cluster.one(namespace, bot)
    cluster.annotate(one, f"{HALT}={kind.value}: {reason}")
    _until(lambda: _halted(one, reason), timeout, f"{bot} does not say yet that it is halted")
    ids = [each["id"] for each in cluster.one(one.namespace, bot).halts if each["reason"] == reason]
    typer.echo(f"{bot} is halted ({kind.value}): kubectl tradingbot resume {bot} --id {' '.join(ids)} --reason ...")


@dataclass(frozen=True, slots=True)
class Resumed:
    bot: Name
    halt_id: Annotated[str | None, typer.Option("--id", help="the halt; needed when several stand")] = None
    anyway: Annotated[bool, typer.Option("--anyway", help="although a check fails")] = False
    namespace: Namespace = None


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of a verb, and for how long its effect is waited for."""

    reason: Reason
    timeout: Patience = 30


@dataclass(frozen=True, slots=True)
class Which:
    bot: Annotated[str | None, typer.Argument(help="one bot; or --all")] = None
    every: Annotated[bool, typer.Option("--all", help="every bot; with -n of one namespace")] = False
    namespace: Namespace = None


@dataclass(frozen=True, slots=True)
class Stop:
    reason: Reason
    flatten: Annotated[bool, typer.Option("--flatten", help="close every position too")] = False
    scale_to_zero: Annotated[bool, typer.Option("--scale-to-zero", help="then end every pod too")] = False
    timeout: Patience = 60


@spread
def resume(what: Resumed, why: Why) -> None:
    """Clear one halt of a bot whose checks pass."""
    bot, reason, timeout = what.bot, why.reason, why.timeout
    _given(reason)
    one = cluster.one(what.namespace, bot)
    standing = {str(each["id"]): each for each in one.halts}
    if not standing:
        _stop(REFUSED, f"{bot} is not halted")
    if what.halt_id is None and len(standing) > 1:
        _stop(REFUSED, f"{bot} has {len(standing)} halts; name one with --id: {', '.join(standing)}")
    chosen = what.halt_id or next(iter(standing))
    if chosen not in standing:
        _stop(REFUSED, f"--id {chosen} is not a halt of {bot}; write one of {', '.join(standing)}")
    failing = [] if what.anyway else cluster.failing_checks(one)
    if failing:
        _stop(
            REFUSED, f"{bot} is not well, so it stays halted ({'; '.join(failing)}); --anyway resumes it all the same"
        )
    written = [f"{HALT}-"] if standing[chosen]["source"] == "annotation" else []
    cluster.annotate(one, f"{RESUME}={chosen} {reason}", *written)
    _until(partial(_cleared, one, chosen), timeout, f"{bot} does not say yet that {chosen} is cleared")
    left = len(standing) - 1
    typer.echo(f"{chosen} is cleared; {left} more halt{'' if left == 1 else 's'} of {bot} stand")


def doctor(
    bot: Name,
    verbose: Annotated[bool, typer.Option("--verbose", help="show what is well too")] = False,
    namespace: Namespace = None,
) -> None:
    """Examine one bot; exit 1 when a check fails. Before going live and before a resume."""
    one = cluster.one(namespace, bot)
    findings = examined(one.resource, one.live, cluster.failing_checks(one))
    sick = [each for each in findings if not each.ok]
    for each in findings if verbose else sick:
        cure = f"; {each.cure}" if not each.ok else ""
        typer.echo(f"{'ok' if each.ok else 'FAIL':<4}  {each.check}: {each.message}{cure}")
    typer.echo(f"{bot}: {len(findings)} checks, {len(sick)} failed")
    raise typer.Exit(REFUSED if sick else 0)


@spread
def emergency_stop(which: Which, order: Stop) -> None:
    """Stop one bot or all of them at once; with --flatten wait until each is flat."""
    _given(order.reason)
    if (which.bot is None) is not which.every:
        _stop(USAGE, "give one bot or --all")
    since = time.monotonic()
    # Nobody is asked anything before the order stands: a hundred answers take longer than a fleet may go on.
    stopped = cluster.listed(_where(which), which.bot)
    _order(stopped, f"{'flatten' if order.flatten else 'halt'}: {order.reason}", which.every)
    waiting = {each.key: each for each in stopped}
    while waiting:
        late = f"{', '.join(sorted(each.name for each in waiting.values()))}: not halted yet, by their own word"
        # A list of a fleet costs the API server what it should spend on the halt.
        pause = 1.0 if which.every else 0.2
        _until(lambda: bool(_now_halted(waiting, which, order.reason)), order.timeout, late, pause)
        for each in _now_halted(waiting, which, order.reason):
            typer.echo(f"{each.namespace}/{each.name} is halted after {time.monotonic() - since:.1f} s")
            del waiting[each.key]
    for each in stopped if order.flatten else []:
        _until(partial(_flat, each), order.timeout, f"{each.name} is not flat yet, or does not answer")
        typer.echo(f"{each.namespace}/{each.name} is flat")
    for each in stopped if order.scale_to_zero else []:
        cluster.suspend(each, True)
    for each in stopped if order.scale_to_zero else []:
        _until(partial(_suspended, each), order.timeout, f"{each.name} is not suspended yet")
        typer.echo(f"{each.namespace}/{each.name} is suspended")


def _order(bots: Sequence[Bot], order: str, every: bool) -> None:
    if every:
        for space in sorted({each.namespace for each in bots}):
            cluster.order_namespace(space, order)
        return
    for each in bots:
        cluster.annotate(each, f"{HALT}={order}")


def _now_halted(waiting: Mapping[tuple[str, str], Bot], which: Which, reason: str) -> list[Bot]:
    """Those of *waiting* that are: one bot is asked itself, a fleet is read from what the operator was told."""
    if not which.every:
        return [each for each in waiting.values() if _halted(each, reason)]
    return [each for each in cluster.listed(_where(which), None) if each.key in waiting and _is_halted(each, reason)]


def _where(which: Which) -> str | None:
    """Of a fleet every namespace, unless one is named."""
    return which.namespace or ("*" if which.every else None)


def show_history(
    bot: Name, as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False, namespace: Namespace = None
) -> None:
    """What was changed on a bot, what it went through, and what changed below it."""
    entries = history(*cluster.records(cluster.one(namespace, bot)))
    if as_json:
        typer.echo(json.dumps(entries, indent=2))
        return
    for entry in entries:
        what = "; ".join(f"{each['field']}: {each['before']} -> {each['after']}" for each in entry.get("changes", []))
        told = what or entry.get("message") or entry.get("revision", "")
        typer.echo(f"{entry['at']}  {entry['kind']:<14} {entry.get('reason') or entry.get('number') or ''}  {told}")


def _given(reason: str) -> None:
    if not reason.strip():
        _stop(USAGE, "--reason is empty: write why")


def _again(bot: Bot) -> Bot:
    return cluster.one(bot.namespace, bot.name)


def _flat(bot: Bot) -> bool:
    return _again(bot).is_flat


def _cleared(bot: Bot, halt_id: str) -> bool:
    return halt_id not in {each["id"] for each in _again(bot).halts}


def _halted(bot: Bot, reason: str) -> bool:
    return _is_halted(_again(bot), reason)


def _is_halted(now: Bot, reason: str) -> bool:
    answered = any(reason == each["reason"] for each in now.halts)
    return answered or (now.live is None and now.condition("TradingActive").get("reason") == "NoPod")


def _suspended(bot: Bot) -> bool:
    return _again(bot).is_suspended


def _until(true: Callable[[], bool], seconds: float, otherwise: str, pause: float = 0.2) -> None:
    if not cluster.wait(true, seconds, pause):
        _stop(LATE, f"{otherwise} ({seconds:g} s)")


def _stop(code: int, sentence: str) -> None:
    typer.echo(f"kubectl tradingbot: {sentence}", err=True)
    raise typer.Exit(code)

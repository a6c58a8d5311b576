"""Strikes at a real node: what is done, to whom and at which moment is drawn before the first one, from a seed."""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import node
from chaos import judging
from chaos.struck import NAMESPACE, Struck, World, components, is_ready, processes

Blow = Callable[[], None]
# Where the bot stands when it is struck: at rest, so long after another revision was asked for, so long after its
# candidate was up, or so long after a way back was asked for.
MOMENTS = {"rest": 4, "rollout": 2, "verifying": 2, "rollback": 4}
LATEST_MS = 1500
FREEZE_SECONDS = (3, 15)
CONVERGED_SECONDS = 60
# Where a bot does not recover in time, it is waited for so much longer before the rest is given up.
GIVEN_UP_SECONDS = 300
SERVED = "served"


@dataclass(frozen=True, slots=True)
class Strike:
    number: int
    action: str
    bot: str
    moment: str
    delay_ms: int
    freeze_seconds: float

    def __str__(self) -> str:
        when = self.moment if self.moment == "rest" else f"{self.delay_ms} ms after {self.moment}"
        return f"strike {self.number}: {self.action} at {self.bot}, {when}"


def end(pids: Iterable[int], how: signal.Signals = signal.SIGKILL) -> None:
    """Those that are gone meanwhile are left alone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)


def restarts(pod: dict[str, Any]) -> int:
    return sum(each["restartCount"] for each in pod["status"].get("containerStatuses", ()))


def kill_trader(_: World, bot: Struck, __: Strike) -> Blow:
    pids = processes(bot.trader)
    return lambda: end(pids)


def kill_standby(_: World, bot: Struck, __: Strike) -> Blow:
    others = [each["metadata"]["uid"] for each in bot.pods() if each["metadata"]["uid"] != bot.trader]
    pids = [pid for uid in others for pid in processes(uid)]
    return lambda: end(pids)


def kill_operator(world: World, _: Struck, __: Strike) -> Blow:
    """Until the node says that it began again it would count as ready."""
    pod = world.operator()
    pids, before = processes(pod["metadata"]["uid"]), restarts(pod)

    def blow() -> None:
        end(pids)
        world.api.until(lambda: restarts(world.operator()) > before, CONVERGED_SECONDS)

    return blow


def kill_session(world: World, bot: Struck, strike: Strike) -> Blow:
    """The process behind one session of the bot, or of its operator; the server then begins again by itself."""
    listed = world.server.sql(
        f"SELECT pid FROM pg_stat_activity WHERE datname = '{bot.name}' AND usename <> 'postgres'"
    )
    pid = random.Random(strike.delay_ms).choice(sorted(row[0] for row in listed))
    return lambda: end([pid])


def kill_postmaster(world: World, _: Struck, __: Strike) -> Blow:
    pid = world.server.pid
    return lambda: end([pid])


def kill_api_server(_: World, __: Struck, ___: Strike) -> Blow:
    pids = components("kube-apiserver")
    return lambda: end(pids)


def freeze_trader(_: World, bot: Struck, strike: Strike) -> Blow:
    pids = processes(bot.trader)

    def blow() -> None:
        end(pids, signal.SIGSTOP)
        # What is waited for is the time itself: past the silence, or past every deadline.
        time.sleep(strike.freeze_seconds)
        end(pids, signal.SIGCONT)

    return blow


def _trading_pod(bot: Struck) -> dict[str, Any]:
    uid = bot.trader
    return next(each for each in bot.pods() if each["metadata"]["uid"] == uid)


def delete_pod(_: World, bot: Struck, __: Strike) -> Blow:
    name = _trading_pod(bot)["metadata"]["name"]
    return lambda: bot.api.remove("Pod", name, NAMESPACE)


def force_delete_pod(_: World, bot: Struck, __: Strike) -> Blow:
    name, now = _trading_pod(bot)["metadata"]["name"], {"gracePeriodSeconds": 0}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}"
    return lambda: bot.api.request("DELETE", path, now)


def scale_to_two(_: World, bot: Struck, __: Strike) -> Blow:
    colour = _trading_pod(bot)["metadata"]["labels"]["tradingbot.io/colour"]
    patch = {"spec": {"replicas": 2}}
    return lambda: bot.api.merge("Deployment", f"{bot.name}-{colour}", NAMESPACE, patch)


def start_another(_: World, bot: Struck, strike: Strike) -> Blow:
    """`atb live`, and the command the pod itself runs: both must refuse while the pod has its trader."""
    name = _trading_pod(bot)["metadata"]["name"]

    def blow() -> None:
        for command in ("live", "paper"):
            exec_ = ["kubectl", "-n", NAMESPACE, "exec", name, "-c", "bot", "--", "atb", command]
            done = subprocess.run(
                exec_, capture_output=True, text=True, env=node.environment(), timeout=30, cwd=node.ROOT
            )
            assert done.returncode != 0, f"atb {command} was not refused: {done.stdout} {done.stderr}"
            word = "is not for atb live" if command == "live" else "already has a trader in this pod"
            # In a hand-over the pod may be on its way out.
            assert word in done.stderr or strike.moment != "rest", done.stderr

    return blow


ACTIONS: dict[str, tuple[int, Callable[[World, Struck, Strike], Blow]]] = {
    "kill_trader": (10, kill_trader),
    "kill_standby": (5, kill_standby),
    "kill_operator": (8, kill_operator),
    "kill_session": (4, kill_session),
    "kill_postmaster": (4, kill_postmaster),
    "kill_api_server": (5, kill_api_server),
    "freeze_trader": (8, freeze_trader),
    "delete_pod": (5, delete_pod),
    "force_delete_pod": (5, force_delete_pod),
    "scale_to_two": (4, scale_to_two),
    "start_another": (2, start_another),
}
ON_THE_SERVER = ("kill_session", "kill_postmaster")


def plan(seed: int, count: int, only: str = "") -> list[Strike]:
    """The same for the same seed; *only* names actions, with commas between them."""
    dice = random.Random(seed)
    actions = only.split(",") if only else list(ACTIONS)
    strikes = []
    for number in range(1, count + 1):
        [action] = dice.choices(actions, [ACTIONS[each][0] for each in actions])
        [moment] = dice.choices(list(MOMENTS), list(MOMENTS.values()))
        bot = dice.choice(("filed", SERVED))
        drawn = (dice.randrange(LATEST_MS + 1), round(dice.uniform(*FREEZE_SECONDS), 1))
        strikes.append(Strike(number, action, SERVED if action in ON_THE_SERVER else bot, moment, *drawn))
    return strikes


def rested(world: World, within: float, since: dict[str, int]) -> list[str]:
    """What is still missing at the end of that time; nothing, as soon as nothing is."""
    until = time.monotonic() + within
    while missing := world.unrest(since):
        if time.monotonic() > until:
            return missing
        time.sleep(0.5)
    return []


def marks(world: World) -> dict[str, int]:
    """How far each log has been read."""
    return {name: len(bot.entries) for name, bot in world.bots.items()}


def made_ready(world: World, strike: Strike) -> None:
    """The strike finds what it needs: an operator that is not held back for its restarts, and a warm colour."""
    operator = world.operator()
    if restarts(operator) and strike.action == "kill_operator":
        world.api.remove("Pod", operator["metadata"]["name"], "tradingbot-system")
        world.api.until(lambda: world.operator()["metadata"]["uid"] != operator["metadata"]["uid"], 60)
        world.api.until(lambda: is_ready(world.operator()), 60)
    bot = world.bots[strike.bot]
    can_go_back = bot.step() == "Observing" and len(bot.pods()) > 1
    needs_standby = strike.action == "kill_standby" and len(bot.pods()) < 2
    if needs_standby or (strike.moment == "rollback" and not can_go_back):
        swapped(world, bot)


def swapped(world: World, bot: Struck) -> None:
    """Another revision trades, and the one before is warm."""
    before = bot.status()["active"]["revision"]
    bot.edit()
    bot.wait(lambda: bot.step() == "Observing" and bot.status()["active"]["revision"] != before, CONVERGED_SECONDS)
    assert (missing := rested(world, CONVERGED_SECONDS, marks(world))) == [], f"no hand-over before a strike: {missing}"


def asked(bot: Struck, strike: Strike) -> None:
    """The moment has come."""
    if strike.moment in ("rollout", "verifying"):
        bot.edit()
    if strike.moment == "rollback":
        bot.task("rollback")
    if strike.moment == "verifying":
        bot.wait(lambda: bot.step() not in ("Observing", "RolledBack", "Done", "Idle", "Starting", None), 60)
    if strike.moment != "rest":
        time.sleep(strike.delay_ms / 1000)


@dataclass(frozen=True, slots=True)
class Outcome:
    """*seconds* until all was well again, *faults* that must never be, the longest time without cover so far (I9)."""

    strike: Strike
    seconds: float
    faults: tuple[str, ...]
    unprotected_ms: int = 0


def struck(world: World, strike: Strike) -> Outcome:
    """The strike was made, and what came of it is known."""
    faults: list[str] = []
    try:
        made_ready(world, strike)
        bot = world.bots[strike.bot]
        blow = ACTIONS[strike.action][1](world, bot, strike)
        asked(bot, strike)
        blow()
    except (AssertionError, OSError, StopIteration, subprocess.TimeoutExpired) as error:
        faults.append(f"the strike itself: {type(error).__name__} {error}")
    since = time.monotonic()
    faults += [f"not within {CONVERGED_SECONDS} s: {each}" for each in rested(world, CONVERGED_SECONDS, marks(world))]
    seconds = time.monotonic() - since
    for name, each in world.bots.items():
        faults += [f"{name}: {fault}" for fault in each.log_faults(each.ledger())]
    longest = max(judging.unprotected(each.entries) for each in world.bots.values())
    return Outcome(strike, seconds, tuple(faults), longest)

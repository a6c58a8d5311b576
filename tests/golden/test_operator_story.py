"""A bot's life as readable text: what happens, what the operator does, and what the status then says."""

import os
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import make_operator as make
from tradingbot_operator.domain.bot import parse
from tradingbot_operator.domain.handover import Order
from tradingbot_operator.domain.lease import Sign
from tradingbot_operator.domain.observed import Adoption, Observed, Revision, Schema
from tradingbot_operator.domain.outcome import APPLIED
from tradingbot_operator.domain.plan import Keep, Note, Plan, Remove, Run
from tradingbot_operator.plan.decide import decide
from tradingbot_operator.plan.halts import notes, raised
from tradingbot_operator.report.status import change, report

STORY = Path(__file__).parent / "operator" / "story.txt"
SHOWN = ("Ready", "Reconciling", "Stalled", "TradingActive", "Halted")


@dataclass
class Life:
    """One bot, told from outside; every line of the story is one pass."""

    body: dict[str, Any] = field(
        default_factory=lambda: make.body({**make.MINIMAL}, finalizers=["tradingbot.io/operator"])
    )
    seen: Observed = field(default_factory=Observed)
    now: Any = make.NOW
    lines: list[str] = field(default_factory=list)

    def tell(self, happened: str, seconds: int = 1) -> None:
        self.now += timedelta(seconds=seconds)
        bot = parse(self.body)
        plan = decide(bot, self.seen, make.SITE, self.now)
        orders, copied = notes(bot, self.seen), raised(bot, self.seen)
        self._remember(plan, orders)
        status = report(bot, self.seen, plan, APPLIED, self.now)
        written = change(bot.status, status)
        self.body["status"] = status
        if plan.move is not None and isinstance(plan.move.effect, Order):
            named = replace(self.seen.row, successor=plan.move.effect.successor, order_left_ms=3000)
            self.seen = replace(self.seen, row=named)
        said = {each["type"]: each for each in status["conditions"]}
        shown = [f"{name}={said[name]['status']} {said[name]['reason']}" for name in SHOWN if name in said]
        self.lines += [
            f"{self.now:%H:%M:%S}  {happened}",
            f"          does     {doing(plan, orders, copied)}",
            f"          status   {status['phase']}" + ("" if written else " (nothing to write)"),
            *(f"                   {each}" for each in shown),
            *(f"                   ! {said['Stalled']['message']}" for _ in [1] if "Stalled" in said),
            "",
        ]

    def _remember(self, plan: Plan, orders: tuple[Note, ...]) -> None:
        if isinstance(plan.action, Run):
            others = tuple(each for each in self.seen.revisions if each.name != plan.action.revision)
            newest = Revision(plan.action.revision, "uid", plan.action.number, "config")
            self.seen = replace(self.seen, revisions=(*others, newest))
        if plan.move is not None:
            made = (
                make.workload(name=f"btc-{each.colour}", claim="btc-data", **asdict(each)) for each in plan.move.posts
            )
            self.seen = replace(self.seen, workloads=tuple(made))
        for note in orders:
            told = {**self.seen.pods[0].annotations, **dict(note.annotations)}
            kept = {key: value for key, value in told.items() if value is not None}
            pods = tuple(replace(each, annotations=kept) if each.name == note.pod else each for each in self.seen.pods)
            self.seen = replace(self.seen, pods=pods)

    def spec(self, **parts: Any) -> None:
        self.body["spec"] = {**self.body["spec"], **parts}
        self.body["metadata"]["generation"] += 1

    def annotate(self, **notes: str | None) -> None:
        kept = {**self.body["metadata"].get("annotations", {}), **{f"tradingbot.io/{k}": v for k, v in notes.items()}}
        self.body["metadata"]["annotations"] = {k: v for k, v in kept.items() if v is not None}

    def pod(self, said: Any = None, colour: str = "blue", **changes: Any) -> None:
        """The colour's pod is so, its process says that, and the lease names it if it says an epoch."""
        seen, uid = self.seen, f"pod-{colour}"
        told = {each.name: each.annotations for each in seen.pods}
        workload = seen.workload(colour)
        as_made = {"name": f"btc-{colour}-abc", "uid": uid, "colour": colour, "revision": workload.revision}
        pod = make.pod(**{**as_made, "annotations": told.get(f"btc-{colour}-abc", {}), **changes})
        pods = tuple(each for each in seen.pods if each.colour != colour)
        said = replace(said, instance=f"{uid}/1") if said else None
        reports = {**seen.reports, uid: said} if said else {k: v for k, v in seen.reports.items() if k != uid}
        row = seen.row
        if said and said.epoch:
            row = make.row(epoch=said.epoch, holder=colour, instance=f"{uid}/1", revision=pod.revision)
        signs = tuple(Sign(f"{each}/1", "trader", 100) for each in reports)
        self.seen = replace(
            seen, pods=(*pods, pod), reports=reports, report=said, row=row and replace(row, signs=signs)
        )

    def no_pod(self, colour: str = "blue") -> None:
        pods = tuple(each for each in self.seen.pods if each.colour != colour)
        reports = {uid: said for uid, said in self.seen.reports.items() if uid != f"pod-{colour}"}
        row = self.seen.row and replace(
            self.seen.row, signs=tuple(Sign(f"{each}/1", "trader", 100) for each in reports)
        )
        self.seen = replace(self.seen, pods=pods, reports=reports, report=None, row=row if pods else None)


def doing(plan: Plan, notes_now: tuple[Note, ...], copied: str | None) -> str:
    orders = "".join(f"; pod {note.pod} is told {dict(note.annotations)}" for note in notes_now)
    copy = f"; the halt '{copied}' is copied to the bot" if copied else ""
    match plan.action:
        case Run() as run:
            posts = plan.move.posts if plan.move else ()
            runs = ", ".join(f"{each.colour} {each.revision} x{each.replicas}" for each in posts)
            text = f"revision {run.revision} (number {run.number}) is asked for; {runs}"
            if plan.move and plan.move.effect:
                text += f"; {type(plan.move.effect).__name__.lower()} for epoch {plan.move.effect.epoch}"
        case Keep() as keep:
            text = f"touch nothing: {keep.reason}"
        case Remove() as remove:
            text = f"remove: {remove.step}" + (f", leaving {remove.left}" if remove.left else "")
    return text + orders + copy


def story() -> str:
    life = Life()
    standby = make.said(
        state="standby",
        trading_active=False,
        epoch=None,
        exchange="ok",
        database="ok",
        schema=Schema("0002", "0002"),
    )
    life.tell("a person applies the bot")
    life.pod(ready=False)
    life.tell("its pod is created and starts")
    life.pod(make.said(state="starting", trading_active=False, epoch=None, highest_epoch=None, ledger_id=None))
    life.tell("the pod is ready; the process opens its ledger")
    life.pod(make.said())
    life.tell("the process holds epoch 4 and trades")
    life.tell("nothing happens for an hour", 3600)
    life.annotate(halt="reduce: spread looks wrong")
    life.tell("a person writes a halt on the bot")
    halted = make.said(state="halted", trading_active=False, halts=(make.halt(kind="reduce"),))
    life.pod(halted)
    life.tell("the process reads it from its own annotations and halts")
    life.annotate(halt=None, resume="h1 spread is back")
    life.tell("the person takes it back and resumes it by its id")
    life.pod(make.said(epoch=5, highest_epoch=5, unresolved=0, journal=0))
    life.tell("the process resumes")
    life.spec(modus="fast")
    life.tell("a person misspells a field")
    del life.body["spec"]["modus"]
    life.spec(strategy={"name": "sma_cross", "parameters": {"fast": "5"}})
    life.tell("the person corrects it and changes a parameter")
    life.pod(standby, "green", ready=False)
    life.tell("the other colour's pod starts")
    life.pod(standby, "green")
    life.tell("it stands by, and passes every gate")
    life.tell("the order stands in the lease", 0)
    life.pod(make.said(state="standby", trading_active=False, epoch=None, unresolved=0, journal=0))
    life.pod(make.said(epoch=6, highest_epoch=6, exchange="ok", adoption=Adoption(6, "adopting")), "green")
    life.tell("the trader has released to it", 0)
    life.pod(make.said(epoch=6, highest_epoch=6, exchange="ok", adoption=Adoption(6, "adopted", 1)), "green")
    life.tell("it has taken stock and trades")
    trouble = "pod btc-green-abc: CrashLoopBackOff: the strategy divides by zero"
    life.pod(None, "green", ready=False, trouble=trouble)
    life.tell("the new one crashes again and again while it is observed", 60)
    life.pod(make.said(epoch=7, highest_epoch=7))
    life.tell("the old colour has the lease again")
    life.tell("it trades; the other revision is held")
    life.spec(strategy={"name": "sma_cross"})
    life.tell("the person goes back to the old parameters")
    life.tell("the other colour is kept no longer", 900)
    life.no_pod("green")
    life.tell("its pod has ended")
    life.spec(suspend=True)
    life.tell("the person suspends the bot")
    life.no_pod()
    life.tell("its pod has ended")
    life.spec(suspend=False)
    life.tell("the person lets it run again")
    life.pod(make.said(epoch=8, highest_epoch=8))
    life.tell("it trades again")
    life.body["metadata"]["deletionTimestamp"] = (life.now + timedelta(seconds=1)).isoformat()
    life.tell("the person deletes it")
    life.seen = replace(life.seen, workloads=tuple(replace(each, replicas=0) for each in life.seen.workloads))
    life.tell("the Deployment is at zero; the pod settles what is in flight", 20)
    life.no_pod()
    life.tell("the pod has ended", 10)
    return "\n".join(life.lines)


def test_a_bots_life():
    """Every step of a bot's life is decided and reported as the story tells it."""
    current = story()
    if os.environ.get("GOLDEN_UPDATE") == "1":
        STORY.write_text(current)
    assert current == STORY.read_text()

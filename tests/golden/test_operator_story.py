"""A bot's life as readable text: what happens, what the operator does, and what the status then says."""

import os
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import make_operator as make
from tradingbot_operator.domain.bot import parse
from tradingbot_operator.domain.observed import Observed, Revision
from tradingbot_operator.domain.outcome import APPLIED
from tradingbot_operator.domain.plan import Keep, Plan, Remove, Run
from tradingbot_operator.plan.decide import decide
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
        self._remember(plan)
        status = report(bot, self.seen, plan, APPLIED, self.now)
        written = change(bot.status, status)
        self.body["status"] = status
        said = {each["type"]: each for each in status["conditions"]}
        shown = [f"{name}={said[name]['status']} {said[name]['reason']}" for name in SHOWN if name in said]
        self.lines += [
            f"{self.now:%H:%M:%S}  {happened}",
            f"          does     {doing(plan)}",
            f"          status   {status['phase']}" + ("" if written else " (nothing to write)"),
            *(f"                   {each}" for each in shown),
            *(f"                   ! {said['Stalled']['message']}" for _ in [1] if "Stalled" in said),
            "",
        ]

    def _remember(self, plan: Plan) -> None:
        if isinstance(plan.action, Run):
            others = tuple(each for each in self.seen.revisions if each.name != plan.action.revision)
            newest = Revision(plan.action.revision, "uid", plan.action.number, "config")
            workload = make.workload(revision=newest.name, replicas=plan.action.replicas)
            self.seen = replace(self.seen, revisions=(*others, newest), workloads=(workload,))
        for note in plan.notes:
            told = {**self.seen.pods[0].annotations, **dict(note.annotations)}
            kept = {key: value for key, value in told.items() if value is not None}
            self.seen = replace(self.seen, pods=(replace(self.seen.pods[0], annotations=kept),))

    def spec(self, **parts: Any) -> None:
        self.body["spec"] = {**self.body["spec"], **parts}
        self.body["metadata"]["generation"] += 1

    def annotate(self, **notes: str | None) -> None:
        kept = {**self.body["metadata"].get("annotations", {}), **{f"tradingbot.io/{k}": v for k, v in notes.items()}}
        self.body["metadata"]["annotations"] = {k: v for k, v in kept.items() if v is not None}

    def pod(self, said: Any = None, **changes: Any) -> None:
        told = self.seen.pods[0].annotations if self.seen.pods else {}
        pod = make.pod(**{"revision": self.seen.workloads[0].revision, "annotations": told, **changes})
        self.seen = replace(self.seen, pods=(pod,), report=said)

    def no_pod(self) -> None:
        self.seen = replace(self.seen, pods=(), report=None)


def doing(plan: Plan) -> str:
    orders = "".join(f"; pod {note.pod} is told {dict(note.annotations)}" for note in plan.notes)
    raised = f"; the halt '{plan.raised}' is copied to the bot" if plan.raised else ""
    match plan.action:
        case Run() as run:
            text = f"run revision {run.revision} (number {run.number}) with {run.replicas} replica(s)"
        case Keep() as keep:
            text = f"touch nothing: {keep.reason}"
        case Remove() as remove:
            text = f"remove: {remove.step}" + (f", leaving {remove.left}" if remove.left else "")
    return text + orders + raised


def story() -> str:
    life = Life()
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
    life.pod(make.said(epoch=5, highest_epoch=5))
    life.tell("the process resumes")
    life.spec(modus="fast")
    life.tell("a person misspells a field")
    del life.body["spec"]["modus"]
    life.spec(strategy={"name": "sma_cross", "parameters": {"fast": "5"}})
    life.tell("the person corrects it and changes a parameter")
    life.no_pod()
    life.tell("the old pod has ended")
    life.pod(make.said(epoch=6, highest_epoch=6))
    life.tell("the new pod trades under the next epoch")
    life.pod(ready=False, trouble="pod btc-blue-abc: CrashLoopBackOff: ledger is from a newer version")
    life.tell("the process crashes again and again")
    life.spec(strategy={"name": "sma_cross"})
    life.tell("the person goes back to the old parameters")
    life.no_pod()
    life.pod(make.said(epoch=7, highest_epoch=7))
    life.tell("the old revision trades again")
    life.spec(suspend=True)
    life.tell("the person suspends the bot")
    life.no_pod()
    life.tell("its pod has ended")
    life.spec(suspend=False)
    life.tell("the person lets it run again")
    life.pod(make.said(epoch=8, highest_epoch=8))
    life.tell("it trades")
    life.body["metadata"]["deletionTimestamp"] = (life.now + timedelta(seconds=1)).isoformat()
    life.tell("the person deletes it")
    life.seen = replace(life.seen, workloads=(make.workload(replicas=0),))
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

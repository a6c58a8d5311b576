"""Halts from anywhere: on the disk first, acting once, cleared one by one, never lost by a crash."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desks import NOW, WELL, ListeningEngine
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.snapshot import EngineState
from tradingbot.halts.journal import Journal, Record, raise_flag
from tradingbot.halts.latch import Latch
from tradingbot.halts.podinfo import parse_annotations
from tradingbot.halts.sources import AnnotationSource, FlagSource


def latch(folder: Path) -> Latch:
    ids = count(1)
    return Latch(Journal(folder / "halts"), lambda: NOW, lambda: f"id-{next(ids)}")


async def attached(folder: Path, engine: ListeningEngine) -> Latch:
    made = latch(folder)
    await made.attach(engine)
    return made


def on_disk(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in sorted((folder / "halts").glob("*.json"))]


async def until(condition: Callable[[], bool]) -> None:
    """Returns when *condition* holds; fails when it does not within five seconds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - it is another thread that makes it true
            await asyncio.sleep(0.001)


class WatchingEngine(ListeningEngine):
    """An engine that remembers what was on the disk at the moment it was told to halt."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.found: list[list[dict[str, Any]]] = []

    async def halt(self, reason: str, kind: HaltKind, source: str, halt_id: str | None = None) -> Any:
        self.found.append(on_disk(self.folder))
        return await super().halt(reason, kind, source, halt_id)


@pytest.mark.asyncio
async def test_a_halt_is_on_the_disk_before_the_engine_hears_of_it(tmp_path: Path) -> None:
    """A crash between the two forgets nothing."""
    engine = WatchingEngine(tmp_path)
    await (await attached(tmp_path, engine)).halt("odd", HaltKind.REDUCE, "http")
    assert [(found["reason"], found["kind"], found["halt_id"]) for found in engine.found[0]] == [
        ("odd", "reduce", "id-1")
    ]


@pytest.mark.asyncio
async def test_a_disk_that_takes_nothing_does_not_delay_a_halt(tmp_path: Path) -> None:
    """A broken state volume is told in the log; the halt acts."""
    (tmp_path / "halts").write_text("a file where the folder belongs")
    engine = ListeningEngine()
    made = await attached(tmp_path, engine)
    halt = await made.halt("odd", HaltKind.HALT, "http")
    assert halt.id == "id-1"
    assert engine.told == [("odd", HaltKind.HALT, "http")]


@pytest.mark.asyncio
async def test_a_halt_before_the_engine_is_there_acts_when_it_comes(tmp_path: Path) -> None:
    """A bot that cannot reach its ledger can be halted, shows the halt, and begins halted."""
    made, engine = latch(tmp_path), ListeningEngine()
    pending = await made.halt("ledger looks wrong", HaltKind.HALT, "http")
    assert [halt.id for halt in made.snapshot().halts] == [pending.id] == ["id-1"]
    await made.attach(engine)
    assert engine.told == [("ledger looks wrong", HaltKind.HALT, "http")]
    assert [halt.id for halt in made.snapshot().halts] == ["id-1"]


@pytest.mark.asyncio
async def test_a_restart_halts_again_what_the_ledger_never_learnt(tmp_path: Path) -> None:
    """The process died before the latch reached the ledger: the journal halts the next one."""
    await latch(tmp_path).halt("odd", HaltKind.FLATTEN, "http")
    engine = ListeningEngine()
    await attached(tmp_path, engine)
    assert engine.told == [("odd", HaltKind.FLATTEN, "http")]


@pytest.mark.asyncio
async def test_a_halt_keeps_its_id_over_restarts(tmp_path: Path) -> None:
    """What the ledger holds is not halted a second time: the same id changes nothing."""
    await (await attached(tmp_path, ListeningEngine())).halt("odd", HaltKind.HALT, "http")
    standing = (Halt("id-1", HaltKind.HALT, "http", "odd", NOW),)
    made = await attached(tmp_path, ListeningEngine(replace(WELL, halts=standing)))
    assert made.snapshot().halts == standing


@pytest.mark.asyncio
async def test_a_halt_that_was_resumed_elsewhere_does_not_come_back_with_a_restart(tmp_path: Path) -> None:
    """The ledger knows that the halt was cleared, by the other colour or a person: the journal forgets it."""
    await latch(tmp_path).halt("odd", HaltKind.HALT, "http")
    engine = ListeningEngine(resumed={"id-1"})
    made = await attached(tmp_path, engine)
    assert made.snapshot().halts == ()
    assert on_disk(tmp_path) == []


@pytest.mark.asyncio
async def test_resume_clears_that_halt_and_no_other(tmp_path: Path) -> None:
    """The other halt stands, in the engine and on the disk."""
    engine = ListeningEngine()
    made = await attached(tmp_path, engine)
    first = await made.halt("one", HaltKind.HALT, "http")
    await made.halt("two", HaltKind.HALT, "http")
    assert await made.resume(first.id, "checked")
    assert [halt.reason for halt in made.snapshot().halts] == ["two"]
    assert [found["reason"] for found in on_disk(tmp_path)] == ["two"]


@pytest.mark.asyncio
async def test_resume_of_an_unknown_id_changes_nothing(tmp_path: Path) -> None:
    """False, and everything stands."""
    made = await attached(tmp_path, ListeningEngine())
    await made.halt("one", HaltKind.HALT, "http")
    assert not await made.resume("id-9", "checked")
    assert len(made.snapshot().halts) == 1
    assert len(on_disk(tmp_path)) == 1


@pytest.mark.asyncio
async def test_a_crash_in_the_middle_of_a_resume_leaves_the_ledgers_latch(tmp_path: Path) -> None:
    """The journal forgets before the engine resumes: dying between the two leaves a halted bot, never a trading one."""

    class DyingEngine(ListeningEngine):
        async def resume(self, halt_id: str, reason: str) -> bool:
            raise KeyboardInterrupt

    engine = DyingEngine()
    made = await attached(tmp_path, engine)
    halt = await made.halt("one", HaltKind.HALT, "http")
    with pytest.raises(KeyboardInterrupt):
        await made.resume(halt.id, "checked")
    assert on_disk(tmp_path) == []
    assert [standing.id for standing in engine.shown.halts] == ["id-1"]


def test_a_record_that_cannot_be_read_halts(tmp_path: Path) -> None:
    """Unknown is never "may trade"."""
    (tmp_path / "halts").mkdir()
    (tmp_path / "halts/h1.json").write_text('{"key": "h1"')
    (record,) = Journal(tmp_path / "halts").records()
    assert (record.kind, record.reason) == (HaltKind.HALT, "unreadable record h1.json (JSONDecodeError)")


def test_records_come_oldest_first(tmp_path: Path) -> None:
    """Halts act in the order in which they were made."""
    journal = Journal(tmp_path)
    journal.keep(Record("b", "b", HaltKind.HALT, "http", "second", "2026-11-21T12:00:01+00:00"))
    journal.keep(Record("c", "c", HaltKind.HALT, "http", "first", "2026-11-21T12:00:00+00:00"))
    assert [record.reason for record in journal.records()] == ["first", "second"]


@pytest.mark.asyncio
async def test_a_stop_before_the_engine_is_there_stops_it_when_it_comes(tmp_path: Path) -> None:
    """SIGTERM during recovery is not lost."""
    made, engine = latch(tmp_path), ListeningEngine()
    made.stop()
    await made.attach(engine)
    assert engine.stops == 1
    assert await made.stopped_within(0.0)


FLAGS = [
    ("flatten: get out", HaltKind.FLATTEN, "get out"),
    ("reduce:no entries\n", HaltKind.REDUCE, "no entries"),
    ("something odd: look", HaltKind.HALT, "something odd: look"),
    ("", HaltKind.HALT, "flag file"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("text", "kind", "reason"), FLAGS)
async def test_any_content_of_the_flag_file_halts_once(tmp_path: Path, text: str, kind: HaltKind, reason: str) -> None:
    """The flag is taken into the journal and removed, so that a resume holds; it acts once."""
    engine = ListeningEngine()
    source = FlagSource(await attached(tmp_path, engine), tmp_path / "halt")
    raise_flag(tmp_path / "halt", text)
    await source.look()
    await source.look()
    assert engine.told == [(reason, kind, "flag")]
    assert not (tmp_path / "halt").exists()
    assert [found["source"] for found in on_disk(tmp_path)] == ["flag"]


@pytest.mark.asyncio
async def test_a_second_flag_is_a_second_halt(tmp_path: Path) -> None:
    """After the first was taken, another one is another halt with an id of its own."""
    engine = ListeningEngine()
    source = FlagSource(await attached(tmp_path, engine), tmp_path / "halt")
    for reason in ("one", "two"):
        raise_flag(tmp_path / "halt", reason)
        await source.look()
    assert [told[0] for told in engine.told] == ["one", "two"]


@pytest.mark.asyncio
async def test_a_flag_that_cannot_be_removed_acts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume that has become read-only does not halt four times a second."""
    engine = ListeningEngine()
    source = FlagSource(await attached(tmp_path, engine), tmp_path / "halt")
    raise_flag(tmp_path / "halt", "odd")

    def read_only(*_: Any, **__: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", read_only)
    await source.look()
    await source.look()
    assert len(engine.told) == 1
    assert await source.latch.resume(engine.shown.halts[0].id, "checked")
    await source.look()
    assert engine.shown.halts == ()


@pytest.mark.asyncio
async def test_a_flag_that_cannot_be_read_halts_all_the_same(tmp_path: Path) -> None:
    """A folder in the flag's place is somebody's wish to stop."""
    engine = ListeningEngine()
    (tmp_path / "halt").mkdir()
    await FlagSource(await attached(tmp_path, engine), tmp_path / "halt").look()
    assert engine.told == [("flag file (Is a directory)", HaltKind.HALT, "flag")]


@pytest.mark.asyncio
async def test_a_flag_raised_while_nobody_ran_halts_the_next_start(tmp_path: Path) -> None:
    """The flag waits on the volume, and acts even before the engine is there."""
    raise_flag(tmp_path / "halt", "server was down")
    made = latch(tmp_path)
    await FlagSource(made, tmp_path / "halt").look()
    assert [halt.reason for halt in made.snapshot().halts] == ["server was down"]


# What "odd" on pods is called, the first time.
ODD = "pod-990cb8eb-1"


class Annotated:
    """A pod whose annotations a test writes, as the kubelet would."""

    def __init__(self, folder: Path, made: Latch) -> None:
        self.file = folder / "annotations"
        self.source = AnnotationSource(made, self.file)

    async def say(self, **annotations: str) -> None:
        lines = (f"tradingbot.io/{name.replace('_', '-')}={json.dumps(text)}\n" for name, text in annotations.items())
        self.file.write_text("".join(lines))
        await self.source.look()


@pytest.mark.asyncio
async def test_an_annotation_halts_once_for_as_long_as_it_stands(tmp_path: Path) -> None:
    """The file is read four times a second; its halt is one halt, also after a restart of the process."""
    engine = ListeningEngine()
    pod = Annotated(tmp_path, await attached(tmp_path, engine))
    await pod.say(halt="reduce: spread looks wrong")
    await pod.say(halt="reduce: spread looks wrong")
    again = Annotated(tmp_path, await attached(tmp_path, engine))
    await again.say(halt="reduce: spread looks wrong")
    assert [halt.reason for halt in engine.shown.halts] == ["spread looks wrong"]


@pytest.mark.asyncio
async def test_an_annotation_that_was_resumed_does_not_halt_again(tmp_path: Path) -> None:
    """It cannot be taken back from inside the pod, so its resume is remembered, over a restart too."""
    engine = ListeningEngine()
    made = await attached(tmp_path, engine)
    pod = Annotated(tmp_path, made)
    await pod.say(halt="odd")
    await made.resume(ODD, "checked")
    await pod.say(halt="odd")
    again = Annotated(tmp_path, await attached(tmp_path, engine))
    await again.say(halt="odd")
    assert len(engine.told) == 1
    assert made.snapshot().halts == ()


@pytest.mark.asyncio
async def test_an_annotation_taken_away_and_written_again_is_a_new_halt(tmp_path: Path) -> None:
    """The same words count as new once the old ones are gone; taking them away alone resumes nothing."""
    engine = ListeningEngine()
    made = await attached(tmp_path, engine)
    pod = Annotated(tmp_path, made)
    await pod.say(halt="odd")
    await pod.say()
    assert len(made.snapshot().halts) == 1
    assert len(on_disk(tmp_path)) == 1
    await made.resume(ODD, "checked")
    await pod.say()
    await pod.say(halt="odd")
    assert [halt.id for halt in made.snapshot().halts] == ["pod-990cb8eb-2"]


@pytest.mark.asyncio
async def test_a_halt_the_operator_named_has_that_name(tmp_path: Path) -> None:
    """The same on every pod, so that one resume ends it; by another name the same words are another halt."""
    engine = ListeningEngine()
    made = await attached(tmp_path, engine)
    pod = Annotated(tmp_path, made)
    await pod.say(halt="odd", halt_id="h1a2b")
    await pod.say(halt="odd", halt_id="h1a2b")
    assert [halt.id for halt in made.snapshot().halts] == ["h1a2b"]
    await made.resume("h1a2b", "checked")
    await pod.say(halt="odd", halt_id="h1a2b")
    assert made.snapshot().halts == ()
    await pod.say(halt="odd", halt_id="h3c4d")
    assert [halt.id for halt in made.snapshot().halts] == ["h3c4d"]


@pytest.mark.asyncio
async def test_a_new_pod_is_not_halted_by_what_was_resumed_before_it_came(tmp_path: Path) -> None:
    """The annotation still stands and is carried to the candidate: by its name the ledger knows that it was resumed."""
    engine = ListeningEngine(resumed={"h1a2b"})
    made = await attached(tmp_path, engine)
    await Annotated(tmp_path, made).say(halt="odd", halt_id="h1a2b")
    assert made.snapshot().halts == ()


@pytest.mark.asyncio
async def test_a_halt_that_is_named_later_is_the_same_halt(tmp_path: Path) -> None:
    """A person wrote it on the pod, then somebody named it: it stands once. Resumed and named since, it is another."""
    engine = ListeningEngine()
    made = await attached(tmp_path, engine)
    pod = Annotated(tmp_path, made)
    await pod.say(halt="odd")
    await pod.say(halt="odd", halt_id="h1a2b")
    assert [halt.id for halt in made.snapshot().halts] == [ODD]
    await made.resume(ODD, "checked")
    await pod.say(halt="odd", halt_id="h1a2b")
    assert made.snapshot().halts == ()
    await pod.say(halt="odd")
    await made.resume("pod-990cb8eb-2", "checked")
    await pod.say(halt="odd", halt_id="h3c4d")
    assert [halt.id for halt in made.snapshot().halts] == ["h3c4d"]


@pytest.mark.asyncio
async def test_two_colours_give_one_cause_one_name(tmp_path: Path) -> None:
    """Written on both pods by hand, or as a flag both of them find: one id, and one resume ends it in both."""
    engine, state = ListeningEngine(), tmp_path / "state"
    pods = []
    for colour in ("blue", "green"):
        (tmp_path / colour).mkdir()
        made = Latch(Journal(state / "halts", colour), lambda: NOW, str)
        await made.attach(engine)
        pods.append((Annotated(tmp_path / colour, made), FlagSource(made, state / "halt")))
    for pod, flag in pods:
        raise_flag(state / "halt", "flag")
        os.utime(state / "halt", ns=(1, 1))
        await asyncio.gather(pod.say(halt="odd"), flag.look())
    names = {halt.id for halt in engine.shown.halts}
    assert len(names) == 2
    assert ODD in names
    for name in names:
        await pods[0][0].source.latch.resume(name, "checked")
    for pod, _ in pods:
        await pod.say(halt="odd")
        assert pod.source.latch.snapshot().halts == ()


@pytest.mark.asyncio
async def test_what_the_other_process_resumed_halts_again_when_it_is_written_again(tmp_path: Path) -> None:
    """This one was not asked; it learns it from the engine, and does not take new words for the old ones."""
    engine = ListeningEngine()
    pod = Annotated(tmp_path, await attached(tmp_path, engine))
    await pod.say(halt="odd")
    await engine.resume(ODD, "looked at it there")
    await pod.say(halt="odd")
    assert engine.shown.halts == ()
    await pod.say()
    await pod.say(halt="odd")
    assert [halt.id for halt in engine.shown.halts] == ["pod-990cb8eb-2"]


@pytest.mark.asyncio
async def test_colours_on_one_volume_neither_lose_nor_take_each_others_halts(tmp_path: Path) -> None:
    """Whoever starts next is halted by what the other recorded; what one forgets is its own."""
    blue, green = (Latch(Journal(tmp_path / "halts", colour), lambda: NOW, str) for colour in ("blue", "green"))
    for made, colour in ((blue, "blue"), (green, "green")):
        (tmp_path / colour).mkdir()
        await Annotated(tmp_path / colour, made).say(halt="odd", halt_id="h1a2b")
    await green.resume("h1a2b", "checked")
    await Annotated(tmp_path / "green", green).say()
    assert [found["halt_id"] for found in on_disk(tmp_path)] == ["h1a2b"]
    engine = ListeningEngine()
    third = Latch(Journal(tmp_path / "halts", "green"), lambda: NOW, str)
    await third.attach(engine)
    await Annotated(tmp_path / "green", third).say()
    assert [halt.id for halt in engine.shown.halts] == ["h1a2b"]
    assert await third.resume("h1a2b", "checked")
    await Annotated(tmp_path / "green", third).say()
    assert [found["resumed"] for found in on_disk(tmp_path)] == ["checked"]


def test_a_record_of_before_colours_had_files_is_dropped_too(tmp_path: Path) -> None:
    """What an older version recorded under no colour is read, and gone when it is resumed."""
    Journal(tmp_path).keep(Record("h1", "h1", HaltKind.HALT, "http", "odd", "2026-11-21T12:00:00+00:00"))
    journal = Journal(tmp_path, "blue")
    assert [record.key for record in journal.records()] == ["h1"]
    journal.drop("h1")
    assert journal.records() == ()


@pytest.mark.asyncio
async def test_an_annotation_with_other_words_is_another_halt(tmp_path: Path) -> None:
    """Overwriting the annotation halts again; the first halt still stands."""
    engine = ListeningEngine()
    made = await attached(tmp_path, engine)
    pod = Annotated(tmp_path, made)
    await pod.say(halt="odd")
    await pod.say(halt="flatten: very odd")
    assert [halt.kind for halt in made.snapshot().halts] == [HaltKind.HALT, HaltKind.FLATTEN]


@pytest.mark.asyncio
async def test_an_empty_annotation_halts_too(tmp_path: Path) -> None:
    """Any value at all halts."""
    engine = ListeningEngine()
    await Annotated(tmp_path, await attached(tmp_path, engine)).say(halt="")
    assert engine.told == [("annotated without a reason", HaltKind.HALT, "annotation")]


@pytest.mark.asyncio
async def test_a_resume_annotation_clears_the_halt_it_names(tmp_path: Path) -> None:
    """Id and reason are needed; another id clears nothing."""
    made = await attached(tmp_path, ListeningEngine())
    pod = Annotated(tmp_path, made)
    await pod.say(halt="odd")
    for useless in (ODD, "id-9 checked", ""):
        await pod.say(halt="odd", resume=useless)
        assert len(made.snapshot().halts) == 1
    await pod.say(halt="odd", resume=f"{ODD} checked by Ada")
    assert made.snapshot().halts == ()


@pytest.mark.asyncio
async def test_a_resume_annotation_is_tried_once(tmp_path: Path) -> None:
    """It stands in the file for as long as the pod lives; it does not fill the log."""

    class AskedEngine(ListeningEngine):
        asked = 0

        async def resume(self, halt_id: str, reason: str) -> bool:
            self.asked += 1
            return await super().resume(halt_id, reason)

    engine = AskedEngine()
    pod = Annotated(tmp_path, await attached(tmp_path, engine))
    for _ in range(3):
        await pod.say(resume="id-9 checked")
    assert engine.asked == 1


@pytest.mark.asyncio
async def test_annotations_that_cannot_be_read_change_nothing(tmp_path: Path) -> None:
    """While the kubelet replaces the file, what stood stands."""
    engine = ListeningEngine()
    pod = Annotated(tmp_path, await attached(tmp_path, engine))
    await pod.say(halt="odd")
    await pod.source.latch.resume(ODD, "checked")
    pod.file.unlink()
    await pod.source.look()
    await pod.say(halt="odd")
    assert len(engine.told) == 1


@pytest.mark.asyncio
async def test_two_halts_at_once_are_two_halts(tmp_path: Path) -> None:
    """Halts that arrive while another is being written do not overwrite it."""
    made = await attached(tmp_path, ListeningEngine(WELL))
    await asyncio.gather(*(made.halt(f"reason {number}", HaltKind.HALT, "http") for number in range(5)))
    assert (
        {halt.id for halt in made.snapshot().halts}
        == {found["halt_id"] for found in on_disk(tmp_path)}
        == {f"id-{number}" for number in range(1, 6)}
    )


@pytest.mark.asyncio
async def test_a_halt_that_arrives_while_the_engine_comes_is_one_halt(tmp_path: Path) -> None:
    """Attaching hands over what is recorded; by whichever way the engine hears of it, it is the same halt."""
    made, engine = latch(tmp_path), ListeningEngine()
    await asyncio.gather(made.halt("odd", HaltKind.HALT, "http"), made.attach(engine))
    assert [halt.id for halt in made.snapshot().halts] == ["id-1"]
    assert [halt.id for halt in engine.shown.halts] == ["id-1"]


@pytest.mark.asyncio
async def test_the_last_picture_is_shown_after_the_engine_has_ended(tmp_path: Path) -> None:
    """Once the engine has ended, its halts and money are still to be seen."""
    made = await attached(tmp_path, ListeningEngine())
    made.detach(replace(WELL, ledger_id="q3v9zk"))
    assert made.snapshot().ledger_id == "q3v9zk"


class HangingEngine(ListeningEngine):
    """An engine whose database does not answer until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()

    async def halt(self, reason: str, kind: HaltKind, source: str, halt_id: str | None = None) -> Any:
        await self.let_go.wait()
        return await super().halt(reason, kind, source, halt_id)


@pytest.mark.asyncio
async def test_an_engine_that_hangs_does_not_keep_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The halt is on the disk and shown at once, acts as soon as the engine can, and can be resumed."""
    monkeypatch.setattr("tradingbot.halts.latch.ENGINE_SECONDS", 0.01)
    engine = HangingEngine()
    made = await attached(tmp_path, engine)
    pending = await made.halt("odd", HaltKind.HALT, "http")
    assert pending.id == "id-1"
    assert [found["reason"] for found in on_disk(tmp_path)] == ["odd"]
    assert (made.snapshot().state, made.snapshot().halts[0].id) == (EngineState.HALTED, "id-1")
    assert not made.snapshot().trading_active
    engine.let_go.set()
    await until(lambda: bool(engine.told))
    assert [halt.id for halt in made.snapshot().halts] == ["id-1"]
    assert await made.resume(pending.id, "checked")
    assert made.snapshot().halts == ()


@pytest.mark.asyncio
async def test_halts_of_the_journal_are_shown_while_the_engine_loads_its_own(tmp_path: Path) -> None:
    """A halted bot never looks free for the seconds its recovery takes."""
    await (await attached(tmp_path, ListeningEngine())).halt("odd", HaltKind.HALT, "http")
    made = latch(tmp_path)
    assert [halt.id for halt in made.snapshot().halts] == ["id-1"]
    engine = HangingEngine()
    engine.shown = replace(WELL, state=EngineState.STARTING)
    attaching = asyncio.create_task(made.attach(engine))
    await asyncio.sleep(0)
    assert [halt.id for halt in made.snapshot().halts] == ["id-1"]
    engine.let_go.set()
    await attaching
    assert [halt.id for halt in made.snapshot().halts] == ["id-1"]


@pytest.mark.asyncio
async def test_a_halt_that_was_resumed_elsewhere_is_not_shown(tmp_path: Path) -> None:
    """Once the engine trades, its own word on the halts counts."""
    engine = ListeningEngine()
    made = await attached(tmp_path, engine)
    await made.halt("odd", HaltKind.HALT, "http")
    engine.shown = WELL
    assert made.snapshot().halts == ()


ANNOTATIONS = [
    ('a="b"\n', {"a": "b"}),
    ('tradingbot.io/halt="reduce: spread \\"odd\\""\nb="2"', {"tradingbot.io/halt": 'reduce: spread "odd"', "b": "2"}),
    ('a="two\\nlines\\t\\\\"', {"a": "two\nlines\t\\"}),
    ('a="\\u00fc \\x07 \\U0001f4c9"', {"a": "ü \x07 📉"}),
    ("a=b\n=\n\nc", {}),
    ('a=""', {"a": ""}),
    ('a="="', {"a": "="}),
]


@pytest.mark.parametrize(("text", "annotations"), ANNOTATIONS)
def test_annotations_are_read_as_go_writes_them(text: str, annotations: dict[str, str]) -> None:
    """Quotes, escapes and line ends are undone; a line that is none is passed over."""
    assert parse_annotations(text) == annotations


def quoted(text: str) -> str:
    """*text* as Go's %q writes it, for the characters that need it."""
    out = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return "".join(char if char.isprintable() or char == " " else f"\\U{ord(char):08x}" for char in out)


@given(
    st.dictionaries(st.from_regex(r"[a-z./-]{1,20}", fullmatch=True), st.text(st.characters(codec="utf-8")), max_size=4)
)
def test_every_annotation_survives_its_file(annotations: dict[str, str]) -> None:
    """Whatever a person wrote is read back exactly."""
    text = "".join(f'{name}="{quoted(value)}"\n' for name, value in annotations.items())
    assert parse_annotations(text) == annotations

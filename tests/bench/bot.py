"""Measures the trading process: ``make bench NAME=bot`` writes build/bench/bot.json.

Real ``atb`` processes at a real simulator of this machine, PostgreSQL beside them; nothing of Kubernetes. Each part can
be had alone and smaller: ``python tests/bench/bot.py wire=40 starts=1 symbols=10 gate=60 peer=1 longlife=120``.
"""

import asyncio
import json
import pathlib
import sys
import tempfile
from collections.abc import Awaitable, Callable

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import gating
import longlife
import peer
import starting
import wire

ROOT = pathlib.Path(__file__).parents[2]
BARS = {
    "tick_to_wire_p50_ms": 2,
    "tick_to_wire_p99_ms": 8,
    "ready_p50_s": 2,
    "idle_rss_mb": 125,
    "symbols_200_cpu_cores": 0.5,
    "gate_429_count": 0,
    "gate_cancel_wait_p99_ms": 100,
    "longlife_rss_growth_mb": 2,
    "longlife_ledger_mismatch_count": 0,
}
Part = Callable[[pathlib.Path, int], Awaitable[dict[str, float]]]
PARTS: dict[str, tuple[Part, int, str]] = {
    "wire": (wire.measured, 400, "ORDERS"),
    "starts": (starting.started, 9, "RUNS"),
    "symbols": (lambda folder, seconds: starting.symbols(folder, 200, seconds), 60, "SECONDS"),
    "gate": (gating.measured, 600, "SECONDS"),
    "peer": (peer.measured, 4, "RUNS"),
    "longlife": (longlife.measured, 864, "SECONDS"),
}
USAGE = "usage: python tests/bench/bot.py " + " ".join(f"[{name}[={unit}]]" for name, (_, _, unit) in PARTS.items())


def asked(words: list[str]) -> dict[str, int]:
    """The parts that are wanted with their sizes; none named: all of them, at the size that counts."""
    if not words:
        return {name: size for name, (_, size, _) in PARTS.items()}
    found = {}
    for word in words:
        name, _, size = word.partition("=")
        if name not in PARTS or not (size or "1").isdigit():
            raise SystemExit(f'"{word}" is not measured\n{USAGE}')
        found[name] = int(size or PARTS[name][1])
    return found


async def measured(parts: dict[str, int]) -> dict[str, float]:
    """Every figure; one that could not be had is left out, and the reason is printed."""
    figures: dict[str, float] = {}
    for name, size in parts.items():
        print(f"{name} ({size} {PARTS[name][2].lower()})", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as folder:
            try:
                figures |= await PARTS[name][0](pathlib.Path(folder), size)
            except (AssertionError, OSError, TimeoutError) as error:
                print(f"{name} could not be measured: {type(error).__name__} {error}", flush=True)
        write(figures)
    return figures


def write(figures: dict[str, float]) -> pathlib.Path:
    path = ROOT / "build" / "bench" / "bot.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: round(value, 3) for name, value in sorted(figures.items())}, indent=1) + "\n")
    return path


def main(words: list[str]) -> int:
    figures = asyncio.run(measured(asked(words)))
    for name, value in sorted(figures.items()):
        bar = BARS.get(name)
        verdict = "" if bar is None else f"  bar {bar}: {'kept' if value <= bar else 'MISSED'}"
        print(f"{name:<40} {value:10.3f}{verdict}")
    print(f"written to {write(figures).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

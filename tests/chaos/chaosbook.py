"""Where ``make chaos`` notes what it tried: build/bench/chaos.json, one key after the other."""

import json
import pathlib
from typing import Any

BOOK = pathlib.Path(__file__).resolve().parents[2] / "build" / "bench" / "chaos.json"
PARTS = BOOK.with_name("chaos-parts.json")


def note(part: str, facts: dict[str, Any]) -> None:
    """*facts* stand in the book beside those noted before, and the counts are those of all of them."""
    BOOK.parent.mkdir(parents=True, exist_ok=True)
    known: dict[str, dict[str, Any]] = json.loads(PARTS.read_text()) if PARTS.exists() else {}
    known.setdefault(part, {}).update(facts)
    PARTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    BOOK.write_text(json.dumps(counted(known), indent=1, sort_keys=True) + "\n")


def counted(known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures of the book."""
    mutants, points = known.get("mutants", {}), known.get("crash_points", {})
    strikes = known.get("node_strikes", {})
    return {
        "mutants_count": len(mutants),
        "mutants_caught_count": sum(mutants.values()),
        "crash_points_count": sum(each["points"] for each in points.values()),
        "crash_points_failed_count": sum(each["failed"] for each in points.values()),
        "node_strikes_count": strikes.get("count", 0),
        "node_strikes_failed_count": strikes.get("failed", 0),
        "node_lost_takeover_ms": known.get("node_lost", {}).get("takeover_ms"),
        "writes": {name: each["writes"] for name, each in sorted(points.items())},
    }

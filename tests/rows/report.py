"""Which runbook rows are proved: ``python tests/rows/report.py [ISSUE]``.

A row is covered when a test that carries its mark passed unskipped at the height its evidence asks for and noted what
it ran. Alias rows inherit and are counted apart; superseded rows are listed with their decision, never as covered.
The exit code is 1 when an issue is named and one of its rows is not covered.
"""

import csv
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
PURE = {"unit", "golden"}


def proofs() -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for path in sorted((ROOT / "build" / "rows").glob("*.json")):
        proof = json.loads(path.read_text())
        found.setdefault(proof["row"], []).append(proof)
    return found


def is_good(row: dict[str, str], proof: dict[str, object]) -> bool:
    high_enough = row["evidence"].startswith("unit:") or proof["height"] not in PURE
    return proof["outcome"] == "passed" and high_enough and bool(proof["evidence"])


def state(row: dict[str, str], found: dict[str, list[dict[str, object]]]) -> str:
    source = row["alias_of"] or row["id"]
    if row["id"] in SUPERSEDED or source in SUPERSEDED:
        return "superseded"
    if any(is_good(row, proof) for proof in found.get(source, [])):
        return "inherited" if row["alias_of"] else "covered"
    return "open"


SUPERSEDED = {
    "S1-012": "Python 3.9+ gave way to 3.11+ (S0-015)",
    "S2-098": "no Grafana of ours; its chart is given a random password (docs/decisions/0010)",
    # What answers each of these, and which test holds it, is in docs/decisions/0012.
    "S3-005": "no Redis: the cache is files, atb data cache-manager info (docs/decisions/0012)",
    "S3-010": "no Redis: the cache is files, atb data cache-manager info (docs/decisions/0012)",
    "S3-036": "atb data cache-manager purge-expired (docs/decisions/0012)",
    "S2-038": "no hypertables: atb db table-sizes (docs/decisions/0012)",
    "S2-067": "no hypertables: atb db table-sizes (docs/decisions/0012)",
    "S3-050": "atb top (docs/decisions/0012)",
    "S2-062": "atb top (docs/decisions/0012)",
    "S3-018": "atb db verify (docs/decisions/0012)",
    "S1-076": "atb exchange ping, for the venues that are spoken (docs/decisions/0012)",
    "S0-105": "no stored balance: atb reconcile (docs/decisions/0012)",
    "S0-107": "no stored results: they are a view of the fills (docs/decisions/0012)",
}


def main(arguments: list[str]) -> int:
    issue = arguments[0] if arguments else None
    rows = list(csv.DictReader((HERE / "rows.csv").open()))
    issues = {row["issue"] for row in rows}
    if issue is not None and issue not in issues:
        print(
            f"ISSUE={issue} is not known; choose one of {' '.join(sorted(issues))}\nusage: make rows [ISSUE=name]",
            file=sys.stderr,
        )
        return 2
    found = proofs()
    mine = [row for row in rows if issue in (None, row["issue"])]
    states = {row["id"]: state(row, found) for row in mine}
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "rows.json").write_text(json.dumps({"states": states, "proofs": found}, indent=1))
    for row in mine if issue else []:
        by = ", ".join(str(proof["test"]) for proof in found.get(row["alias_of"] or row["id"], []))
        why = SUPERSEDED.get(row["id"]) or SUPERSEDED.get(row["alias_of"]) or by
        print(f"{row['id']}  {states[row['id']]:<10}  {row['what'][:70]:<70}  {why}")
    counts = {kind: list(states.values()).count(kind) for kind in ("covered", "inherited", "superseded", "open")}
    print(f"{len(mine)} rows: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return 1 if issue and counts["open"] else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

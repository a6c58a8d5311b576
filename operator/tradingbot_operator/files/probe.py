"""Asks one URL until it answers as expected, or says in one sentence what it answered last.

`helm test` runs it with the images' own Python, which have no shell and no curl; charts/sync.py copies it into the
charts.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence


def flaw(url: str, expected: Sequence[str], text: str) -> str | None:
    """What is wrong with the answer of *url*, or None when all of *expected* holds."""
    try:
        # An unhealthy bot answers 503 with the reason in the body.
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the chart writes the URL
            status, body = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read().decode()
    except OSError as error:
        return f"no answer: {error}"
    if text and text not in body:
        return f"status {status}, and {text!r} is not in the answer"
    if expected:
        return wrong_member(body, expected)
    return None if status == 200 else f"status {status}: {body[:300]}"


def wrong_member(body: str, expected: Sequence[str]) -> str | None:
    """The first of *expected* (`member=value`) that the JSON object *body* does not hold."""
    try:
        members = json.loads(body)
    except ValueError:
        return f"the answer is not JSON: {body[:300]}"
    for pair in expected:
        name, _, value = pair.partition("=")
        found = members.get(name)
        if (found if isinstance(found, str) else json.dumps(found)) != value:
            return f"{name} is {json.dumps(found)}, expected {value}"
    return None


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 as soon as the answer is right, 1 when it was not within the time."""
    parser = argparse.ArgumentParser(prog="probe", description="Asks a URL until it answers as expected.")
    parser.add_argument("url")
    parser.add_argument("--member", action="append", default=[], metavar="NAME=VALUE", help="member of the JSON answer")
    parser.add_argument("--text", default="", help="text that must be in the answer")
    parser.add_argument("--within", type=float, default=30.0, metavar="SECONDS")
    wanted = parser.parse_args(arguments)
    deadline = time.monotonic() + wanted.within
    while (wrong := flaw(wanted.url, wanted.member, wanted.text)) and time.monotonic() < deadline:
        time.sleep(0.5)
    sys.stdout.write(f"{wanted.url}: {wrong or 'ok'}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The program of `helm test`: it exits 0 only for the right answer."""

import http.server
import importlib.util
import json
import subprocess
import sys
import threading

import pytest

import charts

PROBE = charts.CHARTS / "probe.py"
HEALTH = {"/good": (200, {"status": "healthy", "database": "ok"}), "/bad": (503, {"database": "refused"})}
TEXT = {"/metrics": (200, "tradingbot_up 1\n"), "/empty": (200, "")}


class Bot(http.server.BaseHTTPRequestHandler):
    """A bot's ops port, as far as the probe asks it."""

    def do_GET(self):
        answers = {path: (code, json.dumps(body)) for path, (code, body) in HEALTH.items()} | TEXT
        code, body = answers.get(self.path, (404, "no such page"))
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Nothing: the tests read the probe's own words."""


@pytest.fixture(scope="module")
def bot():
    """The address of a listening bot."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bot)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def probe(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What the probe answers when it is run as the pod runs it."""
    command = [sys.executable, "-c", PROBE.read_text(), *arguments, "--within", "0"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [("/good",), ("/good", "--member", "database=ok"), ("/metrics", "--text", "tradingbot_")],
    ids=" ".join,
)
def test_right_answer_passes(bot, arguments):
    """An answer that holds what is expected ends the probe with 0."""
    done = probe(bot + arguments[0], *arguments[1:])
    assert (done.returncode, done.stdout) == (0, f"{bot}{arguments[0]}: ok\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("/bad",), 'status 503: {"database": "refused"}'),
        (("/bad", "--member", "database=ok"), 'database is "refused", expected ok'),
        (("/good", "--member", "exchange=ok"), "exchange is null, expected ok"),
        (("/metrics", "--member", "database=ok"), "the answer is not JSON: tradingbot_up 1"),
        (("/empty", "--text", "tradingbot_"), "status 200, and 'tradingbot_' is not in the answer"),
        (("/nowhere",), "status 404: no such page"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_answer_fails_in_a_sentence(bot, arguments, sentence):
    """Any other answer ends the probe with 1 and says what it was."""
    done = probe(bot + arguments[0], *arguments[1:])
    assert done.returncode == 1
    assert sentence in done.stdout


def test_no_answer_fails():
    """Nobody there is a failure, not a traceback."""
    done = probe("http://127.0.0.1:1/livez")
    assert done.returncode == 1
    assert "no answer: " in done.stdout
    assert done.stderr == ""


def test_right_member_of_a_sick_bot_passes(bot):
    """The exchange can be fine while the database is not: each probe judges its own member."""
    assert probe(f"{bot}/bad", "--member", "database=refused").returncode == 0


def test_probe_waits_for_the_answer(bot, monkeypatch):
    """A bot that is still starting is asked again until the time is up."""
    specification = importlib.util.spec_from_file_location("probe", PROBE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    answers = iter(["no answer: refused", None])
    monkeypatch.setattr(module, "flaw", lambda *_: next(answers))
    assert module.main([bot, "--within", "30"]) == 0

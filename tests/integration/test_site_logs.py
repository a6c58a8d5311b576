"""What a person reads of a bot through kubectl: its start, its log, its health on every port, and a diagnosis."""

import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import onenode
from onenode import BIN, BOT_PORT, CORE, NAMESPACE, Running, Site, tool
from operators import create_bot, eventually, fetch

Note = Callable[[str, str], None]
WHERE = ("-n", NAMESPACE)
OF_BOT = (*WHERE, "-l", "tradingbot.io/bot=told")
SERVICE = f"{CORE}/services/told:8080/proxy"
FIRST, SECOND = "first-key-0123456789abcdef", "second-key-0123456789abcdef"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with onenode.site(tmp_path_factory.mktemp("told")) as made:
        # Each key has coins of its own there: those of the second cover what was bought by the first.
        for key, coins in ((FIRST, {"USDT": "10000"}), (SECOND, {"USDT": "10000", "BTC": "1"})):
            made.control("accounts", {"api_key": key, "secret": key, "balances": coins, "owner": "me"})
        hold(made, FIRST)
        yield made


def hold(site: Site, key: str) -> None:
    """The Secret of the exchange holds *key* from now on."""
    patch = {"stringData": {"apiKey": key, "secret": key}}
    site.kubectl("patch", "secret", "keys", *WHERE, "-p", json.dumps(patch))


@pytest.fixture(scope="module")
def watched(site: Site) -> str:
    """What a person saw who made the bot and watched it begin."""
    create_bot(site.server, "told", onenode.spec(site.venue, logging={"fileSink": True}))
    return site.atb("watch", "told", *WHERE)


@pytest.fixture(scope="module")
def pod(site: Site, watched: str) -> Running:
    return site.trading("told")


def lines_of(said: str) -> list[dict[str, Any]]:
    """Each whole line; the last one may still be under way."""
    return [json.loads(line) for line in said.splitlines(keepends=True) if line.endswith("\n")]


def inside(pod: Running, *arguments: str) -> str:
    """What ``atb`` prints in the pod."""
    done = subprocess.run(
        [BIN / "atb", *arguments], env=pod.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def data(pod: Running) -> pathlib.Path:
    return pathlib.Path(json.loads(pathlib.Path(pod.environment["TRADINGBOT_SETTINGS"]).read_text())["paths"]["data"])


@contextlib.contextmanager
def ledger_locked(pod: Running) -> Iterator[None]:
    """Somebody else writes to the ledger and does not end: what the trader does next is an error of its log."""
    held = sqlite3.connect(data(pod) / "state/ledger.sqlite", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        held.execute("ROLLBACK")
        held.close()


@pytest.fixture(scope="module")
def failed(site: Site, pod: Running) -> Running:
    """The bot after its ledger was away for a moment."""
    with ledger_locked(pod):
        eventually(lambda: '"ERROR"' in pod.log, lambda: pod.log[-2000:], 30)
    eventually(lambda: pod.status()["state"] == "trading", lambda: pod.log[-2000:], 30)
    return pod


@pytest.mark.row("S1-032")
def test_who_watches_a_bot_begin_sees_it_become_ready(watched: str, evidence: Note) -> None:
    """Conditions as they change, log lines, and at last the figures it trades with; exit 0."""
    evidence("kubectl atb watch told", watched)
    conditions = [line.split()[:2] for line in watched.splitlines() if line.startswith("Ready ")]
    assert conditions[-1] == ["Ready", "True"]
    assert '"event": "Listening"' in watched
    assert "bot_running 1.0\n" in watched


@pytest.fixture(scope="module")
def talkative(site: Site, pod: Running) -> Running:
    """The bot after a person asked for more detail."""
    assert not [line for line in lines_of(pod.log) if line["level"] == "DEBUG"]
    site.kubectl("annotate", "pod", *OF_BOT, "tradingbot.io/log-level=debug")
    eventually(lambda: len(pod.log.splitlines()) > 120, lambda: pod.log[-2000:], 60)
    return pod


@pytest.mark.row("S0-197")
def test_the_level_changes_without_another_process(site: Site, talkative: Running, evidence: Note) -> None:
    """Patched to debug, debug lines come from the same process; taken back, the level is that of the spec again."""
    process = talkative.process
    debug = [line for line in lines_of(talkative.log) if line["level"] == "DEBUG"]
    evidence("k annotate pod -l bot=told tradingbot.io/log-level=debug; k logs", json.dumps(debug[0]))
    _, text = fetch(ops(talkative, "metrics"))
    counted = [row for row in text.splitlines() if row.startswith("log_messages_total{") and 'level="DEBUG"' in row]
    evidence("pql 'log_messages_total{level=\"DEBUG\"}'", counted[0])
    assert float(counted[0].rpartition(" ")[2]) >= len(debug) > 0
    evidence("atb log-level warning (PUT /api/config/log-level)", inside(talkative, "log-level", "warning"))
    assert lines_of(talkative.log)[-1]["threshold"] == "WARNING"
    site.kubectl("annotate", "pod", *OF_BOT, "tradingbot.io/log-level-")
    eventually(lambda: '"threshold": "INFO"' in talkative.log)
    assert (talkative.process, talkative.starts) == (process, [0])


@pytest.mark.row("S4-058")
def test_lines_name_the_session_they_were_written_under(pod: Running, evidence: Note) -> None:
    """run_id is trading_sessions.id."""
    sessions = json.loads(inside(pod, "db", "query", "--json", "SELECT id FROM trading_sessions"))
    ids = {line["run_id"] for line in lines_of(pod.log) if "run_id" in line}
    evidence("k logs -l bot=told | jq .run_id | sort -u; SELECT id FROM trading_sessions", f"{ids} {sessions}")
    assert ids == {row["id"] for row in sessions} == {1}


@pytest.mark.row("S2-036")
@pytest.mark.row("S4-054")
def test_kubectl_logs_shows_the_last_lines_and_those_that_come(site: Site, talkative: Running, evidence: Note) -> None:
    """As many as asked for; followed, a line for each bar that was decided."""
    said = site.kubectl("logs", *OF_BOT, "--tail=100")
    evidence("k logs -l bot=told --tail=100 | wc -l", str(len(said.splitlines())))
    assert len(said.splitlines()) == 100
    command = [tool("kubectl"), "logs", "-f", *OF_BOT, "--tail=0"]
    environment = {**os.environ, "KUBECONFIG": str(site.server.kubeconfig)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as following:
        assert following.stdout
        lines = (json.loads(line) for line in following.stdout)
        decided = (line for line in lines if line["event"] in ("Decided", "Signal"))
        seen = [next(decided) for _ in range(3)]
        following.terminate()
    evidence("k logs -f -l bot=told", json.dumps(seen))
    assert len({line["bar"] for line in seen}) == 3


@pytest.mark.row("S1-059")
@pytest.mark.row("S0-113")
@pytest.mark.row("S4-082")
def test_errors_are_found_by_level_and_component(site: Site, failed: Running, evidence: Note) -> None:
    """Nothing below the level, and nothing of another part."""
    for flags in (("--tail", "50"), ("--tail", "100"), ("--component", "LiveTradingEngine", "--tail", "100")):
        command = ("logs", "told", "--level", "error", *flags, *WHERE)
        said = site.atb(*command)
        evidence(f"kubectl atb {' '.join(command)} | jq -r .level | sort -u", said)
        assert {line["level"] for line in lines_of(said)} == {"ERROR"}
        assert "Ledger unavailable" in said
        assert "--component" not in flags or {line["component"] for line in lines_of(said)} == {"LiveTradingEngine"}


@pytest.mark.row("S1-009")
def test_lines_are_in_the_files_that_runbooks_open(failed: Running, evidence: Note) -> None:
    """app.log has what standard output has, in that order; errors.log has those of ERROR and graver."""
    app, errors = data(failed) / "logs/app.log", data(failed) / "logs/error_logs/errors.log"
    told = lines_of(failed.log)
    filed = eventually(lambda: len(seen := lines_of(app.read_text())) >= len(told) and seen)
    evidence("cat logs/app.log | wc -l; cat logs/error_logs/errors.log", f"{len(filed)}\n{errors.read_text()}")
    assert filed[: len(told)] == told
    grave = [line for line in filed if line["level"] in ("ERROR", "CRITICAL")]
    assert grave[0]["event"] == "Ledger unavailable"
    assert lines_of(errors.read_text())[: len(grave)] == grave
    assert lines_of(inside(failed, "logs", "--errors", "--component", "LiveTradingEngine"))[: len(grave)] == grave


@pytest.mark.row("S3-054")
def test_errors_of_the_last_ten_minutes_are_found(site: Site, failed: Running, evidence: Note) -> None:
    """Those of just now are among them; of a second that is over there are none."""
    said = site.atb("logs", "told", "--since", "10m", "--level", "error", *WHERE)
    evidence("kubectl atb logs told --since 10m --level error", said)
    newest = lines_of(said)[-1]
    assert (newest["level"], newest["event"]) == ("ERROR", "Ledger unavailable")


@pytest.mark.row("S1-033")
@pytest.mark.row("S4-055")
@pytest.mark.row("S4-073")
def test_port_8080_of_the_service_is_port_9090_of_the_pod(site: Site, pod: Running, evidence: Note) -> None:
    """The same health, and metrics of the same names."""
    health = json.loads(site.kubectl("get", "--raw", f"{SERVICE}/health"))
    waited = ("wait", "tb/told", "--for=condition=TradingActive", "--timeout=60s", *WHERE)
    evidence(f"k {' '.join(waited)} (condition Healthy of the runbooks)", site.kubectl(*waited))
    evidence("k port-forward svc/told 8080; curl :8080/health (through the API server's proxy)", json.dumps(health))
    assert health["status"] == "healthy"
    # Some series come with a position, and it may come between two looks.
    names = eventually(lambda: same_names(site.kubectl("get", "--raw", f"{SERVICE}/metrics"), pod))
    evidence("diff of the sorted metric names from :8080/metrics and :9090/metrics", f"none of {len(names)}")
    assert "bot_running" in names


def same_names(there: str, pod: Running) -> set[str]:
    """The names of the metrics, when those of *there* are those the pod shows."""
    texts = (there, fetch(ops(pod, "metrics"))[1])
    named = [{line.partition("{")[0].split()[0] for line in text.splitlines() if line[0] != "#"} for text in texts]
    return named[0] if named[0] == named[1] else set()


def ops(pod: Running, path: str) -> str:
    return f"http://{pod.address}:{BOT_PORT}/{path}"


@pytest.mark.row("S1-058")
def test_status_tells_health_and_portfolio_in_one_answer(site: Site, pod: Running, evidence: Note) -> None:
    said = site.atb("status", "told", "-o", "json", *WHERE)
    evidence("kubectl atb status told -o json | jq -e '.health.status and .status.portfolio'", said)
    told = json.loads(said)
    assert told["health"]["status"] == "healthy"
    assert float(told["status"]["portfolio"]["balance"]) > 9000


@pytest.fixture(scope="module")
def crashed(site: Site, failed: Running) -> Running:
    """The bot after its process was struck down and another one has begun."""
    assert failed.process
    failed.process.send_signal(signal.SIGABRT)
    eventually(lambda: failed.ended == [-signal.SIGABRT], within=30)
    eventually(lambda: failed.status().get("state") == "trading", lambda: failed.log[-2000:], 60)
    return failed


@pytest.mark.row("S1-072")
@pytest.mark.row("S1-073")
@pytest.mark.row("S3-049")
def test_a_diagnosis_shows_how_the_container_before_ended(site: Site, crashed: Running, evidence: Note) -> None:
    """Containers, Events, the last 50 lines, and of the container before its traceback."""
    said = site.atb("diagnose", "told", *WHERE)
    evidence("kubectl atb diagnose told", said)
    parts = dict(part.split(":\n", 1) for part in said.split("\n\n") if ":\n" in part)
    assert list(parts) == [
        *("conditions", "containers", "Events", "logs (last 50)", "logs of the container before (last 100)")
    ]
    assert crashed.name in parts["containers"]
    assert f"Pod/{crashed.name}  Started  Started container bot" in parts["Events"]
    assert len(parts["logs (last 50)"].splitlines()) <= 50
    before = parts["logs of the container before (last 100)"]
    assert "Fatal Python error: Aborted" in before
    assert 'File "' in before


@pytest.mark.row("S2-011")
def test_kubectl_shows_pods_the_last_container_and_the_bot(site: Site, crashed: Running, evidence: Note) -> None:
    """A list of bots and pods, the last lines of the container before, Events and conditions."""
    listed = site.kubectl("get", "tb,pods", *WHERE)
    evidence("k get tb,pods", listed)
    assert "tradingbot.tradingbot.io/told" in listed
    assert f"pod/{crashed.name}" in listed
    before = site.kubectl("logs", "--tail=50", "-p", *WHERE, crashed.name)
    evidence("k logs --tail=50 -p", before)
    assert "Fatal Python error: Aborted" in before
    described = site.kubectl("describe", "tb", "told", *WHERE)
    evidence("k describe tb told", described)
    assert "Conditions:" in described
    assert "Events:" in described


@pytest.mark.row("S2-012")
def test_a_restart_reads_the_secret_anew(site: Site, crashed: Running, evidence: Note) -> None:
    """What the Secret holds now is what the new pod sends orders with; the venue has known one trader at a time."""
    hold(site, SECOND)
    before = len(site.control("orders")["entries"])
    said = site.atb("restart", "told", *WHERE)
    evidence("kubectl atb restart told", said)
    eventually(lambda: SECOND in keys(site, before), lambda: told_by_all(site), 60)
    evidence("GET /control/orders: keys of the orders since", str(keys(site, before)))


def told_by_all(site: Site) -> str:
    """How each pod says it is, and its last lines."""
    return "\n".join(f"{pod.name} {pod.status()}\n{pod.log[-2000:]}" for pod in site.node.pods.values())


def keys(site: Site, since: int) -> set[str]:
    return {entry["api_key"] for entry in site.control("orders")["entries"][since:]}

"""The Jobs that ask a colour, word for word. GOLDEN_UPDATE=1 rewrites the files; the difference is read in review."""

import os
from pathlib import Path

import pytest

import make_operator as make
from tradingbot_operator.crd.text import text
from tradingbot_operator.domain.probe import Ask, Command
from tradingbot_operator.render.probe import PROBE, probe
from tradingbot_operator.render.revision import content

GOLDEN = Path(__file__).parent / "probe"
SPEC = {**make.LIVE, "pod": {"imagePullSecrets": [{"name": "registry"}], "nodeSelector": {"disk": "ssd"}}}
ASKED = {
    "smoke": Ask("smoke", "a1b2c3d4e5", "green", "btc-green-1", "r2"),
    "doctor": Ask("doctor", "b2c3d4e5f6", "green", "btc-green-1", "r2"),
    "job": Ask(
        "fills_as_paper", "c3d4e5f6a7", "blue", "btc-blue-1", "r1", Command(("check", "--all"), "registry/check:3", 90)
    ),
}


@pytest.mark.parametrize("name", sorted(ASKED))
def test_question_becomes_this_job(name):
    """Restricted as the bot's pod is; owned by the bot; one try; gone ten minutes after its end at the latest."""
    bot = make.bot(SPEC)
    template = content(bot, bot.spec, make.SITE, "r2")["template"]
    made = probe(bot, template, ASKED[name], "10.0.0.5")
    for container in made["spec"]["template"]["spec"]["containers"]:
        container["command"] = ["<charts/probe.py>" if word == PROBE else word for word in container["command"]]
    current = text(made)
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("GOLDEN_UPDATE") == "1":
        path.write_text(current)
    assert current == path.read_text()

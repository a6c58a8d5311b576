"""What each chart renders with its defaults, as text."""

import os
import pathlib

import pytest
import yaml

import charts

HERE = pathlib.Path(__file__).parent
PROBE = (charts.CHARTS / "probe.py").read_text()


@pytest.mark.parametrize(
    ("chart", "flags", "name"),
    [
        ("tradingbot-operator", (), "operator"),
        ("tradingbot-operator", ("--set", "watchNamespaces={trading,research}"), "operator-namespaced"),
        ("tradingbot", charts.PAPER, "bot"),
    ],
)
def test_rendered_chart_is_the_golden_text(chart, flags, name):
    """A change of what a chart renders shows as a difference somebody reads; GOLDEN_UPDATE=1 accepts it."""
    found = charts.objects(chart, *flags)
    for _, pod in charts.pods(found):
        for container in pod["containers"]:
            container["command"] = ["<charts/probe.py>" if word == PROBE else word for word in container["command"]]
    text = yaml.safe_dump_all(found, sort_keys=False, width=120)
    path = HERE / f"{name}.yaml"
    if os.environ.get("GOLDEN_UPDATE") == "1":
        path.write_text(text)
    assert text == path.read_text()

"""What each chart renders with its defaults, as text."""

import os
import pathlib

import pytest
import yaml

import charts

HERE = pathlib.Path(__file__).parent


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
    text = yaml.safe_dump_all(charts.objects(chart, *flags), sort_keys=False, width=120)
    path = HERE / f"{name}.yaml"
    if os.environ.get("GOLDEN_UPDATE") == "1":
        path.write_text(text)
    assert text == path.read_text()

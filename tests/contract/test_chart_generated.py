"""What the charts and install.yaml hold of other files is what those files say."""

import subprocess
import sys
from typing import Any

import yaml

import charts

CRDS = charts.ROOT / "manifests" / "crds"


def documents(text: str) -> list[dict[str, Any]]:
    return [found for found in yaml.safe_load_all(text) if found]


def written() -> dict[str, dict[str, Any]]:
    """The resource definitions of manifests/crds by name."""
    found = [item for path in sorted(CRDS.glob("*.yaml")) for item in documents(path.read_text())]
    return {item["metadata"]["name"]: item for item in found}


def test_generated_files_are_fresh():
    """Copies, the bot chart's schema and install.yaml are what `make manifests` would write."""
    command = [sys.executable, str(charts.CHARTS / "sync.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `make manifests` and read the difference:\n{done.stdout}{done.stderr}"


def test_chart_installs_the_written_definitions():
    """The chart's definitions are those of manifests/crds but for labels and annotations."""
    found = {item["metadata"]["name"]: item["spec"] for item in charts.objects("tradingbot-crds")}
    assert sorted(found) == ["bottasks.tradingbot.io", "tradingbots.tradingbot.io"]
    assert found == {name: item["spec"] for name, item in written().items()}


def test_definitions_survive_the_release():
    """Uninstalling the definitions' release deletes no bot, whatever annotations the user adds."""
    flags = ("--set", "commonAnnotations.team=desk", "--set-json", '{"commonLabels":{"desk":"a"}}')
    for found in charts.objects("tradingbot-crds", *flags):
        assert found["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
        assert found["metadata"]["annotations"]["team"] == "desk"
        assert found["metadata"]["labels"]["desk"] == "a"


def test_keep_cannot_be_taken_away():
    """A user's annotation does not replace the one that keeps the definitions."""
    flags = ("--set-json", '{"commonAnnotations":{"helm.sh/resource-policy":"delete"}}')
    kept = {
        item["metadata"]["annotations"]["helm.sh/resource-policy"] for item in charts.objects("tradingbot-crds", *flags)
    }
    assert kept == {"keep"}


def test_bot_chart_has_a_value_for_every_field_of_the_spec():
    """Each field of the TradingBot's spec is a value of the chart."""
    schema = written()["tradingbots.tradingbot.io"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    values = yaml.safe_load((charts.CHARTS / "tradingbot" / "values.schema.json").read_text())["properties"]
    assert schema["properties"]["spec"]["properties"].keys() <= values.keys()


def test_install_file_holds_all_three():
    """One file brings the namespace, the definitions and the operator, and claims no Helm release."""
    text = (charts.ROOT / "manifests" / "install.yaml").read_text()
    kinds = [item["kind"] for item in documents(text)]
    assert kinds[:3] == ["Namespace", "CustomResourceDefinition", "CustomResourceDefinition"]
    assert "Deployment" in kinds
    assert "Job" not in kinds
    assert "Pod" not in kinds
    assert "helm.sh/" not in text


def test_install_file_needs_server_side_apply_only_for_size():
    """The head of the file says how to apply it."""
    first = (charts.ROOT / "manifests" / "install.yaml").read_text().splitlines()[0]
    assert "kubectl apply --server-side -f manifests/install.yaml" in first

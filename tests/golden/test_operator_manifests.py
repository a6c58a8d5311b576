"""What each sample becomes, word for word. GOLDEN_UPDATE=1 rewrites the files; the difference is read in review."""

import os
from pathlib import Path

import pytest
import yaml

import charts
import make_operator as make
from tradingbot_operator.crd.text import text
from tradingbot_operator.domain.plan import Run
from tradingbot_operator.plan.decide import decide
from tradingbot_operator.render.bundle import Given, render

GOLDEN = Path(__file__).parent / "operator"
SAMPLES = sorted((charts.ROOT / "manifests" / "samples").glob("*.yaml"))
EXTRAS = {
    "every-part.yaml": {
        **make.SANDBOX,
        "profile": "recommended",
        "image": "registry.example/tradingbot@sha256:" + "0" * 64,
        "storage": {"size": "40Gi", "className": "fast"},
        "resources": {"requests": {"cpu": 1}, "limits": {"memory": "6Gi"}},
        "monitoring": {"podMonitor": "Auto", "labels": {"release": "prometheus"}},
        "pod": {
            "labels": {"team": "desk", "tradingbot.io/bot": "not-this"},
            "annotations": {"note": "x"},
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "trading", "operator": "Exists", "effect": "NoSchedule"}],
            "priorityClassName": "high",
            "imagePullSecrets": [{"name": "registry"}],
            "imagePullPolicy": "Always",
        },
    },
    "key-per-colour.yaml": {
        **make.SANDBOX,
        "exchange": {**make.SANDBOX["exchange"], "credentialsSecretRef": {"blue": "keys-1", "green": "keys-2"}},
    },
}


def rendered(spec, name, **site):
    bot = make.bot(spec, name=name)
    run = decide(bot, make.observed(), make.SITE, make.NOW).action
    if not isinstance(run, Run):
        return f"# not run: {run.reason}: {run.message}\n"
    bundle = render(bot, bot.spec, run, make.layout(run), Given(make.site(**site), make.TOKENS))
    kept = "# Created where absent, never written again.\n" + "---\n".join(text(each) for each in bundle.kept)
    held = "---\n# Held to what stands here, in this order.\n" + "---\n".join(text(each) for each in bundle.held)
    alert = f"---\n# Held too; nothing waits for it.\n{text(bundle.alert)}" if bundle.alert else ""
    return kept + held + alert


def check(name, current):
    path = GOLDEN / name
    if os.environ.get("GOLDEN_UPDATE") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(current)
    assert path.exists(), f"{path.name} is missing; run GOLDEN_UPDATE=1 make golden and read it"
    assert current == path.read_text()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_sample_becomes_its_manifests(sample):
    """A sample's objects, in the order in which they are applied."""
    bots = [each for each in yaml.safe_load_all(sample.read_text()) if each and each["kind"] == "TradingBot"]
    for each in bots:
        check(f"{each['metadata']['name']}.yaml", rendered(each["spec"], each["metadata"]["name"]))


@pytest.mark.parametrize("name", sorted(EXTRAS))
def test_spec_becomes_its_manifests(name):
    """What no sample shows: sizes, placement, monitoring, a key for each colour."""
    check(name, rendered(EXTRAS[name], name.removesuffix(".yaml"), pod_monitors=True, alert_rules=True))


def test_no_golden_file_is_left_over():
    """Every file belongs to a sample or a spec of this page."""
    samples = [yaml.safe_load_all(path.read_text()) for path in SAMPLES]
    bots = {each["metadata"]["name"] + ".yaml" for sample in samples for each in sample if each["kind"] == "TradingBot"}
    assert {path.name for path in GOLDEN.glob("*.yaml")} == bots | set(EXTRAS)

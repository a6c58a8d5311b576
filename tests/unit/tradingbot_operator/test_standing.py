"""Whether an object is as it was asked to be."""

import copy

import pytest

from tradingbot_operator.domain.standing import content, marked, stands

ASKED = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "btc-blue", "labels": {"a": "b"}},
    "spec": {
        "replicas": 1,
        "ports": [{"name": "http", "port": 8000}, {"name": "ops", "port": 9090}],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1024Mi"}}, {"name": "data", "emptyDir": {}}],
        "resources": {"limits": {"cpu": "1000m", "memory": "1Gi", "odd": "much"}},
        "arguments": ["1000m"],
    },
}


def stored(**spec):
    """The object as the API server and others left it."""
    live = copy.deepcopy(marked(ASKED))
    live["metadata"] |= {"uid": "u1", "resourceVersion": "7", "generation": 1}
    live["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "1"
    live["spec"]["ports"][0]["protocol"] = "TCP"
    live["spec"]["strategy"] = {"type": "Recreate"}
    live["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] = "1Gi"
    live["spec"]["resources"]["limits"]["cpu"] = "1"
    live["spec"] |= spec
    return live


def test_object_with_what_others_added_stands():
    """Defaults, marks of controllers, and amounts in another form."""
    assert stands(stored(), ASKED)


def test_mark_is_the_word_for_what_was_asked():
    """It goes beside the annotations that are asked for, and does not count itself."""
    noted = {**ASKED, "metadata": {**ASKED["metadata"], "annotations": {"note": "kept"}}}
    assert marked(noted)["metadata"]["annotations"] == {"note": "kept", "tradingbot.io/asked": content(noted)}
    assert "annotations" not in ASKED["metadata"]


@pytest.mark.parametrize(
    "changed",
    [
        {"replicas": 3},
        {"replicas": None},
        {"ports": [{"name": "http", "port": 8000}]},
        {"ports": [{"name": "http", "port": 8001}, {"name": "ops", "port": 9090}]},
        {"ports": {"name": "http"}},
        {"resources": {"limits": {"cpu": "2", "memory": "1Gi", "odd": "much"}}},
        {"resources": {"limits": {"cpu": "1", "memory": "1Gi", "odd": "more"}}},
        {"resources": {"limits": {"cpu": "1", "memory": "1G", "odd": "much"}}},
        {"resources": "none"},
        {"arguments": ["1"]},
    ],
)
def test_change_of_what_was_asked_is_seen(changed):
    """Another value, a field or an item that is gone, an item too many; amounts are amounts only where they are."""
    assert not stands(stored(**changed), ASKED)


def test_object_that_was_asked_to_be_more_does_not_stand():
    """What is no longer asked for must be taken away, and only the mark tells it."""
    assert not stands(stored(), {**ASKED, "spec": {**ASKED["spec"], "replicas": 1, "arguments": ["1000m"], "new": {}}})
    unmarked = stored()
    del unmarked["metadata"]["annotations"]
    assert not stands(unmarked, ASKED)


def test_empty_map_that_is_not_stored_is_no_change():
    """The API server drops it."""
    asked = {**ASKED, "spec": {**ASKED["spec"], "selector": {}, "paused": False}}
    live = stored()
    live["metadata"]["annotations"]["tradingbot.io/asked"] = content(asked)
    assert not stands({**live, "spec": {**live["spec"], "paused": True}}, asked)
    assert stands(live, asked)

"""What the plugin reads and shows in an incident: histories and files of keys."""

import pytest

from kubectl_tradingbot.cluster import Bot
from kubectl_tradingbot.domain.history import history, infrastructure
from kubectl_tradingbot.domain.keys import Unusable, keys_in


def revision(number, image="bot:1", keys=None, **spec):
    notes = {"tradingbot.io/keys": keys} if keys else {}
    return {
        "metadata": {
            "creationTimestamp": f"2026-11-21T12:0{number}:00Z",
            "labels": {"tradingbot.io/revision": f"r{number}"},
            "annotations": notes,
        },
        "revision": number,
        "data": {"spec": spec, "template": {"spec": {"containers": [{"image": image}]}}},
    }


def test_two_changes_are_two_entries_with_what_differs():
    """Each revision is compared with the one before it, field by field."""
    first = revision(1, strategy={"name": "sma_cross", "parameters": {"fast": "3"}})
    second = revision(2, strategy={"name": "sma_cross", "parameters": {"fast": "4"}})
    third = revision(3, strategy={"name": "sma_cross", "parameters": {"fast": "4"}}, risk={"max_daily_loss": "10"})
    entries = history([third, first, second], [])
    assert [(entry["kind"], entry["changes"]) for entry in entries] == [
        ("created", []),
        ("parameter", [{"field": "spec.strategy.parameters.fast", "before": "3", "after": "4"}]),
        ("configuration", [{"field": "spec.risk.max_daily_loss", "before": None, "after": "10"}]),
    ]


def test_a_new_image_and_new_keys_are_told_apart():
    """An upgrade is no change of configuration, and keys show as their fingerprints."""
    entries = history([revision(1, keys="a"), revision(2, "bot:2", keys="a"), revision(3, "bot:2", keys="b")], [])
    assert [entry["kind"] for entry in entries] == ["created", "image", "keys"]
    assert entries[2]["changes"] == [{"field": "keys", "before": "a", "after": "b"}]


def test_events_stand_between_the_changes_by_their_time():
    """What the bot went through is in one line of time with what was done to it."""
    event = {
        "metadata": {"creationTimestamp": "2026-11-21T12:01:30Z"},
        "reason": "Halted",
        "message": "spread looks wrong",
    }
    entries = history([revision(1), revision(2, "bot:2")], [event])
    assert [entry["kind"] for entry in entries] == ["created", "event", "image"]
    assert entries[1]["message"] == "spread looks wrong"


def told(kind, name, reason, message="m"):
    about = {"kind": kind, "name": name}
    return {"metadata": {"creationTimestamp": "2026-11-21T12:01:30Z"}, "involvedObject": about, "reason": reason} | {
        "message": message
    }


def test_what_changed_below_a_bot_is_told_from_daily_life():
    """Its pods put out, the nodes they were on, the databases beside it; not other bots' pods, nor pulls of images."""
    there = [
        told("Pod", "btc-blue-7-x", "Scheduled", "Successfully assigned trading/btc-blue-7-x to one"),
        told("Pod", "btc-blue-7-x", "Pulled"),
        told("Pod", "btc-blue-7-x", "Evicted"),
        told("Pod", "btcusd-blue-7-x", "Evicted"),
        told("Node", "one", "NodeNotReady"),
        told("Node", "one", "NodeHasSufficientMemory"),
        told("Node", "two", "NodeNotReady"),
        told("StatefulSet", "ats-postgres", "SuccessfulDelete", "delete Pod ats-postgres-0"),
        told("TradingBot", "btc", "Halted"),
    ]
    found = infrastructure("btc", there)
    assert [(each["involvedObject"]["name"], each["reason"]) for each in found] == [
        ("btc-blue-7-x", "Evicted"),
        ("ats-postgres", "SuccessfulDelete"),
        ("one", "NodeNotReady"),
    ]
    (entry,) = history([], [], found[1:2])
    assert entry == {
        "at": "2026-11-21T12:01:30Z",
        "kind": "infrastructure",
        "reason": "SuccessfulDelete",
        "message": "StatefulSet ats-postgres: delete Pod ats-postgres-0",
    }


def test_keys_are_read_from_variables_of_any_exchange():
    """Quotes, export and comments are as in any such file."""
    text = "# mine\nexport BINANCE_API_KEY='k1'\nBINANCE_API_SECRET=\"s=1\"\nLOG_LEVEL=info\n"
    assert keys_in(text, ".env") == {"apiKey": "k1", "secret": "s=1"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "BINANCE_API_KEY=\nBINANCE_API_SECRET=s",
            ".env: BINANCE_API_KEY is empty; write the key of the exchange behind it",
        ),
        ("BINANCE_API_KEY=k", ".env: there is no ..._API_SECRET; write for example BINANCE_API_KEY=..."),
        (
            "A_API_KEY=k\nB_API_KEY=k",
            ".env: B_API_KEY is a second API_KEY; leave one exchange's keys in the file",
        ),
    ],
)
def test_a_file_that_cannot_be_used_names_the_variable(text: str, sentence: str) -> None:
    """And never the value behind it."""
    with pytest.raises(Unusable, match=r"\.env") as refused:
        keys_in(text, ".env")
    assert str(refused.value) == sentence


def test_dust_is_flat_and_silence_is_not():
    """Only the process itself can say that nothing is held."""
    resource = {"metadata": {"name": "btc", "namespace": "trading"}, "spec": {}}
    position = {"symbol": "BTC/USDT", "quantity": "0.0005", "mark": "17000"}
    assert Bot(resource, {"positions": [position], "open_orders": 0}).is_flat
    assert not Bot(resource, {"positions": [{**position, "quantity": "0.001"}], "open_orders": 0}).is_flat
    assert not Bot(resource, {"positions": [], "open_orders": 1}).is_flat
    assert not Bot(resource, None).is_flat

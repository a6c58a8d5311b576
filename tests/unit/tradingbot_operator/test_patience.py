"""How patient a bot is with its venue: what a person set reaches its settings in their words, and nothing else does."""

import pytest

import make_operator as make
from tradingbot_operator.domain.revision import asked, revision_name
from tradingbot_operator.render.settings import settings

PATIENT = {
    **make.MINIMAL,
    "exchange": {**make.MINIMAL["exchange"], "timeoutMs": 5000, "retries": 4},
    "engine": {"backoffBaseSeconds": 7, "maxBackoffSeconds": 90},
    "clockSync": {"interval": "30s", "warnThresholdMs": 150, "killThresholdMs": 800},
    "circuitBreaker": {"failures": 3, "windowSeconds": 30, "recoveryTimeoutSeconds": 45},
}


def test_what_is_set_reaches_the_process_in_its_words():
    """Milliseconds and seconds become durations."""
    bot = make.bot(PATIENT)
    said = settings(bot, bot.spec, make.SITE)
    assert (said["exchange"]["timeout"], said["exchange"]["retries"]) == ("5000ms", 4)
    assert (said["engine"]["backoff_base"], said["engine"]["backoff_max"]) == ("7s", "90s")
    assert said["clock_sync"] == {"interval": "30s", "warn_offset": "150ms", "max_offset": "800ms"}
    assert said["circuit_breaker"] == {"failures": 3, "window": "30s", "recovery_timeout": "45s"}


def test_who_says_nothing_of_it_has_the_settings_of_before():
    """And its revision the name of before."""
    bot = make.bot(make.MINIMAL)
    said = settings(bot, bot.spec, make.SITE)
    assert "clock_sync" not in said
    assert "circuit_breaker" not in said
    assert {"timeout", "retries"}.isdisjoint(said["exchange"])
    assert {"backoff_base", "backoff_max"}.isdisjoint(said["engine"])
    assert {"clockSync", "circuitBreaker", "engine"}.isdisjoint(asked(bot.spec))


def test_another_patience_is_another_revision():
    """What reaches the pod makes its name."""
    one = {**make.MINIMAL, "circuitBreaker": {"failures": 3}}
    assert revision_name(make.bot(one).spec) != revision_name(make.bot(make.MINIMAL).spec)


def test_the_hours_of_a_market_reach_the_process():
    """Who says nothing has the settings of before."""
    hours = {"timezone": "America/New_York", "hours": "Mon-Fri 09:30-16:00"}
    bot = make.bot({**make.MINIMAL, "tradingDay": hours})
    assert settings(bot, bot.spec, make.SITE)["trading_day"] == {"reset": "00:00", **hours}
    bot = make.bot({**make.MINIMAL, "tradingDay": {"holidays": ["2026-12-25"]}})
    told = {"reset": "00:00", "timezone": "UTC", "holidays": ["2026-12-25"]}
    assert settings(bot, bot.spec, make.SITE)["trading_day"] == told
    bot = make.bot(make.MINIMAL)
    assert settings(bot, bot.spec, make.SITE)["trading_day"] == {"reset": "00:00", "timezone": "UTC"}


def test_the_soft_limit_of_memory_reaches_the_process():
    """Who says nothing has the settings of before."""
    bot = make.bot({**make.MINIMAL, "engine": {"softMemoryLimitMb": 512}})
    assert settings(bot, bot.spec, make.SITE)["engine"]["soft_memory_limit_mb"] == 512
    bot = make.bot(make.MINIMAL)
    assert "soft_memory_limit_mb" not in settings(bot, bot.spec, make.SITE)["engine"]


@pytest.mark.parametrize(
    ("asked_for", "said"),
    [
        ({"cacheSize": "64Mi"}, {"cache_mib": 64}),
        ({"cacheSize": "2Gi"}, {"cache_mib": 2048}),
        ({"cacheSize": "1Ti", "cacheTtl": "2d"}, {"cache_mib": 1048576, "cache_ttl": "2d"}),
        ({"cacheTtl": "1h"}, {"cache_ttl": "1h"}),
        ({"filtersMaxAgeDays": 14}, {"filters_max_age_days": 14}),
        ({"source": "binance", "history": "730d"}, {"source": "binance", "history": "730d"}),
    ],
)
def test_how_much_is_kept_of_bars_reaches_the_process(asked_for, said):
    """Sizes in mebibytes."""
    bot = make.bot({**make.MINIMAL, "data": asked_for})
    assert settings(bot, bot.spec, make.SITE)["data"] == said


def test_who_says_nothing_of_bars_keeps_the_bots_own_default():
    """The rendered settings are as they were before."""
    bot = make.bot(make.MINIMAL)
    assert "data" not in settings(bot, bot.spec, make.SITE)

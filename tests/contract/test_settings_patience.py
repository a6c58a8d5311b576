"""How patient a bot is with its venue: what the operator renders of it is what the bot reads."""

import json

import make_operator as make
from tradingbot.settings import parse_settings
from tradingbot_operator.render.settings import settings

PATIENT = {
    **make.MINIMAL,
    "exchange": {**make.MINIMAL["exchange"], "timeoutMs": 5000, "retries": 4},
    "engine": {"backoffBaseSeconds": 7, "maxBackoffSeconds": 90},
    "clockSync": {"interval": "30s", "warnThresholdMs": 150, "killThresholdMs": 800},
    "circuitBreaker": {"failures": 3, "windowSeconds": 30, "recoveryTimeoutSeconds": 45},
}


def test_the_bot_takes_it():
    """Every field is one of its settings."""
    bot = make.bot(PATIENT)
    made = parse_settings(json.dumps(settings(bot, bot.spec, make.SITE)))
    assert (made.exchange.timeout.total_seconds(), made.clock_sync.max_offset.total_seconds()) == (5, 0.8)
    assert (made.circuit_breaker.failures, made.engine.backoff_max.total_seconds()) == (3, 90)


def test_the_bot_takes_how_much_it_keeps_of_bars():
    """The size of the cache and how long it is believed."""
    bot = make.bot({**make.MINIMAL, "data": {"cacheSize": "2Gi", "cacheTtl": "2d"}})
    made = parse_settings(json.dumps(settings(bot, bot.spec, make.SITE))).data
    assert (made.cache_mib, made.cache_ttl.total_seconds()) == (2048, 172800)


def test_the_bot_takes_who_decides_what():
    """Each with its markets and parameters; nothing of it where nobody said so."""
    bot = make.bot(make.SEVERAL)
    (other,) = parse_settings(json.dumps(settings(bot, bot.spec, make.SITE))).strategies
    assert (other.name, other.symbols, other.parameters) == ("rsi", ("ETH/USDT",), {"period": "9"})
    usual = make.bot()
    assert "strategies" not in settings(usual, usual.spec, make.SITE)

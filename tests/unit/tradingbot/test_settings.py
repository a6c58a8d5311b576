"""Settings: what is accepted, and the one sentence that each mistake is refused with."""

import json
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingbot.domain.errors import Misconfigured
from tradingbot.scalars import parse_decimal, parse_duration
from tradingbot.settings import Settings, load_settings, parse_settings
from tradingbot.start.assembly import watched_for
from tradingbot.start.credentials import TokenFile, ledger_url, load_secrets
from tradingbot.start.deciding import others_from, strategy_from

LEAST: dict[str, Any] = {
    "bot": {"name": "btc", "namespace": "trading", "cluster": "c0ffee"},
    "mode": "paper",
    "exchange": {"name": "binance", "symbols": ["BTC/USDT"]},
    "strategy": {"name": "sma_cross"},
}


def changed(path: str, value: Any) -> str:
    """The least settings as JSON, with *value* at the dotted *path*."""
    rendered = json.loads(json.dumps(LEAST))
    *parents, last = path.split(".")
    place = rendered
    for parent in parents:
        place = place.setdefault(parent, {})
    place[last] = value
    return json.dumps(rendered)


def refused(text: str) -> str:
    with pytest.raises(Misconfigured) as refusal:
        parse_settings(text)
    return str(refusal.value)


def test_five_fields_are_enough_for_a_paper_bot() -> None:
    """Name, mode, exchange, symbols and strategy are asked for; everything else has its default."""
    settings = parse_settings(json.dumps(LEAST))
    assert settings.risk.max_daily_loss == Decimal(200)
    assert settings.engine.check_interval == timedelta(seconds=15)
    assert settings.trading_day.reset == time(0, 0)
    assert settings.database.path == Path("/data/state/ledger.sqlite")
    assert settings.currency == "USDT"
    assert not settings.sends_orders


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    """The settings are frozen, inside too."""
    settings = parse_settings(json.dumps(LEAST))
    with pytest.raises(ValueError, match="frozen"):
        settings.risk.max_open_positions = 9  # type: ignore[misc]


MISTAKES = [
    ("mode", "lve", "mode \"lve\" is unknown: write 'sim', 'dry-run', 'paper' or 'live'"),
    ("mood", "x", "mood is not a field of the settings: write mode"),
    ("exchange.symbls", ["BTC/USDT"], "exchange.symbls is not a field of the settings: write symbols"),
    (
        "trading_day.x",
        "k3y",
        "trading_day.x is not a field of the settings: remove it, or write one of reset, timezone, hours, holidays",
    ),
    (
        "bot.name",
        "Btc",
        'bot.name "Btc" is not a bot\'s name: write at most 40 lower-case letters, digits and dashes, a letter first',
    ),
    (
        "exchange.symbols",
        ["BTCUSDT"],
        'exchange.symbols.0 "BTCUSDT" is not a market: write base and quote coin, for example "BTC/USDT"',
    ),
    ("exchange.symbols", [], "exchange.symbols [] has too few entries: write at least 1"),
    ("exchange.symbols", "BTC/USDT", 'exchange.symbols "BTC/USDT" is not a list: write it in square brackets'),
    (
        "exchange.symbols",
        ["BTC/USDT", "BTC/USDT"],
        "exchange.symbols BTC/USDT, BTC/USDT names a market twice: write each one once",
    ),
    (
        "exchange.symbols",
        ["BTC/USDT", "ETH/EUR"],
        "exchange.symbols ETH/EUR is not quoted in USDT: trade it with another bot",
    ),
    (
        "exchange.name",
        "Binance US",
        'exchange.name "Binance US" does not fit the pattern ^[a-z0-9]{1,40}$: write a name of that form',
    ),
    (
        "exchange.endpoint",
        "http://me:pw@host",
        'exchange.endpoint "http://me:pw@host" is not an address without credentials: '
        'write for example "http://host:8080"',
    ),
    ("exchange.shared", "no", 'exchange.shared "no" is not a boolean: write true or false, without quotes'),
    (
        "strategy.timeframe",
        "7m",
        "strategy.timeframe \"7m\" is unknown: write '1m', '3m', '5m', '15m', '30m', '1h', '4h' or '1d'",
    ),
    ("strategy.parameters", {"fast": 10}, "strategy.parameters.fast 10 is not a string: write it in quotes"),
    ("engine.check_interval", "4s", 'engine.check_interval "4s" is too small: write 5 seconds or more'),
    (
        "engine.check_interval",
        15,
        'engine.check_interval 15 is not a duration: write a number and one of ms, s, m, h, d, for example "15s"',
    ),
    ("engine.warmup_bars", "200", 'engine.warmup_bars "200" is not a whole number: write one without quotes'),
    ("engine.warmup_bars", 0, "engine.warmup_bars 0 is too small: write 1 or more"),
    ("engine.warmup_bars", 5001, "engine.warmup_bars 5001 is too large: write 5000 or less"),
    (
        "risk.max_daily_loss",
        200,
        'risk.max_daily_loss 200 is not a string holding a decimal: write for example "200" or "0.5"',
    ),
    (
        "risk.max_daily_loss",
        "NaN",
        'risk.max_daily_loss "NaN" is not a string holding a decimal: write for example "200" or "0.5"',
    ),
    ("risk.max_daily_loss", "0", 'risk.max_daily_loss "0" is not above zero: write a positive decimal'),
    (
        "risk.stop_loss_percent",
        "101",
        'risk.stop_loss_percent "101" is not a percentage above 0 and at most 100: write one in between',
    ),
    (
        "risk.stop_loss_percent",
        "0",
        'risk.stop_loss_percent "0" is not a percentage above 0 and at most 100: write one in between',
    ),
    (
        "risk.max_order_notional",
        "2001",
        'risk.max_order_notional "2001" exceeds risk.max_position_notional: write at most that',
    ),
    ("engine.max_bars_in_memory", 199, "engine.warmup_bars 200 exceeds engine.max_bars_in_memory: write at most that"),
    ("engine.max_bars_in_memory", 99, "engine.max_bars_in_memory 99 is too small: write 100 or more"),
    ("engine.backoff_base", "3m", 'engine.backoff_base "180s" exceeds engine.backoff_max: write at most that'),
    ("capital.currency", "EUR", "exchange.symbols BTC/USDT is not quoted in EUR: trade it with another bot"),
    (
        "database.path",
        "ledger.sqlite",
        'database.path "ledger.sqlite" is not an absolute path: write one that begins with /',
    ),
    ("trading_day.reset", "24:00", 'trading_day.reset "24:00" is not a time of day: write HH:MM, for example "00:00"'),
    (
        "trading_day.timezone",
        "Mars",
        'trading_day.timezone "Mars" is not a time zone of the IANA list: write for example "UTC" or "Europe/Berlin"',
    ),
    ("listen.http", "8000", 'listen.http "8000" is not host:port: write for example "0.0.0.0:8000"'),
    ("listen.ops", "0.0.0.0:65536", 'listen.ops "0.0.0.0:65536" is not host:port: write for example "0.0.0.0:8000"'),
    ("engine.max_signals_per_sec", "0", 'engine.max_signals_per_sec "0" is not above zero: write a positive decimal'),
    (
        "exchange.sandbox",
        True,
        "exchange.endpoint null would be the real venue: write the address of its sandbox",
    ),
    ("risk", "tight", 'risk "tight" is not an object: write names and values in braces'),
]


@pytest.mark.parametrize(("path", "value", "sentence"), MISTAKES, ids=[f"{m[0]}={m[1]}"[:40] for m in MISTAKES])
def test_a_mistake_is_refused_with_field_value_and_cure(path: str, value: Any, sentence: str) -> None:
    """Each bad field gets exactly one sentence."""
    assert refused(changed(path, value)) == sentence


def test_every_missing_field_is_named_at_once() -> None:
    """Nobody corrects one field only to learn of the next."""
    assert refused('{"mode": "paper", "exchange": {"name": "binance"}}').splitlines() == [
        "bot is missing: add it",
        "exchange.symbols is missing: add it",
        "strategy is missing: add it",
    ]


def test_text_that_is_not_json_is_refused_with_its_place() -> None:
    """A broken file is told by line and column."""
    assert refused("{") == (
        "settings are not JSON (EOF while parsing an object at line 1 column 1): correct them at that place"
    )


def test_the_value_of_an_unknown_field_is_not_shown() -> None:
    """Somebody may have put a key where none belongs: it is not repeated."""
    assert "vmPUZE6mv9SD5VNHk4Hl" not in refused(changed("exchange.apiKey", "vmPUZE6mv9SD5VNHk4Hl"))


def test_live_needs_a_database_that_fences() -> None:
    """A file cannot keep a second live bot out."""
    assert refused(changed("mode", "live")) == 'database.mode "embedded" cannot fence a live bot: write "postgres"'


def test_a_sandbox_goes_with_paper_only() -> None:
    """In every other mode the word would be misread."""
    rendered = json.loads(changed("exchange.sandbox", True))
    rendered |= {"mode": "dry-run"}
    rendered["exchange"]["endpoint"] = "http://simulator:8080"
    assert refused(json.dumps(rendered)) == (
        'exchange.sandbox true does not go with mode "dry-run": write false, or mode "paper"'
    )


def test_settings_that_are_not_there_are_named_with_the_cure(tmp_path: Path) -> None:
    """An absent file is a sentence, not a traceback."""
    with pytest.raises(Misconfigured) as refusal:
        load_settings(tmp_path / "none.json")
    assert str(refusal.value) == (
        f"TRADINGBOT_SETTINGS {tmp_path}/none.json cannot be read (No such file or directory): "
        "mount the settings there or name another file"
    )


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_every_decimal_survives_its_string(number: Decimal) -> None:
    """A decimal in a string is exact, whatever its length."""
    assert parse_decimal(str(number)) == number


@given(st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_every_duration_is_its_number_of_units(number: int, unit: str) -> None:
    """A duration is what it says, in milliseconds."""
    length = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[unit]
    assert parse_duration(f"{number}{unit}") == timedelta(milliseconds=number * length)


@pytest.mark.parametrize("text", ["", "15", "s", "1.5s", "-1s", "1 s", "15S", "1w", "٣s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Only digits and one unit are a duration."""
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def settings(tmp_path: Path, **changes: Any) -> Settings:
    return parse_settings(json.dumps({**LEAST, "paths": {"secrets": str(tmp_path)}, **changes}))


SANDBOX = {**LEAST["exchange"], "sandbox": True, "endpoint": "http://simulator:8080"}


def test_orders_need_credentials(tmp_path: Path) -> None:
    """A mode that sends orders does not start without keys, and says which file is absent."""
    with pytest.raises(Misconfigured) as refusal:
        load_secrets(settings(tmp_path, exchange=SANDBOX))
    assert str(refusal.value) == (
        f'mode "paper" sends orders, but {tmp_path}/exchange/apiKey is not there: '
        "set exchange.credentialsSecretRef to a Secret with the keys apiKey and secret"
    )


def test_a_venue_that_signs_with_a_passphrase_needs_it(tmp_path: Path) -> None:
    """Its file is named when it is absent, and read when it is there; other venues do without."""
    mounted(tmp_path)
    kucoin = settings(tmp_path, exchange={**SANDBOX, "name": "kucoin"})
    with pytest.raises(Misconfigured) as refusal:
        load_secrets(kucoin)
    assert str(refusal.value) == (
        f"exchange.name kucoin signs with a passphrase too, but {tmp_path}/exchange/password is not there: "
        "give the Secret of exchange.credentialsSecretRef the key password"
    )
    (tmp_path / "exchange/password").write_text("the-word\n")
    keys = load_secrets(kucoin).exchange
    assert keys is not None
    assert keys.password is not None
    assert keys.password.get_secret_value() == "the-word"


def test_keys_of_a_bot_that_sends_nothing_are_not_read(tmp_path: Path) -> None:
    """Keys that were mounted by mistake are not even held in memory."""
    mounted(tmp_path)
    assert load_secrets(settings(tmp_path)).exchange is None


def test_mounted_keys_are_read_without_their_line_ends(tmp_path: Path) -> None:
    """An editor's last line end is not part of a key."""
    mounted(tmp_path)
    keys = load_secrets(settings(tmp_path, exchange=SANDBOX)).exchange
    assert keys is not None
    assert keys.api_key.get_secret_value() == "the-key"
    assert keys.secret.get_secret_value() == "the-secret"


def test_postgres_needs_its_url(tmp_path: Path) -> None:
    """A database that is not there is a sentence."""
    with pytest.raises(Misconfigured) as refusal:
        load_secrets(settings(tmp_path, database={"mode": "postgres"}))
    assert str(refusal.value) == (
        f'database.mode "postgres" needs {tmp_path}/database/url, which is not there: '
        "mount a Secret with the key url, or write database.mode embedded"
    )


def test_the_ledger_is_a_file_or_the_mounted_url(tmp_path: Path) -> None:
    """Embedded names the file, postgres the Secret's url, with the book of the mode."""
    assert ledger_url(settings(tmp_path)) == "sqlite:////data/state/ledger.sqlite"
    (tmp_path / "database").mkdir()
    (tmp_path / "database/url").write_text("postgresql://blue:pw@db/btc\n")
    book = "options=-c%20tradingbot.book%3Dbook_paper"
    assert ledger_url(settings(tmp_path, database={"mode": "postgres"})) == f"postgresql://blue:pw@db/btc?{book}"


def test_secrets_are_not_in_any_form_they_can_be_printed_in(tmp_path: Path) -> None:
    """repr, str and format of everything that was read show no secret."""
    mounted(tmp_path)
    secrets = load_secrets(settings(tmp_path, exchange=SANDBOX))
    for text in (repr(secrets), str(secrets), f"{secrets.exchange}", repr(secrets.values())):
        assert "the-key" not in text
        assert "the-secret" not in text
        assert "the-token" not in text


def test_each_line_of_a_token_file_is_admitted_at_once(tmp_path: Path) -> None:
    """While a rotation overlaps, both tokens are good; what is removed is not, without a restart."""
    file = tmp_path / "token"
    tokens = TokenFile(file)
    assert not tokens.admits("")
    file.write_text("new\nold\n")
    assert tokens.admits("new")
    assert tokens.admits("old")
    assert not tokens.admits("ne")
    file.write_text("new\n")
    assert not tokens.admits("old")


def test_an_empty_token_file_admits_nobody(tmp_path: Path) -> None:
    """A Secret that has lost its content does not open the door."""
    (tmp_path / "token").write_text("\n \n")
    assert not TokenFile(tmp_path / "token").admits("")


def mounted(folder: Path) -> None:
    for name, text in (
        ("exchange/apiKey", "the-key\n"),
        ("exchange/secret", "the-secret\n"),
        ("api/token", "the-token"),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def test_a_bot_with_money_is_watched_for_an_hour_after_a_crash(tmp_path: Path) -> None:
    """Others are not unless somebody asks for it; whoever asks is believed."""
    asked = {"recovery": {"observe_minutes": 5}}
    live = {"mode": "live", "database": {"mode": "postgres"}}
    said = [watched_for(settings(tmp_path, **each)) for each in ({}, live, asked, {**live, **asked})]
    assert [each // timedelta(minutes=1) for each in said] == [0, 60, 5, 5]


def test_a_live_bot_keeps_its_limits() -> None:
    """risk.enabled false is for paper; in mode live it is refused."""
    rendered = {**LEAST, "mode": "live", "database": {"mode": "postgres"}, "risk": {"enabled": False}}
    with pytest.raises(Misconfigured) as refused:
        parse_settings(json.dumps(rendered))
    assert str(refused.value) == 'risk.enabled false does not go with mode "live": write true'
    assert parse_settings(json.dumps({**LEAST, "risk": {"enabled": False}})).risk.enabled is False


TWO = {**LEAST, "exchange": {"name": "binance", "symbols": ["BTC/USDT", "ETH/USDT"]}}
SEVERAL = {
    "strategies sma_cross, sma_cross names a strategy twice: write each one once": [
        {"name": "sma_cross", "symbols": ["ETH/USDT"]}
    ],
    "strategies ETH/USDT, ETH/USDT gives a market to two strategies: write each one once": [
        {"name": name, "symbols": ["ETH/USDT"]} for name in ("rsi", "ml_basic")
    ],
    "strategies SOL/USDT is not in exchange.symbols: add it there": [{"name": "rsi", "symbols": ["SOL/USDT"]}],
    "strategies BTC/USDT, ETH/USDT leaves no market to strategy: give it one": [
        {"name": "rsi", "symbols": ["BTC/USDT", "ETH/USDT"]}
    ],
    "strategies.0.nam is not a field of the settings: write name": [
        {"nam": "rsi", "name": "rsi", "symbols": ["ETH/USDT"]}
    ],
}


@pytest.mark.parametrize("sentence", SEVERAL)
def test_several_strategies_share_the_markets_or_are_refused(sentence: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        parse_settings(json.dumps({**TWO, "strategies": SEVERAL[sentence]}))
    assert str(refused.value) == sentence


def test_each_market_has_the_strategy_that_was_named_for_it() -> None:
    """One that decides on a timer stands alone, on either side; bars in memory must be enough for each."""
    other = {"name": "rsi", "symbols": ["ETH/USDT"], "parameters": {"period": "9"}}
    made = parse_settings(json.dumps({**TWO, "strategies": [other]}))
    assert {symbol: strategy.name for symbol, strategy in others_from(made).items()} == {"ETH/USDT": "rsi"}
    assert strategy_from(made).name == made.strategy.name
    for changes, sentence in (
        ({"strategies": [{**other, "name": "metronome", "parameters": {}}]}, 'strategies names "metronome"'),
        ({"strategies": [other], "strategy": {"name": "metronome"}}, "strategies goes with strategies that decide"),
        ({"strategies": [{**other, "parameters": {"period": "1"}}]}, "strategy.parameters.period"),
    ):
        said = parse_settings(json.dumps({**TWO, **changes}))
        with pytest.raises(Misconfigured, match=sentence):
            [strategy_from(said), others_from(said)]

"""Exchange keys of a bot: made, rotated, and taken away; no value is ever printed."""

import time
from pathlib import Path
from typing import Annotated

import typer

from kubectl_tradingbot import cluster
from kubectl_tradingbot.cluster import HALT, Bot
from kubectl_tradingbot.domain.keys import Unusable, keys_in
from kubectl_tradingbot.incident import LATE, REFUSED, USAGE, Name, Namespace, Patience, Reason

keys = typer.Typer(no_args_is_help=True, help="The exchange keys of a bot.", rich_markup_mode=None)
EnvFile = Annotated[Path, typer.Option("--from-env-file", help="lines such as BINANCE_API_KEY=...")]
ROTATED = "tradingbot.io/keys-changed"


@keys.command()
def create(bot: Name, from_env_file: EnvFile, namespace: Namespace = None) -> None:
    """Write the keys of a file into the Secret the bot reads."""
    one = cluster.one(namespace, bot)
    cluster.write_keys(one, secret_of(one), read(from_env_file), _now())
    _nudge(one)
    typer.echo(f"Secret {secret_of(one)} in {one.namespace} holds the keys of {from_env_file.name}")


@keys.command()
def rotate(bot: Name, from_env_file: EnvFile, namespace: Namespace = None, timeout: Patience = 120) -> None:
    """Replace the keys and wait until the bot runs with the new ones and is ready."""
    one = cluster.one(namespace, bot)
    before = (one.status.get("keyFingerprint"), revision_of(one))
    cluster.write_keys(one, secret_of(one), read(from_env_file), _now())
    _nudge(one)
    if not cluster.wait(lambda: _runs_with_others(one, before), timeout):
        _say_no(LATE, f"{bot} does not run with the new keys yet ({timeout} s); see kubectl describe tb {bot}")
    now = cluster.one(one.namespace, bot).status.get("keyFingerprint")
    typer.echo(f"{bot} runs with the keys {now}; {before[0]} is gone")


@keys.command("revoke-local")
def revoke_local(
    bot: Name,
    reason: Reason,
    yes: Annotated[bool, typer.Option("--yes", help="although positions are open")] = False,
    namespace: Namespace = None,
) -> None:
    """Halt a bot and take its keys away; revoke them at the exchange too."""
    one = cluster.one(namespace, bot)
    if one.live is None or one.held:
        holding = f"it holds {', '.join(one.held)}" if one.held else "it does not answer, so nobody knows what it holds"
        typer.echo(f"warning: without keys {bot} can close no position, and {holding}", err=True)
        if not yes:
            _say_no(
                REFUSED, f"nothing was done; flatten first: kubectl tradingbot emergency-stop {bot} --flatten, or --yes"
            )
    cluster.annotate(one, f"{HALT}=halt: KeyRevoked: {reason}")
    name = secret_of(one)
    cluster.write_keys(one, name, {}, _now())
    _nudge(one)
    typer.echo(f"{bot} is halted and Secret {name} is empty; now revoke the key at the exchange")


def secret_of(bot: Bot) -> str:
    """The Secret the spec names, or the usual one."""
    reference = bot.resource["spec"].get("exchange", {}).get("credentialsSecretRef") or {}
    return str(reference.get("name") or reference.get("blue") or f"{bot.name}-exchange")


def read(file: Path) -> dict[str, str]:
    try:
        return dict(keys_in(file.read_text(), file.name))
    except OSError as error:
        _say_no(USAGE, f"{file} cannot be read ({error.strerror}): name another file")
    except Unusable as error:
        _say_no(USAGE, str(error))
    return {}


def revision_of(bot: Bot) -> object:
    return (bot.status.get("active") or {}).get("revision")


def _runs_with_others(bot: Bot, before: tuple[object, object]) -> bool:
    now = cluster.one(bot.namespace, bot.name)
    changed = now.status.get("keyFingerprint") not in (before[0], None) and revision_of(now) not in (before[1], None)
    ready = now.condition("Ready").get("status") == "True" and not now.condition("Reconciling")
    return ready and changed and now.live is not None


def _nudge(bot: Bot) -> None:
    """A Secret makes no event; this one makes the operator look at once."""
    cluster.annotate(bot, f"{ROTATED}={bot.resource['metadata']['resourceVersion']}")


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _say_no(code: int, sentence: str) -> None:
    typer.echo(f"kubectl tradingbot: {sentence}", err=True)
    raise typer.Exit(code)

"""``atb state``: what the process keeps on the volume of its pod beside the ledger."""

from typing import Annotated

import typer

from tradingbot.cli import closing
from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.local import local_settings
from tradingbot.domain.reconciliation import Action
from tradingbot.start.statefile import load, path_of

state = typer.Typer(no_args_is_help=True, help="What the process keeps beside its ledger.", rich_markup_mode=None)


@state.command()
def show() -> None:
    """Print the state file as JSON; exit 1 when there is none, or none that can be read."""
    path = path_of(local_settings().paths.data)
    found = load(path)
    if found is None:
        why = "is not what a trader has written" if path.exists() else "does not exist"
        raise Failed(Exit.REFUSED, f"{path} {why}: a trader that holds the lease writes it anew within a second")
    typer.echo(found.model_dump_json(indent=2))


@state.command()
def reset(
    confirm: Annotated[bool, typer.Option("--confirm", help="Without it nothing is done.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the ledger.")] = "state reset",
) -> int:
    """Forget the state file, and take over what the account has and the ledger does not know, with its stop."""
    if not confirm:
        raise Failed(
            Exit.USAGE, "this changes what the bot takes for its own: look at  atb reconcile  then add --confirm"
        )
    path_of(local_settings().paths.data).unlink(missing_ok=True)
    return closing.done(Action.ADOPT, reason, as_json=False)

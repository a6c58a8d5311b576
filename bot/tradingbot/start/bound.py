"""What the ledger's book is bound to besides the account, told from the settings alone, before any venue is asked."""

from tradingbot.settings import Settings

# What the venues of our own call themselves; they are not loaded to be asked.
OWN = {"sim": "paper", "paper": "paper", "dry-run": "shadow"}


def bound_to(settings: Settings) -> tuple[str, str]:
    """The book's mode and venue."""
    if settings.sends_orders:
        return ("sandbox" if settings.exchange.sandbox else settings.mode), settings.exchange.name
    return settings.mode, OWN[settings.mode]

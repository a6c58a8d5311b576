"""What this pod mounts, as the commands need it."""

from tradingbot.settings import Settings, load_settings
from tradingbot.start.environment import Environment, parse_environment


def local_environment() -> Environment:
    return parse_environment()


def local_settings() -> Settings:
    """The settings of the trader in this pod; raises Misconfigured."""
    return load_settings(local_environment().settings)

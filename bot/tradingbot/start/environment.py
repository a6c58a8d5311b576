"""What the process is told by its environment: where the settings are, and which pod it is."""

from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tradingbot.domain.errors import Misconfigured


class Environment(BaseSettings):
    """The six variables of a bot's pod; no other variable is read. The defaults suit a terminal."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, case_sensitive=True)

    settings: Path = Field(Path("/etc/tradingbot/settings.json"), validation_alias="TRADINGBOT_SETTINGS")
    colour: str = Field("blue", validation_alias="TRADINGBOT_COLOUR", pattern="^(blue|green)$")
    revision: str = Field("local", validation_alias="TRADINGBOT_REVISION")
    pod_name: str = Field("local", validation_alias="POD_NAME")
    pod_uid: str = Field("local", validation_alias="POD_UID")
    namespace: str = Field("local", validation_alias="POD_NAMESPACE")


def parse_environment() -> Environment:
    """The environment of this process; raises Misconfigured with variable, value and cure."""
    try:
        return Environment()
    except ValidationError as error:
        first = error.errors()[0]
        raise Misconfigured(f'{first["loc"][0]} "{first["input"]}" is refused: write blue or green') from None

"""What the process is told by its environment: where the settings are, and which pod it is."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.realmoney import ALLOW_REAL, PAPER_TRADING


class Environment(BaseSettings):
    """The variables of a bot's pod; no other variable is read. The defaults suit a terminal.

    What the last two say decides nothing: it is compared with the mode, so that a pod that somebody changed by hand
    is found out. Pods of before had neither.
    """

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, case_sensitive=True)

    settings: Path = Field(Path("/etc/tradingbot/settings.json"), validation_alias="TRADINGBOT_SETTINGS")
    colour: str = Field("blue", validation_alias="TRADINGBOT_COLOUR", pattern="^(blue|green)$")
    revision: str = Field("local", validation_alias="TRADINGBOT_REVISION")
    pod_name: str = Field("local", validation_alias="POD_NAME")
    pod_uid: str = Field("local", validation_alias="POD_UID")
    namespace: str = Field("local", validation_alias="POD_NAMESPACE")
    paper_trading: str | None = Field(None, validation_alias=PAPER_TRADING)
    allow_real: str | None = Field(None, validation_alias=ALLOW_REAL)

    @property
    def of_money(self) -> Mapping[str, str]:
        """What was said of real money, by the names of the variables."""
        said = {PAPER_TRADING: self.paper_trading, ALLOW_REAL: self.allow_real}
        return {name: value for name, value in said.items() if value is not None}


def parse_environment() -> Environment:
    """The environment of this process; raises Misconfigured with variable, value and cure."""
    try:
        return Environment()
    except ValidationError as error:
        first = error.errors()[0]
        raise Misconfigured(f'{first["loc"][0]} "{first["input"]}" is refused: write blue or green') from None

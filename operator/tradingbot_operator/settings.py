"""The operator's own settings, from the environment; read once, by main."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from tradingbot_operator.domain.names import COMPONENT


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("write host:port, such as 0.0.0.0:9090")
    return text


Address = Annotated[str, AfterValidator(_address)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="OPERATOR_", frozen=True)

    namespace: str = Field("tradingbot-system", description="where the operator runs and its Lease lies")
    pod_name: str = Field(COMPONENT, description="who holds the Lease")
    url: str = Field(
        "http://tradingbot-operator.tradingbot-system.svc:8000", description="where bots reach it for exit grants"
    )
    rate_gate_url: str = Field("", description="who keeps the budget of this address; empty: each bot for itself")
    allow_live: bool = Field(False, description="whether bots may trade with real money")
    watch_namespaces: str = Field("", description="namespaces that may hold bots, with commas; empty means all")
    bot_image: str = Field("localhost/tradingbot:0.1.0", description="image of bots that name none")
    listen_http: Address = Field("0.0.0.0:8000", description="the fleet, for bots and people")
    listen_ops: Address = Field("0.0.0.0:9090", description="liveness, readiness, metrics")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="lowest level written")
    workers: int = Field(8, ge=1, le=64, description="bots looked at at the same time")
    audit_seconds: float = Field(300, ge=1, le=600, description="pause between two audits of everything owned")
    poll_seconds: float = Field(30, ge=1, le=600, description="pause between two questions to a bot's process")
    bot_port: int = Field(9090, ge=1, le=65535, description="port bots answer /status on")
    bot_http_port: int = Field(8000, ge=1, le=65535, description="port bots answer /fence on")

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces watched; none named means all."""
        return tuple(name for name in self.watch_namespaces.replace(",", " ").split() if name)


def address(text: str) -> tuple[str, int]:
    """Host and port of ``host:port``."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)

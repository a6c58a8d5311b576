"""The operator's own settings, from the environment; read once, by main."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="OPERATOR_", frozen=True)

    namespace: str = "tradingbot-system"
    pod_name: str = "tradingbot-operator"
    allow_live: bool = False
    watch_namespaces: str = ""
    bot_image: str = "localhost/tradingbot:0.1.0"
    listen_http: str = "0.0.0.0:8000"
    listen_ops: str = "0.0.0.0:9090"
    log_level: str = "info"
    workers: int = Field(default=8, ge=1, le=64)
    audit_seconds: float = Field(default=300, ge=1, le=600)
    poll_seconds: float = Field(default=30, ge=1)
    bot_port: int = Field(default=9090, ge=1, le=65535)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces watched; none named means all."""
        return tuple(name for name in self.watch_namespaces.replace(",", " ").split() if name)


def address(text: str) -> tuple[str, int]:
    """Host and port of ``host:port``."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)

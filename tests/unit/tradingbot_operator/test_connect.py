"""How the API server is reached."""

import asyncio

import pytest

from tradingbot_operator.cluster.api import connect

CONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{name: here, cluster: {server: "https://127.0.0.1:6443"}}]
contexts: [{name: here, context: {cluster: here, user: me}}]
users: [{name: me, user: {token: t}}]
"""


@pytest.mark.parametrize(("proxy", "looked_for"), [(None, False), ("http://proxy.example:3128", True)])
def test_proxy_is_looked_for_at_each_request_only_where_one_is_set(proxy, looked_for, tmp_path, monkeypatch):
    """The search reads files in a thread; a fleet of a thousand bots is a hundred thousand requests."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    if proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    path = tmp_path / "config"
    path.write_text(CONFIG)

    async def settings():
        api = await connect(str(path))
        try:
            return api._connection.configuration.client_session_kwargs
        finally:
            await api.aclose()

    assert asyncio.run(settings()) == {"trust_env": looked_for}

"""The addresses of a bot, and what may reach its pods."""

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.monitoring import MONITOR
from tradingbot_operator.domain.names import COMPONENT, HEALTH_PORT, HTTP_PORT, LABEL_BOT, LABEL_MANAGED_BY, OPS_PORT
from tradingbot_operator.domain.site import Site
from tradingbot_operator.render.metadata import metadata, selector

HTTP = {"name": "http", "port": HTTP_PORT, "targetPort": "http", "protocol": "TCP"}
OPS = {"name": "ops", "port": OPS_PORT, "targetPort": "ops", "protocol": "TCP"}
HEALTH = {"name": "health", "port": HEALTH_PORT, "targetPort": "ops", "protocol": "TCP"}
BOTS = {"matchLabels": {LABEL_MANAGED_BY: COMPONENT}, "matchExpressions": [{"key": LABEL_BOT, "operator": "Exists"}]}


def service(bot: Bot, colour: str) -> Manifest:
    """The stable address of the bot; it leads to the active colour."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(bot, bot.name),
        "spec": {"selector": selector(bot, colour), "ports": [HTTP, OPS, HEALTH]},
    }


def ops_service(bot: Bot) -> Manifest:
    """Health and metrics of both colours, ready or not, once there are two: an unready one is the one to look at."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(bot, f"{bot.name}-ops"),
        "spec": {"selector": selector(bot), "ports": [OPS], "publishNotReadyAddresses": True},
    }


def _shared(bot: Bot, name: str) -> Manifest:
    labels = {
        "app.kubernetes.io/name": "tradingbot",
        LABEL_MANAGED_BY: COMPONENT,
        "app.kubernetes.io/part-of": "tradingbot",
    }
    return {"name": name, "namespace": bot.namespace, "labels": labels}


def network_policies(bot: Bot, site: Site) -> list[Manifest]:
    """One set for all bots of a namespace: nothing comes in but the API and what watches it; bots reach the world."""
    operator = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": site.operator_namespace}}}
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": _shared(bot, "tradingbot-bots"),
            "spec": {
                "podSelector": BOTS,
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [
                    {"ports": [{"port": OPS_PORT, "protocol": "TCP"}]},
                    {"ports": [{"port": HTTP_PORT, "protocol": "TCP"}], "from": [operator, {"podSelector": {}}]},
                ],
                "egress": [{}],
            },
        }
    ]


def pod_monitor(bot: Bot) -> Manifest:
    """Prometheus finds every bot of the namespace."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": _shared(bot, MONITOR),
        "spec": {"selector": BOTS, "podMetricsEndpoints": [{"port": "ops", "path": "/metrics"}]},
    }

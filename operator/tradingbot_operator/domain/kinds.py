"""The kinds of object a bot consists of, and where the API serves them."""

from dataclasses import dataclass

from tradingbot_operator.domain.names import API_VERSION, BOTTASK, TRADINGBOT


@dataclass(frozen=True, slots=True)
class Kind:
    api_version: str
    kind: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """Where the API serves one object of this kind, or the list of them."""
        root = f"/api/{self.api_version}" if self.api_version == "v1" else f"/apis/{self.api_version}"
        place = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}{place}/{self.plural}" + (f"/{name}" if name else "")


BOT = Kind(API_VERSION, TRADINGBOT, "tradingbots")
TASK = Kind(API_VERSION, BOTTASK, "bottasks")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
REVISION = Kind("apps/v1", "ControllerRevision", "controllerrevisions")
JOB = Kind("batch/v1", "Job", "jobs")
POD = Kind("v1", "Pod", "pods")
SERVICE = Kind("v1", "Service", "services")
CONFIG = Kind("v1", "ConfigMap", "configmaps")
SECRET = Kind("v1", "Secret", "secrets")
CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
NAMESPACE = Kind("v1", "Namespace", "namespaces")
POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")
EVENT = Kind("v1", "Event", "events")
POD_MONITOR = Kind("monitoring.coreos.com/v1", "PodMonitor", "podmonitors")
ALERT_RULE = Kind("monitoring.coreos.com/v1", "PrometheusRule", "prometheusrules")
CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")

# In the order in which they are applied: what a pod mounts before the pod.
CHILDREN = (CONFIG, SECRET, CLAIM, SERVICE, POLICY, POD_MONITOR, REVISION, DEPLOYMENT, ALERT_RULE)
ALL = (BOT, TASK, *CHILDREN, JOB, POD, NAMESPACE, LEASE, EVENT, CRD)
BY_NAME = {(kind.api_version, kind.kind): kind for kind in ALL}

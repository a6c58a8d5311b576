"""The kinds of the Prometheus operator, with the fields we write and no others."""

from typing import Any

Json = dict[str, Any]
GROUP = "monitoring.coreos.com"
TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "object", "additionalProperties": TEXT}


def fields(**known: Json) -> Json:
    return {"type": "object", "properties": known}


def many(of: Json) -> Json:
    return {"type": "array", "items": of}


RULE = fields(**{"alert": TEXT, "record": TEXT, "expr": TEXT, "for": TEXT, "labels": TEXTS, "annotations": TEXTS})
RULES = fields(groups=many(fields(name=TEXT, interval=TEXT, rules=many(RULE))))
EXPRESSION = fields(key=TEXT, operator=TEXT, values=many(TEXT))
MONITOR = fields(
    selector=fields(matchLabels=TEXTS, matchExpressions=many(EXPRESSION)),
    podMetricsEndpoints=many(fields(port=TEXT, path=TEXT, interval=TEXT, scrapeTimeout=TEXT)),
)


def definition(kind: str, spec: Json) -> Json:
    plural = f"{kind.lower()}s"
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": fields(spec=spec)}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


KINDS = (definition("PodMonitor", MONITOR), definition("PrometheusRule", RULES))

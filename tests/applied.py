"""Server-side apply against a real API server, for tests of manifests."""

import functools
from typing import Any

import yaml

from apiserver import ApiServer

Manifest = dict[str, Any]


@functools.cache
def _resources(server: ApiServer, api_version: str) -> dict[str, tuple[str, bool]]:
    """Plural and whether namespaced, by kind."""
    root = "/api" if api_version == "v1" else "/apis"
    code, answer = server.request("GET", f"{root}/{api_version}")
    assert code == 200, answer
    found = (item for item in answer["resources"] if "/" not in item["name"])
    return {item["kind"]: (item["name"], item["namespaced"]) for item in found}


def path(server: ApiServer, manifest: Manifest, namespace: str) -> str:
    """Where the API serves *manifest*; *namespace* holds it unless it says otherwise."""
    version = manifest["apiVersion"]
    plural, namespaced = _resources(server, version)[manifest["kind"]]
    place = f"/namespaces/{manifest['metadata'].get('namespace', namespace)}" if namespaced else ""
    return f"{'/api' if version == 'v1' else '/apis'}/{version}{place}/{plural}/{manifest['metadata']['name']}"


def apply(server: ApiServer, manifest: Manifest, namespace: str = "default", query: str = "") -> tuple[int, Manifest]:
    """Status code and answer of applying *manifest*; a field the API does not know is refused."""
    question = f"?fieldManager=test&force=true&fieldValidation=Strict{query}"
    code, answer = server.request(
        "PATCH", path(server, manifest, namespace) + question, manifest, "application/apply-patch+yaml"
    )
    return code, answer


def documents(text: str) -> list[Manifest]:
    """The objects of a YAML file."""
    return [found for found in yaml.safe_load_all(text) if found]

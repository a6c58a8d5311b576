"""Server-side apply against a real API server, for tests of manifests."""

import functools
import time
from typing import Any

import yaml

from apiserver import ApiServer

Manifest = dict[str, Any]
DISCOVERED_WITHIN_SECONDS = 30


@functools.cache
def served(server: ApiServer, api_version: str, kind: str) -> tuple[str, bool]:
    """Plural of *kind* and whether it is namespaced, once it is served: a kind defined a moment ago is waited for."""
    place = f"{'/api' if api_version == 'v1' else '/apis'}/{api_version}"
    end = time.monotonic() + DISCOVERED_WITHIN_SECONDS
    while time.monotonic() < end:
        code, answer = server.request("GET", place)
        for item in answer["resources"] if code == 200 else ():
            if item["kind"] == kind and "/" not in item["name"]:
                return item["name"], item["namespaced"]
        time.sleep(0.1)
    raise AssertionError(f"the API server does not serve {kind} of {api_version}")


def path(server: ApiServer, manifest: Manifest, namespace: str) -> str:
    """Where the API serves *manifest*; *namespace* holds it unless it says otherwise."""
    version = manifest["apiVersion"]
    plural, namespaced = served(server, version, manifest["kind"])
    place = f"/namespaces/{manifest['metadata'].get('namespace', namespace)}" if namespaced else ""
    return f"{'/api' if version == 'v1' else '/apis'}/{version}{place}/{plural}/{manifest['metadata']['name']}"


def apply(server: ApiServer, manifest: Manifest, namespace: str = "default", query: str = "") -> tuple[int, Manifest]:
    """Status code and answer of applying *manifest*; a field the API does not know is refused."""
    question = f"?fieldManager=test&force=true&fieldValidation=Strict{query}"
    code, answer = server.request(
        "PATCH", path(server, manifest, namespace) + question, manifest, "application/apply-patch+yaml"
    )
    return code, answer


def established(server: ApiServer, definition: Manifest) -> None:
    """The definition is new on the server, and its kind is answered for: that begins a moment after it was taken."""
    code, answer = apply(server, definition)
    assert code == 201, answer
    spec = definition["spec"]
    place = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
    end = time.monotonic() + DISCOVERED_WITHIN_SECONDS
    while server.request("GET", f"{place}?limit=1")[0] != 200:
        assert time.monotonic() < end, f"{place} is not answered for"
        time.sleep(0.05)


def documents(text: str) -> list[Manifest]:
    """The objects of a YAML file."""
    return [found for found in yaml.safe_load_all(text) if found]

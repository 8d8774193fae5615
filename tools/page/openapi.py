# SPDX-License-Identifier: MIT
"""The description of the HTTP side, `openapi.json` beside this file (OpenAPI 3.1): what of it a program serves."""

import json
from pathlib import Path

DOCUMENT = Path(__file__).with_suffix(".json")
# Of every path and method that is none, for which OpenAPI has no place.
_ALWAYS = {"#/components/responses/NotFound", "#/components/responses/MethodNotAllowed"}


def octets(served):
    """The document as UTF-8, with no other paths than those `served`, and with what they need."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    document["paths"] = {path: item for path, item in document["paths"].items() if path in served}
    document["tags"] = [tag for tag in document["tags"] if tag["name"] in _tags(document["paths"])]
    parts = document["components"]
    needed = _referred(document["paths"]) | _ALWAYS
    while more := {name for ref in needed for name in _referred(_part(parts, ref))} - needed:
        needed |= more
    for kind in ("schemas", "responses", "headers"):
        parts[kind] = {
            name: part for name, part in parts[kind].items() if "#/components/%s/%s" % (kind, name) in needed
        }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _tags(paths):
    return {tag for item in paths.values() for operation in item.values() for tag in operation["tags"]}


def _part(parts, ref):
    kind, name = ref.removeprefix("#/components/").split("/")
    return parts[kind][name]


def _referred(node):
    """Each $ref below a node."""
    if isinstance(node, list):
        return {ref for each in node for ref in _referred(each)}
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*(_referred(value) for value in node.values()))

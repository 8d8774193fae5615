# SPDX-License-Identifier: MIT
"""The description of the HTTP side, `openapi.json` beside this file (OpenAPI 3.1): what of it a gateway serves."""

import json
from pathlib import Path

ADMIN = "/admin/"
DOCUMENT = Path(__file__).with_suffix(".json")


def octets(admin=False):
    """The document as UTF-8, with what is for tests only where that is there."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    if not admin:
        document["paths"] = {
            path: item for path, item in document["paths"].items() if not path.startswith(ADMIN)
        }
        document["tags"] = [tag for tag in document["tags"] if tag["name"] != "tests"]
        del document["components"]["schemas"]["Push"], document["components"]["responses"]["ForThisMachine"]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

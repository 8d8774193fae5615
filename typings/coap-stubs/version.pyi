# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The version of firmware and tools, at its one place.

`coap.__version__`, `msgin5g.__version__` and `device.__version__` import it when they are asked for; package.json, the
manifests, pyproject.toml and the name of an image read it.
"""
from typing import Final
VERSION: Final = '0.1.0'

# SPDX-License-Identifier: MIT
"""The protocol as a running device, on asyncio: `client = await start()` (docs/application.md, "The calls")."""

from .starting import start


def __getattr__(name):
    if name == "__version__":
        from coap.version import VERSION

        return VERSION
    from coap.submodule import submodule

    return submodule("device", name)

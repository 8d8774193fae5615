# SPDX-License-Identifier: MIT
"""The protocol as a running device, on asyncio: `client = await start()` (docs/application.md, "The calls")."""

from .starting import start


def __getattr__(name):
    if name == "__version__":
        from coap.version import VERSION

        return VERSION
    if name.startswith("_"):
        raise AttributeError(name)
    # `from device import console`: MicroPython asks here before it looks for a module of that name
    return __import__("device." + name, None, None, (name,))

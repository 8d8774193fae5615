# SPDX-License-Identifier: MIT
"""CoAP on the network, in asyncio, on CPython and MicroPython.

    from coap.aio import Context

    async with Context() as coap:
        answer = await coap.get("coap://192.0.2.1/sensors/temp?unit=c")
        print(answer.code, answer.text)

What is not named is not imported.
"""

from ..compat import const

_TYPING = const(False)
if _TYPING:  # what __getattr__ finds
    from .context import Context as Context
    from .errors import Closed as Closed
    from .errors import Incomplete as Incomplete
    from .errors import NoAnswer as NoAnswer
    from .errors import Refused as Refused
    from .errors import Unverified as Unverified
    from .response import Response as Response
    from .serial import SerialLink as SerialLink
    from .site import Site as Site
    from .site.failure import Failure as Failure
    from .site.files import File as File
    from .site.request import Request as Request


def __getattr__(name):
    from ..submodule import submodule

    home = "errors"
    # tuples of words, which an image has in its flash
    for module, names in (
        ("context", ("Context",)),
        ("response", ("Response",)),
        ("site", ("Site",)),
        ("site.request", ("Request",)),
        ("site.files", ("File",)),
        ("site.failure", ("Failure",)),
        ("serial", ("SerialLink",)),
    ):
        if name in names:
            home = module
    value = submodule("coap.aio", home if name[:1].isupper() else name)
    if name[:1].isupper():
        value = getattr(value, name)
    try:
        globals()[name] = value  # found once
    except MemoryError:
        pass
    return value

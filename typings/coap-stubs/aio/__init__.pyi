# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""CoAP on the network, in asyncio, on CPython and MicroPython.

    from coap.aio import Context

    async with Context() as coap:
        answer = await coap.get("coap://192.0.2.1/sensors/temp?unit=c")
        print(answer.code, answer.text)

What is not named is not imported. What calls give beside a Response has pages of its own: coap.aio.observing.Changes,
transfers.Stream, multicast.Answers, directory.Registration.
"""
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

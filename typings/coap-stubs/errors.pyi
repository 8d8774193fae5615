# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The errors of `coap` that are rare, and the tuple of all. Imported when the first of them is raised or asked for:
`coap.BusyError`. MessageError stands in message.py, since any datagram may raise it.

A class of MicroPython can have only one built-in base, and callers rely on the one that each has. So `Error` is no
base class but a tuple of them all, for isinstance() and `except coap.Error`, or `except coap.Error + (KeyError,)`
together with others.
"""
Error: tuple

class BusyError(Exception):
    """Too many exchanges are open; try again when one has ended."""

class StateError(OSError):
    """No message can be protected with this OSCORE key any more; str() says why and what to do."""

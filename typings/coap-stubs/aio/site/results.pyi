# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What a handler returns, made into a response."""
from typing import Any
from ...message import Message
from .request import Request
from .routes import Route
def response(result: Any, request: Request, route: Route) -> Message:
    """Return the Message that says `result`, which Site tells what it can be. Raise TypeError or ValueError that says
    what is wrong with it.
    """
def error(code: int, text: str='') -> Message:
    """Return an error with a diagnostic payload (RFC 7252 section 5.5.2)."""

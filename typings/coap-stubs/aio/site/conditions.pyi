# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Requests that want something of the resource or of its representation: RFC 7252 sections 5.10.3, 5.10.4, 5.10.6 and
5.10.8.
"""
def check_numbers(name, formats):
    """Raise ValueError where a keyword of a route has no Content-Formats."""
def check_formats(request, route):
    """Raise Failure: 4.15 where the route does not consume the Content-Format of the request, 4.06 where it gives none
    that the request accepts.
    """
def known(tag):
    """Return what the `etag` of a route has said. Raise ValueError where it is no ETag (section 5.10.6)."""
def check(request, route, tag):
    """Decide by the ETag of what is there, None for nothing, whether the handler is to run: return None then, and the
    response 2.03 where the client has what is there. Raise Failure, 4.12, where a condition does not hold, or where the
    route has no `etag` to decide it by.
    """
def selected(request, message, tag):
    """Return what is sent for the response of a handler: itself, with the ETag of the route where it has none, or 2.03
    where the client has it. Raise Failure, 4.06, where it is of another Content-Format than the request accepts. A
    file that is not sent then is closed.
    """
def drop(message):
    """Close the file that is the payload of a response, since it is not sent. Raise nothing."""

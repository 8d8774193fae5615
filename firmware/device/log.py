# SPDX-License-Identifier: MIT
"""One line an event on the console: "msgin5g: registered"."""

from coap.compat import printable


def log(text, *arguments):
    """Print `text % arguments`. Raise nothing: a failure to print must not stop the work."""
    try:
        print("msgin5g:", printable(text % arguments if arguments else text))
    except Exception:
        pass  # no memory for the line; nobody reads any more

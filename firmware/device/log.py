# SPDX-License-Identifier: MIT
"""One line an event on the console: "msgin5g: registered"."""


def clean(text):
    """Return `text` as it may be printed: what a peer wrote must not move the cursor, or look like a line of ours."""
    for character in text:
        if character < " " or "\x7f" <= character < "\xa0":
            return "".join([c if " " <= c < "\x7f" or c >= "\xa0" else "?" for c in text])
    return text


def log(text, *arguments):
    """Print `text % arguments`. Raise nothing: a failure to print must not stop the work."""
    try:
        print("msgin5g:", clean(text % arguments if arguments else text))
    except Exception:
        pass  # no memory for the line; nobody reads any more

# SPDX-License-Identifier: MIT
"""The error of the host commands."""

from tools.words import one_line


class UsageError(Exception):
    """The user can put it right; the text says how. Each sentence is one line, of however many it is made. Ends the
    command with exit code 2."""

    def __init__(self, *sentences):
        super().__init__("\n".join(map(one_line, sentences)))

# SPDX-License-Identifier: MIT
"""The error of the host commands."""


class UsageError(Exception):
    """The user can put it right; the text is one line that says how. Ends the command with exit code 2."""

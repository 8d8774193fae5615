# SPDX-License-Identifier: MIT
"""The names of PostgreSQL databases; nothing of psycopg is needed for them."""

import re

_POSTGRES = ("postgresql:", "postgres:")
# user:PASSWORD@ before the host, and password=, sslpassword= behind it
_SECRET = re.compile(r"(?<=:)[^:@/?#]*(?=@)|(?<=password=)[^&\s]*", re.IGNORECASE)


def is_postgres(where):
    """Whether the name of a store is that of a PostgreSQL database."""
    return where.lower().startswith(_POSTGRES)


def masked(where):
    """The name of a store, fit to be shown: without a password."""
    if not is_postgres(where):
        return where
    scheme, colon, rest = where.partition("://")
    return scheme + colon + _SECRET.sub("***", rest)

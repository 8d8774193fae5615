# SPDX-License-Identifier: MIT
"""Secrets in a URI are for the server there: pages and events show the URI without them."""

import re

_AUTHORITY = re.compile(r"^([^:/?#]*://)([^/?#]*)@")
HIDDEN = "***"


def masked_uri(uri):
    """The URI without its password (or what stands for a name alone) and the values of its query, None for None."""
    if uri is None:
        return None
    head, hash_, fragment = uri.partition("#")
    head, question, query = head.partition("?")
    head = _AUTHORITY.sub(_hidden_user, head)
    pairs = (pair.partition("=")[:2] for pair in query.split("&"))
    query = "&".join(name + equals + (HIDDEN if equals else "") for name, equals in pairs)
    return head + question + query + hash_ + (HIDDEN if fragment else "")


def _hidden_user(match):
    scheme, user = match.groups()
    name, colon, _ = user.partition(":")
    return "%s%s@" % (scheme, name + colon + HIDDEN if colon else HIDDEN)


def masked(text, uri):
    """The text, in which some library may have quoted the URI."""
    hidden = masked_uri(uri)
    text = text.replace(uri, hidden)
    secrets = [part for part in _secrets(uri) if len(part) > 3]
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def _secrets(uri):
    match = _AUTHORITY.match(uri)
    if match:
        user = match[2]
        yield user.partition(":")[2] if ":" in user else user
    for pair in uri.partition("?")[2].partition("#")[0].split("&"):
        yield pair.partition("=")[2]

# SPDX-License-Identifier: MIT
"""Group documents of TS 24.544 annex C as JSON, as far as a member reads them: TS 24.538 clause 6.8.3."""

from coap import numbers
from coap.compat import const, json_octets, json_value
from coap.uri import path_options

from .bodies import Body
from .identifiers import BodyError, service_id_error

ROOT = ("su-gm", "v1", "group-documents")
_LONGEST = const(1024)  # octets of a resUri


def documents(octets):
    """Return the documents in an answer, an array of them or a single one, as Bodies. Raise BodyError."""
    try:
        found = json_value(octets)
    except ValueError:
        raise BodyError("body", "not JSON in UTF-8")
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list) or [each for each in found if not isinstance(each, dict)]:
        raise BodyError("body", "neither an object nor an array of objects")
    return [Body(each) for each in found]


def group_id(document):
    """Return the Group Service ID of a document. Raise BodyError."""
    found = document.text("valGroupId")
    why = service_id_error(found)
    if why:
        raise BodyError("valGroupId", why)
    return found


def member_id(member):
    """Return who a ValTargetUe is: {"valUserId": UE Service ID}, {"valUeId": MSGin5G UE ID}, or a bare string; None
    where it says nobody."""
    if isinstance(member, dict):
        member = member.get("valUserId") or member.get("valUeId")
    return member if isinstance(member, str) else None


def entry(document, names):
    """Return the GroupMember (dict) of who has one of these names, None where there is none."""
    for each in _details(document):
        name = member_id(each.get("memberId"))
        if name is not None and name in names:
            return each
    return None


def _details(document):
    found = document.value("memberDetails", None)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def joined(member):
    """Return whether what is sent to the group comes to this member (a dict, or None where the document does not say):
    an EXPLICIT one has to register first."""
    if member is None or member.get("membershipType") != "EXPLICIT":
        return True
    state = member.get("membershipState")
    return isinstance(state, dict) and state.get("registered") is True


def registered(member):
    """Return the body by which this member joins: itself, registered."""
    member = dict(member)
    member["membershipState"] = {"registered": True}
    return json_octets(member)


def members(document):
    """Return the names of the members of a document."""
    found = document.value("members", None)
    if not isinstance(found, list):
        found = [each.get("memberId") for each in _details(document)]
    names = [member_id(each) for each in found]
    return [name for name in names if name is not None]


def document_path(document):
    """Return the Uri-Path options of a document's `resUri`. Raise BodyError."""
    return _path(document.text("resUri", longest=_LONGEST))


def entry_path(document, member, name):
    """Return the Uri-Path options of a member's own entry: of its `resUri`, else of the document's and the member's
    name. `member` is a dict or None. Raise BodyError."""
    uri = member and member.get("resUri")
    if uri:
        return _path(uri)
    return document_path(document) + [(numbers.URI_PATH, b"members"), (numbers.URI_PATH, name.encode())]


def _path(uri):
    """Return the options of a URI, of which the server may leave out what goes without saying. Raise BodyError."""
    if not isinstance(uri, str):
        raise BodyError("resUri", "not a string")
    scheme, _, rest = uri.partition("://")
    if rest and "/" not in scheme:
        uri = "/" + rest.partition("/")[2]
    elif not uri.startswith("/"):
        uri = "/" + uri
    if uri.startswith("/group-documents/"):
        uri = "/su-gm/v1" + uri
    if not uri.startswith("/su-gm/"):
        raise BodyError("resUri", "not below su-gm")
    try:
        return path_options(uri)
    except ValueError:
        raise BodyError("resUri", "not a URI")

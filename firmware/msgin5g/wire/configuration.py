# SPDX-License-Identifier: MIT
"""The answer to a request for a UE configuration: the documents of TS 24.546 as JSON, and in them what TS 24.538
clause 7.2 adds for this service."""

from coap.compat import const, json_value

from .bodies import Body
from .identifiers import BodyError, service_id_error

_MAX = const(4096)  # octets of an answer
_LONGEST = const(1 << 30)  # a number that is cut where it is used


def read(octets: bytes, ue_id: str) -> "tuple[str | None, str, str | None, int] | int":
    """Return (document ID, UE Service ID, URI of the server or None, octets of a segment or 0) of the configuration for
    this MSGin5G UE ID; or seconds (int), where the other side says only how long it may take (clause 6.2.3).

    Raise BodyError where there is none in it.
    """
    if len(octets) > _MAX:
        raise BodyError("body", "longer than %d octets" % _MAX)
    octets = bytes(octets)
    if octets[:8].strip()[:1] == b"<":
        return _settings(None, _members(octets))
    try:
        documents = json_value(octets)
    except ValueError:
        raise BodyError("body", "not JSON in UTF-8")
    if isinstance(documents, dict):
        documents = [documents]
    if not isinstance(documents, list) or [each for each in documents if not isinstance(each, dict)]:
        raise BodyError("body", "neither an object nor an array of objects")
    documents = [Body(each) for each in documents]
    if len(documents) == 1:
        # what a reader may hope for who has not read TS 24.546
        if "ueServiceId" in documents[0]:
            return _settings(None, documents[0])
        if "maxConfTime" in documents[0] and "ueConfigs" not in documents[0]:
            return documents[0].integer("maxConfTime", 0, 0, _LONGEST)
    document = _ours(documents, ue_id)
    return _settings(_document_id(document), _extension(document))


def _ours(documents, ue_id):
    """Return the document for this UE: the one that names it, else the first that is for all."""
    for_all = None
    for document in documents:
        if "valUeIds" not in document:
            for_all = for_all or document
            continue
        uris = document.object("valUeIds").value("uris", ())
        if not isinstance(uris, (list, tuple)):
            raise BodyError("valUeIds.uris", "not an array")
        if ue_id in uris:
            return document
    if for_all is None:
        raise BodyError("valUeIds", "no configuration for this UE ID")
    return for_all


def _document_id(document):
    # a misprint of TS 24.546 clause C.4 writes it large
    name = "UeConfigDocId" if "UeConfigDocId" in document else "ueConfigDocId"
    return document.text(name, None)


def _extension(document):
    """Return the members of configData, which is a text that holds JSON or XML: of the configuration for use on the
    network, else of the first one."""
    parts = document.objects("ueConfigs")
    if not parts:
        raise BodyError("ueConfigs", "empty")
    chosen = parts[0]
    for each in parts:
        if each.text("configType", "").upper() == "ON_NETWORK":
            chosen = each
            break
    data = chosen.value("configData", ...)
    if isinstance(data, dict):
        return Body(data)
    if not isinstance(data, str):
        raise BodyError("configData", "not a text")
    return _members(data.encode())


def _members(octets):
    octets = octets.strip()
    if octets[:1] == b"{":
        try:
            return Body.read(octets)
        except BodyError:
            raise BodyError("configData", "not JSON")
    if octets[:1] == b"<" or octets[:3] == b"\xef\xbb\xbf":
        from .configuration_xml import read as read_xml

        return Body(read_xml(octets))
    raise BodyError("configData", "neither JSON nor XML")


def _settings(document_id, body):
    ue = body.text("ueServiceId")
    why = service_id_error(ue)
    if why:
        raise BodyError("ueServiceId", why)
    server = body.text("serverAddr", None) or None
    return document_id, ue, server, body.integer("segSize", 0, 0, _LONGEST)

# SPDX-License-Identifier: MIT
"""UE configuration on the wire: requests and documents of TS 24.546 annex C.3 with what TS 24.538 puts into them
(clauses 7.2 and 7.3.2.1), as JSON and as CBOR.

TS 24.546 has its own media types, which have no Content-Format number: the same members go as JSON (50) or CBOR (60).
"""

from dataclasses import dataclass
from xml.etree import ElementTree

from tools.wire import bodies, seal
from tools.wire.bodies import Malformed
from tools.wire.outside import clean

ROOT = ("su-uc", "v1", "val-services")  # TS 24.546 annex C.3.1
COLLECTION = "ue-configurations"
LONGEST_UE_ID = 248  # octets: with "ue-uri=" it fits a Uri-Query option
LONGEST_VENDOR = 200
MAX_BULK = 1000  # UE IDs of one bulk request
_KNOWN = ("ue-uri", "ue-vendor", "ue-type", "ue-snr")
_NAMES = {"vendor": "ue-vendor", "type": "ue-type"}  # of addInfos
_SEAL = "urn:3gpp:ns:seal:sealUEConfig:1.0"
_SERVICE = "urn:3gpp:ns:seal:MSGin5GUEConfig:1.0"


@dataclass(frozen=True)
class Wanted:
    """What a request asks for: configurations of one UE ID; of those that are the peer's; or of a list."""

    ue_id: str | None = None
    vendor: str | None = None
    type: str | None = None
    bulk: tuple[str, ...] | None = None

    def fits(self, configuration):
        """Whether a configuration is for a UE of this vendor and type; what is not said fits."""
        return all(
            said is None or meant is None or said == meant
            for said, meant in ((self.vendor, configuration.vendor), (self.type, configuration.type))
        )


def is_ue_id(text):
    return bodies.is_service_id(text) and len(text.encode()) <= LONGEST_UE_ID


def is_vendor(text):
    return bodies.is_service_id(text) and len(text.encode()) <= LONGEST_VENDOR


def is_type(text):
    """A Type Allocation Code (TS 23.003 clause 6.2)."""
    return _digits(text, 8)


def _digits(text, count):
    return len(text) == count and text.isascii() and text.isdecimal()


# ---- reading ---------------------------------------------------------------------------------------------------------


def read(request):
    """The Wanted of a Request. What its query says wins over its payload, which a GET of TS 24.546 does not have.
    Raises Malformed, or Refusal for a Content-Format that is not read."""
    said = _query(request.query)
    wanted = Wanted(said.get("ue-uri"), said.get("ue-vendor"), said.get("ue-type"))
    if wanted.ue_id is not None:
        return wanted
    if not request.payload:
        if request.code == "FETCH":
            raise Malformed(
                "payload", "missing: a FETCH says in it what it asks for, ueId, or bulkFlag and ueIds"
            )
        return wanted
    body = seal.read_body(request)
    if bodies.flag(body, "bulkFlag"):
        if said:
            raise Malformed(next(iter(said)), "not in a bulk request, which names its UE IDs in ueIds")
        return Wanted(bulk=_bulk(body))
    ue_id = bodies.text(body, "ueId")
    if not is_ue_id(ue_id):
        raise Malformed("ueId", "not 1 to %d octets of text without control characters" % LONGEST_UE_ID)
    said = _more(body) | said
    return Wanted(ue_id, said.get("ue-vendor"), said.get("ue-type"))


def _query(options):
    said = {}
    for option in options:
        name, equals, value = option.partition("=")
        if name not in _KNOWN:
            raise Malformed("Uri-Query %s" % clean(name, 32), "not known; there are %s" % ", ".join(_KNOWN))
        if not equals or not value:
            raise Malformed(name, "without a value")
        if name in said:
            raise Malformed(name, "there twice")
        _check(name, value)
        said[name] = value
    return said


def _check(name, value):
    if name == "ue-uri" and not is_ue_id(value):
        raise Malformed(name, "not 1 to %d octets of text without control characters" % LONGEST_UE_ID)
    if name == "ue-vendor" and not is_vendor(value):
        raise Malformed(name, "not 1 to %d octets of text without control characters" % LONGEST_VENDOR)
    if name == "ue-type" and not is_type(value):
        raise Malformed(name, "not the 8 digits of a TAC")
    if name == "ue-snr" and not _digits(value, 6):
        raise Malformed(name, "not the 6 digits of a serial number")


def _bulk(body):
    ue_ids = body.get("ueIds")
    if not isinstance(ue_ids, list) or not ue_ids:
        raise Malformed("ueIds", "not a list of UE IDs")
    if len(ue_ids) > MAX_BULK:
        raise Malformed("ueIds", "more than %d" % MAX_BULK)
    for place, ue_id in enumerate(ue_ids):
        if not isinstance(ue_id, str):
            raise Malformed("ueIds[%d]" % place, "not a string")
    return tuple(ue_ids)


def _more(body):
    """`addInfos`: what the query parameters of the same meaning would say."""
    found = {}
    infos = body.get("addInfos")
    if infos is None:
        return found
    if not isinstance(infos, list):
        raise Malformed("addInfos", "not a list")
    for info in infos:
        if not isinstance(info, dict):
            raise Malformed("addInfos", "its elements are not objects")
        name = _NAMES.get(bodies.text(info, "name").lower())
        if name is None:
            continue  # clause 7.3.2.1 leaves the names open
        value = bodies.text(info, "value")
        if name in found:
            raise Malformed("addInfos", "%s is there twice" % name)
        _check(name, value)
        found[name] = value
    return found


# ---- writing ---------------------------------------------------------------------------------------------------------


def document(configuration, service, server, xml):
    """The UeConfigDoc of a UeConfiguration. `server`: URI of the MSGin5G Server, or None; `xml`: its data in the XML
    of clause 7.2."""
    write = _xml if xml else _json
    return {
        "ueConfigDocId": configuration.document,
        "valServiceDomain": _domain(configuration),
        "valServiceId": service,
        "valUeIds": {"uris": [configuration.ue_id]},
        "ueConfigs": [{"configType": "ON_NETWORK", "configData": write(configuration, service, server)}],
    }


def facts(configuration, server):
    """What a UE is told, by name; an entry of the answer to a bulk request has them beside its UE ID."""
    found = {"ueServiceId": configuration.ue}
    if server is not None:
        found["serverAddr"] = server
    if configuration.seg_size is not None:
        found["segSize"] = configuration.seg_size
    return found


def _domain(configuration):
    """valServiceDomain is mandatory: what follows the last @ of the UE Service ID."""
    return configuration.ue.rpartition("@")[2] if "@" in configuration.ue else "localdomain"


def _json(configuration, service, server):
    return bodies.encode(facts(configuration, server)).decode()


def _xml(configuration, service, server):
    """Clause 7.2, its elements in the order of the schema that it extends. `common` is required there, and has nothing
    to say here. The namespace of the extension is printed with a blank in it, which no namespace has."""
    ElementTree.register_namespace("", _SEAL)
    ElementTree.register_namespace("m", _SERVICE)
    root = ElementTree.Element("{%s}seal-UE-configuration" % _SEAL, {"domain": _domain(configuration)})

    def add(parent, name, text=None, namespace=_SEAL):
        element = ElementTree.SubElement(parent, "{%s}%s" % (namespace, name))
        element.text = text
        return element

    add(add(root, "VAL-UE-id"), "Instance-ID-URN", configuration.ue_id)
    add(root, "VAL-service-id", service)
    add(root, "common")
    network = add(root, "on-network")
    add(network, "MSGin5G-Server-address", server, _SERVICE)
    add(network, "MSGin5G-UE-Service-id", configuration.ue, _SERVICE)
    if configuration.seg_size is not None:
        add(network, "Segment-size", str(configuration.seg_size), _SERVICE)
    return ElementTree.tostring(root, encoding="unicode")

# SPDX-License-Identifier: MIT
"""UE configuration at the server: TS 24.538 clauses 6.2.1 and 6.2.3, as the SCM-S of TS 24.546 clause 6.2.3.4.

Below `su-uc` in the path: the configurations of a service as a collection, and each as a document that can be observed.
A Gateway UE asks for many at once (6.2.3), and for each of them hears what became of it.
"""

from typing import NamedTuple

from tools.server.isolation import place_of, reason_of
from tools.server.procedures.procedure import Procedure
from tools.store.faults import store_failed
from tools.store.server.configtables import UeConfiguration
from tools.wire import seal, ueconfig
from tools.wire.answers import Answer, Refusal
from tools.wire.identity import Peer
from tools.wire.outside import clean
from tools.wire.ueconfig import COLLECTION, ROOT

MAX_AGE = 86400  # s
_FORBIDDEN = "%s is not provisioned for this key: msgin5g provision --ue-id"
_NOT_BEHIND = "%s is not behind this gateway: msgin5g gateway device add ID --via"
_CLOSED = "configurations are given to whoever asks only with --open, in security mode none"


class _Asker(NamedTuple):
    """Who wants a configuration: `key` is the digest of its key, `gateway` its UE Service ID where it is a Gateway UE
    that asks for those behind it."""

    peer: Peer
    now: float
    key: bytes | None
    gateway: str | None

    @property
    def is_one(self):
        return self.key is not None and self.gateway is None

    @property
    def name(self):
        """In whose name UE Service IDs are assigned."""
        if self.gateway:
            return "gateway " + self.gateway
        return "key " + self.key.hex() if self.key else "host " + self.peer.host


class Configuration(Procedure):
    """Has no msgType: its requests are GETs and FETCHes."""

    def request(self, peer, request, now, peers=()):
        """The Answer to a request below `su-uc`. `peers`: where the requests came from that a bulk request stands for,
        one for each UE ID, where the Gateway UE is in this program: each then counts as its own. Raises Malformed and
        Refusal."""
        if not request.again:
            self._speakers.heard(peer, now)
        found = self._document(request)
        seal.check_accept(request)
        if found is not None:
            return self._one(peer, request, found, now)
        wanted = ueconfig.read(request)
        if wanted.bulk is not None:
            return self._bulk(peer, request, wanted.bulk, peers, now)
        if wanted.ue_id is None:
            configurations = self._of(peer)
        else:
            configurations = [self._allowed(self._asker(peer, now), wanted.ue_id)]
        configurations = [each for each in configurations if wanted.fits(each)]
        if not configurations:
            raise Refusal("4.04", "no configuration for %s" % (wanted.ue_id or "this key"))
        for each in configurations:
            self._emit("configured", ue_id=each.ue_id, ue=each.ue, peer=str(peer))
        return self._content(request, [self._written(each, request) for each in configurations])

    def _document(self, request):
        """The name of the document that the path ends with, None for the collection. Refuses other paths and codes."""
        depth = len(ROOT)
        service, *rest = request.path[depth:] or ("",)
        if request.path[:depth] != ROOT or service != self._settings.service or rest[:1] != [COLLECTION]:
            path = "/".join((*ROOT, self._settings.service, COLLECTION))
            raise Refusal("4.04", "nothing there; UE configurations are in %s" % path)
        if len(rest) > 2 or rest[1:] == [""]:
            raise Refusal("4.04", "nothing there")
        if request.code not in (("GET", "FETCH") if len(rest) == 1 else ("GET",)):
            raise Refusal("4.05", "configurations are read here, and changed by msgin5g gateway ue")
        return rest[1] if len(rest) == 2 else None

    def _one(self, peer, request, document, now):
        """TS 24.546 annex C.3.1.2.3."""
        found = self._store.configuration_of_document(document)
        if found is None:
            raise Refusal("4.04", "no such configuration")
        self._allowed(self._asker(peer, now), found.ue_id)
        return self._content(request, self._written(found, request), observable=True)

    def _bulk(self, peer, request, ue_ids, peers, now):
        """Clause 6.2.3: each entry by itself, in the order asked."""
        if peers:
            askers = [self._asker(each, now) for each in peers]
        else:
            gateway = self._speakers.registered_gateway(peer, now)
            askers = [_Asker(peer, now, getattr(peer, "identity", None), gateway)] * len(ue_ids)
        pairs = zip(askers, ue_ids, strict=True)
        return self._content(request, {"confList": [self._entry(*pair, request) for pair in pairs]})

    def _entry(self, asker, ue_id, request):
        told = clean(ue_id, 255)
        try:
            if not ueconfig.is_ue_id(ue_id):
                raise Refusal("4.00", "not a UE ID")
            found = self._isolation.answer(asker.now, self._allowed, asker, ue_id)
            entry = ueconfig.facts(found, self._server_of(found, request) or "")  # mandatory here
        except Refusal as refusal:
            code, cause = refusal.answer.code, refusal.answer.diagnostic
            fields = {"kind": "configuration", "ue_id": told, "code": code, "reason": cause}
            self._core.emit_refused(asker.peer, asker.now, **fields)
            return {"ueId": ue_id, "cause": cause}
        except Exception as error:
            if store_failed(error):
                raise
            fields = {"to": told, "code": "2.05", "reason": reason_of(error), "place": place_of(error)}
            self._emit("error", kind="configuration", **fields)
            return {"ueId": ue_id, "cause": "an error of the server's own"}
        self._emit("configured", ue_id=found.ue_id, ue=found.ue, peer=str(asker.peer))
        return {"ueId": ue_id, **entry}

    # ---- who may have which ------------------------------------------------------------------------------------------

    def _asker(self, peer, now):
        key = getattr(peer, "identity", None)
        gateways = self._speakers.gateways(peer, now) if key else ()
        return _Asker(peer, now, key, gateways[0] if gateways else None)

    def _of(self, peer):
        """Without a query: those of the asking key."""
        if not self._settings.protected:
            raise Refusal("4.03", "which UE? ue-uri must name it")
        return self._store.configurations_of_key(getattr(peer, "identity", None))

    def _allowed(self, asker, ue_id):
        """The UeConfiguration of a UE ID, for who may have it; one that is unknown is made where that is wanted."""
        found, key = self._store.configuration(ue_id), self._store.key_of_ue_id(ue_id)
        if not self._may_have(asker, found, key):
            if not self._settings.protected:
                raise Refusal("4.03", _CLOSED)
            raise Refusal("4.03", (_NOT_BEHIND if asker.gateway else _FORBIDDEN) % ue_id)
        if found is None:
            if self._settings.assign is None:
                raise Refusal("4.04", "no configuration for %s: msgin5g gateway ue add" % ue_id)
            found = self._assign(asker, ue_id)
        return found

    def _may_have(self, asker, found, key):
        """`found`: the UeConfiguration, `key`: the digest of the UE ID's key; None where there is none."""
        if not self._settings.protected:
            return self._settings.open
        if asker.key is None:
            return False
        if asker.key == key or (found is None and key is None):
            return True
        return found is not None and self._speakers.is_behind(asker.peer, found.ue, asker.now)

    def _assign(self, asker, ue_id):
        each = self._settings.assigned_each if asker.is_one else self._settings.assigned_many
        if self._store.assigned(asker.name) >= each:
            raise Refusal(
                "4.03",
                "as many UE IDs as may be (%d) were given a UE Service ID for you: msgin5g gateway ue add"
                % each,
            )
        if self._store.assigned() >= self._settings.ues:
            raise Refusal(
                "5.03", "too many UE Service IDs were assigned: msgin5g gateway ue remove", max_age=3600
            )
        ue = self._store.service_id_of(ue_id, self._settings.assign)
        # It had one before, by the same name, which was another's.
        if self._store.key_of_ue(ue) not in (None, asker.key) and self._settings.protected:
            raise Refusal("4.03", _FORBIDDEN % ue_id)
        if self._store.gateway_of(ue) not in (None, asker.gateway) and self._settings.protected:
            raise Refusal("4.03", _FORBIDDEN % ue_id)
        cause = self._store.put_configuration(UeConfiguration(ue_id, ue, assigned_to=asker.name))
        if cause:
            raise Refusal("4.03", cause)
        if asker.gateway:
            self._store.put_behind(ue, asker.gateway)
        elif asker.key:
            self._store.bind_ue_id(ue_id, asker.key)
            self._store.bind_key(ue, asker.key)
        self._emit("assigned", ue_id=ue_id, ue=ue, peer=str(asker.peer))
        return self._store.configuration(ue_id)

    # ---- what is answered --------------------------------------------------------------------------------------------

    def _server_of(self, configuration, request):
        """URI of the MSGin5G Server: as configured, else where the request came to; None on a line, which has no
        address."""
        here = request.local and "coap://%s" % request.local
        return configuration.server or self._settings.configuration_server or here

    def _written(self, configuration, request):
        server = self._server_of(configuration, request)
        return ueconfig.document(
            configuration, self._settings.service, server, self._settings.configuration_xml
        )

    def _content(self, request, value, observable=False):
        """`observable`: whether changes of it are told to who asks for that (RFC 7641)."""
        octets, content_format, etag = seal.representation(value, request.accept)
        if etag in request.etags:
            return Answer("2.03", max_age=MAX_AGE, etag=etag, observable=observable)
        return Answer(
            "2.05",
            max_age=MAX_AGE,
            octets=octets,
            content_format=content_format,
            etag=etag,
            observable=observable,
        )

# SPDX-License-Identifier: MIT
"""What a message must be to go out as MSG, and where it is cut: TS 24.538 clause 6.4.1.1.2, in one place."""

from coap import numbers
from coap.message import Message as CoapMessage
from coap.message import encode, uint_octets

from ..security import overhead
from ..wire import bodies, payload
from ..wire.identifiers import PORT, PRIORITIES
from .builder import MessageBuilder

PATH = "/msgin5g"
TOKEN = 4  # octets, that the endpoint adds
LEAST_ROOM = 64  # octets of a segment: any character with its escapes fits, and the head with some octets


def request(config, body, confirmable):
    """Return the POST that carries `body` (docs/wire-profile.md, "Transport")."""
    options = [(numbers.URI_PATH, PATH[1:].encode()), (numbers.CONTENT_FORMAT, uint_octets(numbers.JSON))]
    if config.server_host is not None:
        options.append((numbers.URI_HOST, config.server_host.encode()))
        if config.server_port != PORT:
            options.append((numbers.URI_PORT, uint_octets(config.server_port)))
    return CoapMessage(numbers.POST, body, options, numbers.CON if confirmable else numbers.NON)


class BodyBuilder(MessageBuilder):
    """The messages of MSGin5G-1. `clock()` is seconds since 1970, or None while it is not set."""

    def __init__(self, config, storage, store, outbox, random, clock):
        super().__init__(config, storage, store, outbox, random)
        self._clock = clock

    def _check(self, to_type, app_id, priority, store_forward):
        if to_type not in bodies.DESTINATIONS:
            raise ValueError("to_type must be one of " + ", ".join(bodies.DESTINATIONS))
        if priority not in PRIORITIES:
            raise ValueError("priority must be one of " + ", ".join(PRIORITIES))
        for each in app_id if isinstance(app_id, (list, tuple)) else () if app_id is None else (app_id,):
            if not isinstance(each, str) or len(each.encode()) > 255:
                raise ValueError("app_id must be a string of at most 255 octets, or a list of such")

    def _finish(self, outgoing, expires):
        if expires is not None and outgoing.store_forward and self._clock is not None:
            seconds = self._clock()
            if seconds is not None:
                from ..wire.date_time import date_time

                outgoing.expire_time = date_time(seconds + expires)
        outgoing.segmentation = self.cut(outgoing)

    def cut(self, outgoing):
        """Return (limit, room, set ID) of a message that needs segments, None for one that does not.

        Raise ValueError where not even segments fit a datagram.
        """
        # the longest form of a segment
        room = self._room(outgoing, bodies.segment("0" * 16, 9999, 9999))
        if outgoing.report:
            room -= len('"isDelivStatReq":true,')
        if room < LEAST_ROOM:
            raise ValueError("the service IDs leave no room for a payload in coap.max_datagram")
        whole = self._room(outgoing, None)
        size = outgoing.size
        limit = self._config.segments["size"]
        if outgoing.source.text:
            if size <= limit and payload.escaped_size(str(outgoing.source.read(0, size), "utf-8")) <= whole:
                return None
        elif len(payload.HEAD) + (size + 2) // 3 * 4 <= min(limit, whole):
            return None
        return limit, room, "".join(["%02x" % octet for octet in self._random(8)])

    def _room(self, outgoing, segment):
        """Return octets that are left in a datagram for the value of `payload`."""
        config = self._config
        service = config.service_identifier
        body = bodies.message(service, config.ue_service_id, outgoing, "", segment, outgoing.expire_time)
        return (
            config.coap["max_datagram"] - len(encode(request(config, body, True))) - TOKEN - overhead(config)
        )

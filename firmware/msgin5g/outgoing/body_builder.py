# SPDX-License-Identifier: MIT
"""What a message must be to go out as MSG, and where it is cut: TS 24.538 clause 6.4.1.1.2, in one place."""

from coap.compat import const

from ..security import room
from ..wire import bodies, payload
from ..wire.identifiers import DESTINATIONS, PRIORITIES
from .builder import MessageBuilder, OctetsSource

LEAST_ROOM = 64  # octets of a segment: any character with its escapes fits, and the head with some octets
# Octets that segments add: '"isSegmented":true,"segParams":{"segId":"","totalSegCount":9999,"segNumb":9999,
# "lastSegFlag":"true"},' and the set ID of 16
_SEGMENTED = const(117)


class BodyBuilder(MessageBuilder):
    """The messages of MSGin5G-1. `clock()` is seconds since 1970, or None while it is not set."""

    def __init__(self, config, storage, store, outbox, random, clock):
        super().__init__(config, storage, store, outbox, random)
        self._clock = clock

    def _check(self, to_type, app_id, priority, store_forward):
        if to_type not in DESTINATIONS:
            raise ValueError("to_type must be one of " + ", ".join(DESTINATIONS))
        if priority not in PRIORITIES:
            raise ValueError("priority must be one of " + ", ".join(PRIORITIES))
        if app_id is None:
            return
        for each in app_id if isinstance(app_id, (list, tuple)) else (app_id,):
            if not isinstance(each, str) or len(each.encode()) > 255:
                raise ValueError("app_id must be a string of at most 255 octets, or a list of such")

    def _finish(self, outgoing, expires):
        if expires is not None and outgoing.store_forward and self._clock is not None:
            seconds = self._clock()
            if seconds is not None:
                from ..wire.date_time import date_time

                outgoing.expire_time = date_time(seconds + expires)
        segmentation, body = self._cut(outgoing)
        # An attribute of the object takes memory and time: see Outgoing.
        if segmentation is not None:
            outgoing.segmentation = segmentation
        if body:
            outgoing.prefetched = (None, body)  # for the case that it may go at once

    def cut(self, outgoing):
        """Return (limit, room, set ID) of a message that needs segments, None for one that does not.

        Raise ValueError where not even segments fit a datagram.
        """
        return self._cut(outgoing)[0]

    def _cut(self, outgoing):
        """Return what `cut` does, and the body of a message that needs no segments, where its octets are at hand."""
        config = self._config
        source, size = outgoing.source, outgoing.size
        limit = config.segments["size"]
        taken = size if source.text else len(payload.HEAD) + (size + 2) // 3 * 4
        longest = room(config)
        value = None
        fits = taken <= limit
        if 0 < taken <= longest and fits and (source.text or isinstance(source, OctetsSource)):
            value = payload.value_of(source)
            taken = len(value) - 2
        addr = config.ue_service_id or ""  # of one without, it is cut again once there is one
        body = bodies.message(config.service_identifier, addr, outgoing, value or b'""')
        rest = (
            longest - len(body) + (taken if value else 0)
        )  # for what stands between the quotes of `payload`
        if rest < LEAST_ROOM + _SEGMENTED:
            raise ValueError("the service IDs leave no room for a payload in coap.max_datagram")
        if fits and taken <= rest:
            return None, value and body
        return (limit, rest - _SEGMENTED, "".join(["%02x" % octet for octet in self._random(8)])), None

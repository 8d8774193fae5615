# SPDX-License-Identifier: MIT
"""What a gateway that runs says of itself: the status page and /status.json."""

from tools.server.isolation import reason_of
from tools.wire.masking import masked_uri


def snapshot(gateway):
    """Of what is there now. A part that cannot be read is empty, and `errors` says why."""
    errors = []
    status = {"errors": errors}
    for name, part in _parts(gateway, gateway.clock()).items():
        try:
            status[name] = part() if callable(part) else part
        except Exception as error:
            status[name] = []
            errors.append("%s: %s" % (name, reason_of(error)))
    return status


def _parts(gateway, now):
    return {
        "time": now,
        "coap": gateway.address("coap"),
        "http": "http://" + gateway.address("http"),
        "store": gateway.options.store,
        "security": gateway.options.security,
        "registered": lambda: [
            {
                "ue": r.ue,
                "peer": str(r.peer) if r.peer else None,
                "via": r.via,
                "expires": r.expires,
                "maxSegSize": r.max_segment or 2048,
            }
            for r in gateway.store.registrations(now)
        ],
        "subscriptions": lambda: [
            {"topic": topic, "ue": ue, "expires": expires}
            for topic, ue, expires in gateway.store.subscriptions(now)
        ],
        "applicationServers": lambda: [
            {"as": server.id, "targetUri": masked_uri(server.target_uri)}
            for server in gateway.store.application_servers()
        ],
        "pending": lambda: [
            {
                "to": id_,
                "state": state,
                "what": ("reports and responses", "messages")[lane],
                "messages": count,
                "octets": octets,
            }
            for type_, id_, state, lane, count, octets in gateway.store.summary()
        ],
        "segmentSets": lambda: len(gateway.store.set_clocks()),
        "quarantined": gateway.server.quarantine.listed,
        "resting": lambda: [
            {"kind": kind, "what": what, "until": until, "reason": reason}
            for kind, what, until, reason in gateway.server.isolation.resting()
        ],
        "unrecorded": len(gateway.unrecorded),
        "sinks": gateway.events.state,
        "datagrams": gateway.coap.door.counts | {"unsent": gateway.coap.outlet.unsent},
        "bodies": gateway.coap.bodies.shelf.counts,
        "refused": gateway.server.refused,
        "counts": dict(gateway.events.counts),
        "events": list(gateway.events.recent),
    }

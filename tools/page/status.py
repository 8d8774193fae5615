# SPDX-License-Identifier: MIT
"""What a gateway that runs says of itself: the status page and /status.json."""

import math

from tools.server.isolation import reason_of
from tools.store.opening import masked
from tools.wire.bodies import Address
from tools.wire.masking import masked_uri


def snapshot(gateway):
    """Of what is there now. A part that cannot be read is empty, and `errors` says why."""
    errors = []
    status = {"errors": errors}
    for name, part in gateway.status_parts(gateway.clock()).items():
        try:
            status[name] = part() if callable(part) else part
        except Exception as error:
            status[name] = []
            errors.append("%s: %s" % (name, reason_of(error)))
    return status


def common(program, now):
    """What every program has to say."""
    return {
        "time": now,
        "coap": program.address("coap"),
        "http": program.http_uri,
        "store": masked(program.options.store),
        "security": program.options.security,
        "unrecorded": len(program.unrecorded),
        "sinks": program.events.state,
        "datagrams": program.coap.counts,
        "bodies": program.coap.bodies.shelf.counts,
        "counts": dict(program.events.counts),
        "events": list(program.events.recent),
    }


_GROUP = ("group", "name", "category", "creator", "members", "takePart")


def of_server(program, now):
    """What a program with a server has to say of that."""
    store, server = program.store, program.server
    return {
        "registered": lambda: registered(store, server, now),
        "monitored": lambda: [{"ue": each.ue, "at": each.link} for each in store.monitored() if each.link],
        "configurations": store.count_configurations,
        "subscriptions": lambda: [
            {"topic": topic, "ue": ue, "expires": expires} for topic, ue, expires in store.subscriptions(now)
        ],
        "groups": lambda: [
            dict(zip(_GROUP, (*row[:-1], int(row[-1])), strict=True)) for row in store.groups_for_people()
        ],
        "applicationServers": lambda: [
            {"as": each.id, "targetUri": masked_uri(each.target_uri)} for each in store.application_servers()
        ],
        "nodes": store.nodes,
        "pending": lambda: [
            {
                "to": id_,
                "state": state,
                "what": ("reports and responses", "messages")[lane],
                "messages": count,
                "octets": octets,
            }
            for type_, id_, state, lane, count, octets in store.summary()
        ],
        "segmentSets": lambda: len(store.set_ids()),
        "quarantined": server.quarantine.listed,
        "resting": lambda: resting(server),
        "refused": server.refused,
        "updatesIgnored": server.updates.ignored,
    }


def registered(store, server, now):
    """Who is, and where; of the few that have a schedule, also whether they listen now."""
    scheduled = store.scheduled()
    return [
        {
            "ue": r.ue,
            "peer": str(r.peer) if r.peer else None,
            "via": r.via,
            "expires": r.expires,
            "maxSegSize": r.max_segment or 2048,
            **(asleep(server.turns.windows, r.ue, now) if r.ue in scheduled else {}),
        }
        for r in store.registrations(now)
    ]


def asleep(windows, ue, now):
    """Until when it has no window: a moment, or None where only the UE itself can say."""
    opens = windows.opens(Address("UE", ue), now)
    return {} if opens is None else {"asleepUntil": None if opens == math.inf else opens}


def resting(decisions):
    """What raised, and is tried again later."""
    return [
        {"kind": kind, "what": what, "until": until, "reason": reason}
        for kind, what, until, reason in decisions.isolation.resting()
    ]

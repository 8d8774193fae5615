# SPDX-License-Identifier: MIT
"""What a program tells Prometheus at /metrics: counters that it has anyway, read when they are asked for. No label has
a value that a device, a message or an Application Server could add to."""

import asyncio
import itertools
from collections import Counter
from importlib import metadata

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest

from tools.page.tallies import COUNTED, TYPES
from tools.server.delivery.pushes import DONE, LATER, REFUSED
from tools.store.faults import DATABASE_ERRORS
from tools.store.server import updatetables
from tools.store.server.figures import Figures

# Of the events that are counted by type: the metric, and what it says.
_BY_TYPE = {
    "accepted": ("messages_accepted", "Messages that were accepted"),
    "stored": ("messages_stored", "Messages that were stored for a recipient that is away"),
    "delivered": ("messages_delivered", "Messages that their recipient has taken"),
    "failed": ("messages_failed", "Messages that will not arrive"),
    "discarded": (
        "messages_discarded",
        "Messages that were not passed on: unwanted, known already, or about nothing",
    ),
    "retry": ("deliveries_retried", "Deliveries that their recipient did not take, and that are tried again"),
}
# Of what a door counts: why a datagram went no further.
_DROPPED = {
    "broken": "broken",
    "stray": "stray",
    "skipped": "flood",
    "dropped": "no room in the kernel",
    "lost": "no room in the queues",
    "failed": "an error of ours",
    "unsent": "not sent",
}
# What is to be seen when it comes for the first time: a series that begins above 0 has not grown.
_ALARMING = ("error", "store-error", "quarantined", "events-dropped")
_NOTHING = dict.fromkeys(itertools.product(("AS", "UE"), (DONE, REFUSED, LATER)), 0)


def counter(name, text, values, *labels):
    """`values`: a number, or {value of the label, or a tuple of such: number}."""
    return _family(CounterMetricFamily, name, text, values, labels)


def gauge(name, text, values, *labels):
    return _family(GaugeMetricFamily, name, text, values, labels)


def _family(kind, name, text, values, labels):
    family = kind("msgin5g_" + name, text, labels=labels)
    for key, value in sorted(values.items()) if labels else (((), values),):
        family.add_metric((key,) if isinstance(key, str) else key, value)
    return family


def spreads(name, text, spreads, *labels):
    """`spreads`: {tuple of the values of the labels: Spread}."""
    family = HistogramMetricFamily("msgin5g_" + name, text, labels=labels)
    for key, spread in sorted(spreads.items()):
        family.add_metric(key, spread.buckets(), spread.sum)
    return family


class Metrics:
    """Of a `gateway.running.base.Running`. `await text()` gives the octets of an answer; one is made at a time. What is
    in memory is read at once; the store is asked, and the text written, by another thread."""

    def __init__(self, program):
        self._program = program
        self._figures = Figures(program.store)
        self._families = []
        self._registry = CollectorRegistry(auto_describe=False)
        for process in (ProcessCollector, PlatformCollector, GCCollector):
            process(registry=self._registry)
        self._registry.register(self)
        self._turn = asyncio.Lock()

    async def text(self):
        async with self._turn:
            families, now = list(_in_memory(self._program)), self._program.clock()
            if self._figures.beside:
                return await asyncio.to_thread(self._written, families, now)
            return self._written(families, now)

    def _written(self, families, now):
        try:
            stored = list(_stored(self._figures.read(now)))
        except DATABASE_ERRORS:  # the rest is all the more wanted then
            stored = []
        readable = gauge("store_readable", "Whether the store could be read for this answer", bool(stored))
        self._families = [*families, readable, *stored]
        return generate_latest(self._registry)

    def collect(self):
        """For prometheus_client, while it writes."""
        return self._families

    def close(self):
        """Before the store is."""
        self._figures.close()


def _in_memory(program):
    mode = "gateway" if hasattr(program, "function") else "server"
    yield info("gateway with upstream" if hasattr(program, "north") else mode, program.options.security)
    tallies, events = program.tallies, program.events
    for event, (name, text) in _BY_TYPE.items():
        types = _of_event(tallies.types, event)
        yield counter(name, text + ", by message type", types, "type")
    yield told(events)
    lost = {sink.name: sink.lost for sink in events.sinks}
    yield counter("events_lost", "Events that could not be written", lost, "sink")
    yield gauge("events_waiting", "Events that wait to be written", _waiting(events), "sink")
    yield from _of_refusals(program)
    yield from _of_coap("coap_", "CoAP toward devices: ", program.coap)
    if hasattr(program, "north"):
        yield from _of_coap("upstream_coap_", "CoAP toward the server: ", program.north.coap)
        state = program.upstream.state
        registered = state["state"] == "registered"
        yield gauge("upstream_registered", "Whether this gateway is registered with its server", registered)
        yield gauge("upstream_requests_open", "Requests that the server has not answered", state["open"])
    if program.lines:
        open_ = {line.name: line.open for line in program.lines}
        yield gauge("serial_line_open", "Whether a serial line of --serial is open", open_, "line")
    yield from _of_deliveries(program, tallies)
    yield from _of_rounds(program, tallies)
    if program.store.node is not None:
        yield from _of_node(program, program.store)
    connections = program.http.connections
    yield gauge("http_connections", "HTTP connections that are open", len(connections))
    yield counter(
        "http_connections_refused", "HTTP connections beyond those that have room", connections.refused
    )
    yield counter(
        "http_timeouts", "HTTP requests that did not come to their end in time", connections.timed_out
    )


def _of_event(types, event):
    """{type: count}, that of messages from the beginning."""
    return {"MSG": 0} | {kind: count for (name, kind), count in types.items() if name == event}


def info(mode, security=""):
    """Which program it is, as labels of a 1."""
    try:
        version = metadata.version("msgin5g-tools")
    except metadata.PackageNotFoundError:  # in a folder that was not installed
        version = "unknown"
    values = {(version, mode, security): 1}
    return gauge("build_info", "What runs: always 1", values, "version", "mode", "security")


def told(events):
    """The events that have no metric of their own."""
    counts = dict.fromkeys(_ALARMING, 0) | dict(events.counts)
    others = {event: count for event, count in counts.items() if event not in COUNTED}
    return counter("events", "Events of --events, but for those of messages, by name", others, "event")


def _waiting(events):
    return {sink.name: sink.waiting for sink in events.sinks}


def _of_refusals(program):
    refusals = {}
    for part in program.decisions:
        for code, count in list(part.refusals.items()):
            refusals["coap", code] = refusals.get(("coap", code), 0) + count
    for status, count in list(program.http.refusals.items()):
        refusals["http", status] = count
    text = "Requests that were refused, by protocol and code; of 2.04 and 2.05 the body says so"
    yield counter("requests_refused", text, refusals, "protocol", "code")


def _of_coap(name, of, coap):
    counts = coap.counts
    yield counter(name + "datagrams_received", of + "UDP datagrams that came", counts["datagrams"])
    yield counter(name + "datagrams_sent", of + "UDP datagrams that went", counts["sent"])
    dropped = {reason: counts[key] for key, reason in _DROPPED.items()}
    yield counter(name + "datagrams_dropped", of + "UDP datagrams that were dropped", dropped, "reason")
    yield counter(name + "requests", of + "requests that went on to be answered", counts["requests"])
    yield counter(name + "duplicates", of + "messages that came again", counts["duplicates"])
    yield counter(name + "retransmissions", of + "messages that were sent again", counts["repeated"])
    unheard = dict(coap.refusals)
    if coap.protected:
        text = "datagrams that OSCORE refused (RFC 8613 section 8.2)"
        yield counter(name.replace("coap_", "oscore_") + "failures", of + text, unheard, "cause")
    else:
        yield counter(name + "unheard", of + "requests that were not looked at", unheard, "cause")
    shelf = coap.bodies.shelf.counts
    yield gauge(name + "bodies_open", of + "bodies in blocks that are not whole yet", shelf["open"])
    yield gauge(
        name + "bodies_bytes", of + "octets of bodies in blocks that are not whole yet", shelf["octets"]
    )
    yield counter(name + "bodies_dropped", of + "bodies in blocks that were given up", shelf["dropped"])


def _of_deliveries(program, tallies):
    text = "Requests to recipients, by kind of recipient and outcome"
    yield counter("deliveries", text, _NOTHING | dict(tallies.deliveries), "to", "outcome")
    times = {(to,): spread for to, spread in tallies.times.items()}
    yield spreads(
        "delivery_seconds", "From a request to a recipient to its answer, or to its end", times, "to"
    )
    yield spreads("commit_seconds", "COMMIT of a transaction that wrote", {(): tallies.commits})
    yield gauge(
        "outcomes_unrecorded", "Outcomes that wait for the store to take something", len(program.unrecorded)
    )


def _of_rounds(program, tallies):
    text = "A round of decisions, from its begin until it is on the disk"
    yield spreads("round_seconds", text, {(): tallies.rounds})
    yield gauge("events_undecided", "Requests, outcomes and work that wait for a round", program.undecided)


def _of_node(program, store):
    """Where several programs serve from one database."""
    yield gauge("node_info", "Which node this is: always 1", {(store.node,): 1}, "node")
    yield gauge("node_leader", "Whether this node does what is due by the clock for all", store.leads)
    nodes = store.nodes()
    leases = sum(each["leases"] for each in nodes if each["here"])
    yield gauge("node_leases", "Addresses over HTTP that this node has the lease of", leases)
    states = dict.fromkeys(("starting", "up", "draining", "down"), 0) | Counter(
        each["state"] for each in nodes
    )
    yield gauge("nodes", "Nodes that this one knows, by state", states, "state")
    text = "Rounds of decisions that were undone and decided again since another node was first"
    yield counter("store_conflicts", text, program.conflicts)
    yield counter("store_statements", "Answers of the database that were waited for", store.statements)
    yield counter("store_reconnects", "New connections after the database was lost", store.reconnects)


def _stored(figures):
    if not figures:
        return
    yield gauge("registered_ues", "UEs that are registered", figures["registered"])
    yield gauge("served_ues", "UEs that are registered to the gateway service", figures["served"])
    waiting, octets = {}, {}
    for kind, state, messages, size in figures["waiting"]:
        key = (kind if kind in TYPES else "other", state)
        waiting[key] = waiting.get(key, 0) + messages
        octets[key] = octets.get(key, 0) + size
    yield gauge("waiting_messages", "Messages that wait, by message type and state", waiting, "type", "state")
    yield gauge(
        "waiting_bytes", "Octets of messages that wait, by message type and state", octets, "type", "state"
    )
    jobs = dict.fromkeys((updatetables.RUNNING, updatetables.PAUSED), 0) | figures["updates"]
    yield gauge("updates", "Updates that are kept, by state", jobs, "state")
    updated = dict.fromkeys(updatetables.STATES, 0) | figures["updated"]
    text = "Devices of updates that run or are paused, by how far they are"
    yield gauge("update_devices", text, updated, "state")
    yield gauge("store_rows", "Rows of the store; 100000 stands for that and more", figures["rows"], "table")
    yield gauge("store_bytes", "Size of the store's file", figures["octets"])
    yield gauge(
        "store_free_bytes", "Octets of the store's file that are free to be used again", figures["free"]
    )

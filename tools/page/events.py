# SPDX-License-Identifier: MIT
"""What happened, one line each: for people on stdout, and as JSON lines for programs."""

import collections
import contextlib
import functools
import json
import re
import string
import sys
import time

from tools.page.sinks import Sink
from tools.words import counted, ranged

# Of each event, and of one that has a word more, where that is so (_VARIANTS). {octets octet} is "1 octet" or
# "2 octets", {list*segment} a list of them; what stands in [ ] is left out where a field in it is empty.
_SENTENCES = {
    "listening": "listening: CoAP on {coap}, HTTP on {http}",
    "certificate": "the HTTP side has another certificate: {file}",
    "certificate-refused": "the HTTP side keeps the certificate that it had: {reason}",
    "discoverable": "devices that look for a gateway hear of this one: {groups}",
    "discovery-failed": "devices that look for a gateway by {group} do not hear of this one, or not of all: {reason}",
    "relaying": "relaying what comes to {listen} to {server}",
    "relayed": "{peer} is relayed, from port {port}",
    "relay-ended": "{peer} is relayed no more: {reason}; {up datagram} up, {down} down",
    "relay-lost": "not passed on, {times time}: {reason}",
    "figures-failed": "{file} takes no figures for Prometheus: {reason}",
    "relay-failed": "{peer} cannot be relayed: {reason}",
    "server-silent": "nobody is at {server}: {reason}",
    "server-back": "{server} answers again",
    "lookup-failed": "cannot find the address of {server} ({reason}); trying for ever",
    "server-found": "{server} is at {at}",
    "store-made": "new store {store}",
    "store-mended": "other accounts of this machine could read {files}: not any more (mode 0600). Where somebody may"
    " have, give the devices new keys: msgin5g provision --force",
    "store-restored": "{store} may be an older copy: {reason}. The sequence numbers of {keys key} go ahead by {ahead},"
    " so that no nonce is used twice; see docs/security.md, A store that is put back",
    "key-reused": "{ue} at {peer} used number {number} of its key a second time, after {other}: two devices have one"
    " key, or its flash was put back from an old copy. Make a new key: msgin5g provision --ue {ue} --force",
    "numbers-jumped": "{ue} has seen our sequence numbers before: the store was put back from an older copy. They go"
    " ahead by {ahead}",
    "keys-brought": "{ue} was brought new keys: the old ones hold until it uses the new ones",
    "keys-changed": "{ue} uses its new keys: the old ones are gone",
    "keys-refused": "{ue} takes no new keys, the old ones hold: {cause}",
    "registered": "registered {ue} from {peer} for {lifetime} s, segments up to {maxSegSize octet}",
    "registered via": "registered {ue} through {via} at {peer} for {lifetime} s, segments up to {maxSegSize octet}",
    "triggered": "triggered {ue} by {by} at {at}",
    "triggered exposure": "asked the network to trigger {ue}: {at}",
    "trigger-failed": "{ue} could not be triggered: {cause}[; again in {seconds} s]",
    "trigger-reported": "the network says of the trigger of {ue}: {result}",
    "monitored": "the network will tell when {ue} can be reached",
    "monitoring-refused": "the network does not tell when {ue} can be reached: {cause}; again in {seconds} s",
    "monitoring-ended": "the network tells of {ue} no more[: {cause}]",
    "reachable": "the network says that {ue} can be reached",
    "bulk": "{via} sent {elements request} of UEs in one {kind}, refused: {refused}",
    "lost": "{ue} is not at its gateway {via} any more: its registration is over",
    "registers-again": "{ue} registers again and again from {peer}: it does not take the answers, its console says why"
    " (with OSCORE its security.recipient_id is another)",
    "gateway-registered": "registered the gateway service for {ue} from {peer} for {lifetime} s",
    "gateway-expired": "the gateway service for {ue} expired",
    "held": "{kind} of {ue} waits for others, {seconds} s at most",
    "held-over": "{kind} of {ue} waited too long: {cause}",
    "bulk-asked": "asking the server for {kind} of {count device}",
    "bulk-refused": "the server takes no {kind} of several ({reason}): going on one by one with {count request}",
    "upstream-retry": "{kind} to the server in vain ({reason}); again in {seconds} s",
    "upstream-registered": "{ue} is registered with its server",
    "upstream-lost": "no server for {ue}: {cause}; trying for ever",
    "upstream-back": "the server answers again",
    "upstream-refused": "the server does not register {ue}: {cause}. Is it added there? msgin5g server device add {ue}"
    " --gateway",
    "responded": "{ue} took the answer about its {kind}",
    "response-dropped": "the answer about the {kind} of {ue} was dropped: {cause}",
    "assigned": "assigned {ue} to {ue_id}, which asked from {peer}",
    "configured": "configured {ue_id} at {peer} as {ue}",
    "deregistered": "de-registered {ue}[ through {via}]",
    "expired": "the registration of {ue} expired",
    "subscribed": "{ue} is subscribed to {topic} for {lifetime} s",
    "subscribed lasting": "{ue} is subscribed to {topic} as long as it is registered",
    "list-subscribed": "{server} is subscribed to the list of topics for {lifetime} s",
    "list-unsubscribed": "{server} is not subscribed to the list of topics any more",
    "list-followed": "subscribed to the list of topics of {server}",
    "peer-refused": "{server} refused a request about {kind}: {cause}",
    "unsubscribed": "{ue} is not subscribed to {topic} any more",
    "group-created": "{ue} made the group {group} with {members member}",
    "group-changed": "{ue} changed the group {group}, which has {members member} now",
    "group-removed": "{ue} removed the group {group}",
    "group-joined": "{ue} takes part in the group {group}",
    "group-left": "{ue} does not take part in the group {group} any more[; {messages message} for it went with that]",
    "rebound": "{ue} speaks from {peer} now",
    "accepted": "accepted {kind} {msgId} from {from} to {to}, {octets octet}",
    "delivered": "delivered {kind} {msgId} to {to}, {octets octet}",
    "reported": "reported {msgId} from {from} to {to}: {status}",
    "stored": "stored {kind} {msgId} for {to}",
    "failed": "failed {kind} {msgId} to {to}: {cause}",
    "updated": "{kind} {msgId} to {to} waits for {seconds} s at most now",
    "update": "update {job} of {ue}: {state}[: {cause}]",
    "update loading": "update {job} of {ue}: loading, {have} of {of octet}",
    "update-job": "update {job} is {state}[: {cause}]",
    "discarded": "discarded {kind} {msgId}[ to {to}]: {cause}",
    "refused": "refused {kind} of {peer}:[ {code}] {reason}",
    "refused nameless": "refused a request of {peer}:[ {code}] {reason}",
    "retry": "{to} did not take {kind} ({reason}); again in {seconds} s",
    "retry via": "the gateway {via} did not take {kind} for {to} ({reason}); it is tried again in {seconds} s",
    "segment-recovery": "asked {from} for {segments*segment} of {segId} again",
    "segment-recovery-asked": "{to} asks for {segments*segment} of {segId} again",
    "segment-confirmed": "all segments of {segId} from {from} to {to} have arrived",
    "segment-confirmed not": "segments of {segId} from {from} to {to} were given up[: {cause}]",
    "as-registered": "registered Application Server {as}[ at {targetUri}]",
    "application-registered": "registered application {application} as {ue} at {at}",
    "application-deregistered": "de-registered application {application} of {ue}[: {cause}]",
    "line-open": "{line} is open",
    "line-lost": "{line} went away; it is opened again when it is back",
    "line-missing": "cannot open {line} ({reason}); trying for ever",
    "line-noise": "{line}: {frames frame} damaged or unknown",
    "diagnostic": "{line} says: {text}",
    "clock-set": "the clock was set by {seconds} s: what was granted lasts as long as it would have",
    "sink-failed": "{sink} takes no events: {reason}",
    "events-dropped": "{octets octet} of the oldest events of {sink} made room for newer ones",
    "sink-recovered": "{sink} takes events again[; {lost event} did not get there]",
    "quarantined": "set aside {kind} {msgId}[ from {from}][ to {to}]: {reason}[ ({place})]",
    "quarantined nameless": "set aside the {kind} of {what}: {reason}[ ({place})]",
    "quarantined resting": "the {kind} {what} rests for {seconds} s after an error: {reason}[ ({place})]",
    "quarantine-dropped": "dropped {kind} {msgId}[ from {from}][ to {to}], which was set aside",
    "quarantine-dropped nameless": "dropped the {kind} of {what}, which was set aside",
    "quarantine-retried": "{kind} {msgId}[ from {from}][ to {to}] was set aside and is tried again",
    "quarantine-retried nameless": "the {kind} of {what} was set aside and is tried again",
    "error": "an error of the gateway's own in {kind}[ of {peer}][ to {to}][ on {line}]: {reason}[ ({place})]",
    "store-error": "the store takes nothing now: {reason}",
    "capture-ended": "the file of --pcap takes nothing more: {reason}",
    "as-deregistered": "de-registered Application Server {as}[: {cause}]",
}

# What is told to `watch` alone: steps of a message, of which there are too many for people.
STEPS = {"segment", "repeated", "report-taken", "passed"}


class Events:
    """Keeps the last ones and counts all. Telling fails nobody: `sinks` are written as far as they take something, and
    one that does not is told on the others, once each time that it begins and ends. `callbacks` hear each record;
    `watch`, if there is one, is called with (record, what it is about, whether all are told), of STEPS as well."""

    def __init__(self, out=None, file=None, clock=time.time):
        self.recent = collections.deque(maxlen=100)
        self.counts = collections.Counter()
        self.callbacks = []
        self.watch = None
        self.sinks = []
        self._clock = clock
        self._told = set()  # names of the sinks and callbacks that fail
        self._lost = collections.Counter()  # what was lost of a sink when it last took something again
        self._dropped = collections.Counter()  # octets that made room in a sink, as far as they were told
        self._writers = []
        self._together = 0
        for name, stream, form in (("--events", file, _as_json), ("stdout", out, _as_line)):
            if stream:
                self.sinks.append(Sink(name, stream))
                self._writers.append((self.sinks[-1], form))

    def emit(self, event, item=None, **fields):
        """`item`: what it is about, which leaves this program by no sink."""
        record = {"time": round(self._clock(), 3), "event": event, **fields}
        told = event not in STEPS
        failed = None  # (callback, what it raised) of those that did
        if self.watch is not None:
            try:
                self.watch(record, item, told)
            except Exception as error:
                failed = [(self.watch, error)]
        if told:
            self.recent.append(record)
            self.counts[event] += 1
            for sink, form in self._writers:
                sink.keep(form(record))
                if not self._together:
                    sink.flush()
            for callback in tuple(self.callbacks):
                try:
                    callback(record)
                except Exception as error:
                    failed = [*(failed or ()), (callback, error)]
        if failed:
            self._tell_failed(failed)
        if not self._together:
            self._look_after_sinks()

    def _tell_failed(self, failed):
        for callback, reason in failed:
            self.counts["callback-failed"] += 1
            name = getattr(callback, "__qualname__", "callback")
            if name not in self._told:
                self._told.add(name)
                self.emit("sink-failed", sink=name, reason="%s: %s" % (type(reason).__name__, reason))

    @contextlib.contextmanager
    def together(self):
        """What is told in it is written at its end, in few pieces."""
        self._together += 1
        try:
            yield
        finally:
            self._together -= 1
            self.flush()

    def flush(self):
        """Writes what sinks have kept; whether something is left."""
        for sink in self.sinks:
            if sink.waiting:
                sink.flush()
        self._look_after_sinks()
        return any(sink.waiting for sink in self.sinks)

    def _look_after_sinks(self):
        for sink in self.sinks:
            if sink.dropped != self._dropped[sink.name]:
                octets = sink.dropped - self._dropped[sink.name]
                self._dropped[sink.name] = sink.dropped
                self.emit("events-dropped", sink=sink.name, octets=octets)
            if bool(sink.failing) == (sink.name in self._told):
                continue
            if sink.failing:
                self._told.add(sink.name)
                self.emit("sink-failed", sink=sink.name, reason=sink.failing)
            else:
                self._told.remove(sink.name)
                lost, self._lost[sink.name] = sink.lost - self._lost[sink.name], sink.lost
                self.emit("sink-recovered", sink=sink.name, lost=lost)

    def state(self):
        """Of each sink, for people."""
        return [
            {"sink": sink.name, "failing": sink.failing, "waiting": sink.waiting, "lost": sink.lost}
            for sink in self.sinks
        ]


_WRITER = json.JSONEncoder(ensure_ascii=False, default=str)


def _as_json(record):
    return _WRITER.encode(record)


@functools.lru_cache(maxsize=8)
def _clock_time(second):
    return time.strftime("%H:%M:%S", time.localtime(second))


def _as_line(record):
    return "%s %s" % (_clock_time(int(record["time"])), sentence(record))


# When the sentence of an event that has this word more is the one.
_VARIANTS = {
    "via": lambda record: "via" in record,
    "lasting": lambda record: "lifetime" not in record,
    "not": lambda record: record.get("result") is False,
    "loading": lambda record: record.get("state") == "loading",
    "exposure": lambda record: record.get("by") == "exposure",
    "resting": lambda record: "id" not in record,
    "nameless": lambda record: not record.get("kind" if record["event"] == "refused" else "msgId"),
}


def _pieces(pattern):
    """[(text as % has it, [(field, how it is said, of what)], the fields that must say something)]"""
    found = []
    for piece in re.split(r"(\[[^]]*\])", pattern):
        needed = re.findall(r"\{(\w+)", piece) if piece.startswith("[") else []
        text, fields = "", []
        for literal, name, _, _ in string.Formatter().parse(piece[1:-1] if needed else piece):
            text += literal.replace("%", "%%")
            if name is not None:
                text += "%s"
                field, how, one = re.fullmatch(r"(\w+)([ *]?)(.*)", name).groups()
                fields.append((field, {"": None, " ": counted, "*": ranged}[how], one))
        found.append((text, fields, needed))
    return found


_PLAIN = {event: _pieces(pattern) for event, pattern in _SENTENCES.items()}
_OTHERS: dict[str, list] = {}  # event: [(whether it is so, pieces)]
for _name in _SENTENCES:
    _event, _, _word = _name.partition(" ")
    if _word:
        _OTHERS.setdefault(_event, []).append((_VARIANTS[_word], _PLAIN[_name]))


def sentence(record):
    """One line for people; what a peer wrote cannot break it."""
    event = record["event"]
    pieces = _PLAIN.get(event) or [("%s", [("event", None, "")], ())]
    for is_so, other in _OTHERS.get(event, ()):
        if is_so(record):
            pieces = other
    line, get = "", record.get
    for text, fields, needed in pieces:
        if not needed or all(map(get, needed)):
            line += text % tuple(
                [
                    get(field, "") if how is None else "" if get(field) is None else how(get(field), one)
                    for field, how, one in fields
                ]
            )
    if line.isprintable():
        return line
    return "".join(character if character.isprintable() else "?" for character in line)


def to_stdout(file=None):
    return Events(sys.stdout, file)

# SPDX-License-Identifier: MIT
"""What happened, one line each: for people on stdout, and as JSON lines for programs."""

import collections
import json
import sys
import time

_SENTENCES = {
    "listening": "listening: CoAP on {coap}, HTTP on {http}",
    "store-made": "new store {store}",
    "store-mended": "other accounts of this machine could read {files}: not any more (mode 0600). Where somebody may"
    " have, give the devices new keys: msgin5g provision --force",
    "store-restored": "{store} may be an older copy: {reason}. The sequence numbers of {keys} keys go ahead by {ahead},"
    " so that no nonce is used twice; see docs/security.md, A store that is put back",
    "registered": "registered {ue} from {peer} for {lifetime} s, segments up to {maxSegSize}",
    "registers-again": "{ue} registers again and again from {peer}: it does not take the answers, its console says why"
    " (with OSCORE its security.recipient_id is another)",
    "gateway-registered": "gateway service for {ue} from {peer} for {lifetime} s",
    "deregistered": "de-registered {ue}",
    "expired": "registration of {ue} expired",
    "subscribed": "{ue} is subscribed to {topic} for {lifetime} s",
    "unsubscribed": "{ue} is not subscribed to {topic} any more",
    "rebound": "{ue} speaks from {peer} now",
    "accepted": "accepted {kind} {msgId} from {from} to {to}, {octets} octets",
    "delivered": "delivered {kind} {msgId} to {to}, {octets} octets",
    "reported": "reported {msgId} from {from} to {to}: {status}",
    "stored": "stored {kind} {msgId} for {to}",
    "failed": "failed {kind} {msgId} to {to}: {cause}",
    "discarded": "discarded {kind} {msgId} to {to}: {cause}",
    "refused": "refused {kind} of {peer}: {code} {reason}",
    "retry": "{to} did not take {kind} ({reason}); again in {seconds} s",
    "segment-recovery": "asked {from} for segments {segments} of {segId}",
    "segment-recovery-asked": "{to} asks for segments {segments} of {segId}",
    "segment-confirmed": "segments {segId} from {from} to {to}: {result}",
    "as-registered": "registered application server {as} at {targetUri}",
    "application-registered": "registered application {application} as {ue} at {at}",
    "application-deregistered": "de-registered application {application}, {ue}",
    "line-open": "{line} is open",
    "line-lost": "{line} went away; it is opened again when it is back",
    "line-missing": "cannot open {line} ({reason}); trying for ever",
    "line-noise": "{line}: {frames} frames were damaged or unknown",
    "diagnostic": "{line} says: {text}",
    "quarantined": "set aside {kind} {what} {msgId} from {from} to {to}: {reason} ({place})",
    "quarantine-dropped": "dropped {kind} {what} {msgId} from {from} to {to}, which was set aside",
    "quarantine-retried": "{kind} {what} {msgId} from {from} to {to} was set aside and is tried again",
    "error": "an error of the gateway's own in {kind} {peer}{to}{line}: {reason} ({place})",
    "store-error": "the store takes nothing now: {reason}",
    "as-deregistered": "de-registered application server {as}",
}


class Events:
    """Keeps the last ones and counts all; `follow` callbacks hear each."""

    def __init__(self, out=None, file=None, clock=time.time):
        self.recent = collections.deque(maxlen=100)
        self.counts = collections.Counter()
        self.callbacks = []
        self._out = out
        self._file = file
        self._clock = clock

    def tell(self, event, **fields):
        record = {"time": round(self._clock(), 3), "event": event, **fields}
        self.recent.append(record)
        self.counts[event] += 1
        if self._file:
            print(json.dumps(record, ensure_ascii=False), file=self._file, flush=True)
        if self._out:
            clock = time.strftime("%H:%M:%S", time.localtime(record["time"]))
            print(clock, sentence(record), file=self._out, flush=True)
        for callback in list(self.callbacks):
            callback(record)


def sentence(record):
    """One line for people; what a peer wrote cannot break it."""
    blank = collections.defaultdict(str, record)
    pattern = _SENTENCES.get(record["event"], "{event}")
    line = pattern.format_map(blank)
    return "".join(character if character.isprintable() else "?" for character in line)


def to_stdout(file=None):
    return Events(sys.stdout, file)

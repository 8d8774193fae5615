# SPDX-License-Identifier: MIT
"""All datagrams between devices and nodes, read on the wire: whether any nonce went with two texts.

A nonce is that of a key's sender: its own ID and Partial IV, or, in a response without one, those of the request (RFC
8613 section 5.2). What is repeated octet by octet is no second text.
"""

import collections

from host_tests.nodes.wire import OSCORE, read

TOKENS = 1000  # of each device and direction that are known, the last ones


class Sniffed:
    """`note(device, octets, to_device)` each datagram. `used_twice`: nonces with two texts, `count`: of all nonces,
    `unmatched`: responses to what was not seen, which tell nothing."""

    def __init__(self):
        self._texts = {}  # (device, of the device's key for sending, whose ID, Partial IV): hash of the first text
        self._asked = collections.defaultdict(
            collections.OrderedDict
        )  # (device, direction): {token: Partial IV}
        self.used_twice, self.unmatched = set(), 0

    @property
    def count(self):
        return len(self._texts)

    def note(self, device, octets, to_device):
        if len(octets) < 4:  # no CoAP: NGINX sends an empty one where the node has gone
            return
        _, code, _, token, options, payload = read(octets)
        if code == 0 or OSCORE not in options:
            return
        value = options[OSCORE]
        length = value[0] & 7 if value else 0
        number = value[1 : 1 + length].lstrip(b"\0")
        sender = "nodes" if to_device else "device"
        if code >> 5 == 0:
            asked = self._asked[device, to_device]
            asked[token] = number
            if len(asked) > TOKENS:
                asked.popitem(last=False)
            whose = sender
        elif length:
            whose = sender
        else:
            number = self._asked[device, not to_device].get(token)
            whose = "device" if to_device else "nodes"
            if number is None:
                self.unmatched += 1
                return
        nonce = device, sender, whose, number
        if self._texts.setdefault(nonce, hash(payload)) != hash(payload):
            self.used_twice.add(nonce)

# SPDX-License-Identifier: MIT
"""What a relay tells Prometheus. It has no HTTP side, and gets none for this: a file is written anew each few seconds,
for the textfile collector of node_exporter."""

import contextlib
import os

from prometheus_client import CollectorRegistry, ProcessCollector, write_to_textfile

from tools.page.metrics import counter, gauge, info, told
from tools.words import in_words

SECONDS = 10.0  # between two writings


class Figures:
    """Of a Relay whose Events these are, into the file of this path."""

    def __init__(self, relay, events, path):
        self._relay, self._events, self._path = relay, events, path
        self._failing = False
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        self._registry.register(self)

    def collect(self):
        """For prometheus_client."""
        relay = self._relay
        yield info("relay")
        yield gauge("relay_clients", "Devices that have a place", len(relay.clients))
        yield counter(
            "relay_datagrams",
            "Datagrams that were passed on, up to the server or down",
            relay.passed,
            "direction",
        )
        yield counter(
            "relay_lost",
            "Datagrams that were not passed on, and places that were lost",
            relay.counts,
            "reason",
        )
        yield gauge("relay_server_known", "Whether the address of the server is known", relay.has_server)
        yield told(self._events)

    def write(self):
        """Writes all anew, in one step: who reads sees the old file or the new one. Raises OSError."""
        write_to_textfile(self._path, self._registry)

    def look(self):
        """The same, where a failure is told, once each time that it begins."""
        try:
            self.write()
            self._failing = False
        except OSError as error:
            if not self._failing:
                self._failing = True
                self._events.emit("figures-failed", file=self._path, reason=in_words(error))

    def remove(self):
        """What has ended tells nothing more."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)

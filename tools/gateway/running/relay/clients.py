# SPDX-License-Identifier: MIT
"""Who is at the relay: each address has a way of its own to the server, within bounds. No socket, no clock."""

import functools
import ipaddress

MOST = 1024
GONE = 247.0  # s, EXCHANGE_LIFETIME of RFC 7252: so long it is said of a client that it is not there any more
AWAY = (
    93.0  # s, MAX_TRANSMIT_WAIT: a client that starts again has that time to speak before it counts as gone
)
_EACH = 4  # a host has at most one of so many places, so that it does not take all
_FEW = 16  # but so many in any case


class Client:
    """`way`: whatever the relay keeps for it. `answered`: the server has sent it something. Times in seconds."""

    def __init__(self, address, host, now):
        self.address = address
        self.host = host
        self.heard = now  # when it spoke last
        self.unreachable = None  # since when its host says that nobody is there
        self.answered = False
        self.up = self.down = 0  # datagrams
        self.way = None


class Clients:
    """The clients, who was silent for longest first. `idle`: seconds of silence until one counts as gone."""

    def __init__(self, idle, most=MOST):
        self._idle = idle
        self._gone = min(idle, GONE)
        self._most = most
        self._each = max(most // _EACH, min(most, _FEW))
        self._clients = {}
        self._hosts = {}  # host: {address: client}

    def __len__(self):
        return len(self._clients)

    def __iter__(self):
        return iter(list(self._clients.values()))

    def heard(self, address, now):
        """The client that spoke, or None for one that has no place."""
        client = self._clients.pop(address, None)
        if client is not None:
            self._clients[address] = client
            client.heard, client.unreachable = now, None
        return client

    def unreachable(self, address, now):
        """A host says that nobody is at this address."""
        client = self._clients.get(address)
        if client is not None and client.unreachable is None:
            client.unreachable = now

    def add(self, address, now):
        """(the new client, those that lost their place to it)"""
        host = host_of(address)
        out = []
        of_host = self._hosts.get(host, {})
        if len(of_host) >= self._each:
            out.append(self.remove(_least(of_host.values())))
        if len(self._clients) >= self._most:
            out.append(self.remove(_least(self._clients.values())))
        client = Client(address, host, now)
        self._clients[address] = client
        self._hosts.setdefault(host, {})[address] = client
        return client, out

    def spare(self):
        """Takes the place of whom the relay misses least, or gives None where nobody has one."""
        return self.remove(_least(self._clients.values())) if self._clients else None

    def is_gone(self, client, now):
        if client.unreachable is not None and now - client.unreachable >= AWAY:
            return True
        return now - client.heard >= self._idle

    def ended(self, now):
        """Those that have been gone for so long that their places are free now."""
        ended = []
        for client in self._clients.values():
            if now - client.heard < self._idle + self._gone:
                break
            ended.append(client)
        return [self.remove(client) for client in ended]

    def deadline(self):
        """When the next one ends, or None."""
        for client in self._clients.values():
            return client.heard + self._idle + self._gone
        return None

    def remove(self, client):
        """Its place is free."""
        del self._clients[client.address]
        of_host = self._hosts[client.host]
        del of_host[client.address]
        if not of_host:
            del self._hosts[client.host]
        return client


def _least(clients):
    """Whom the server never answered, else who was silent for longest: a flood of made up addresses takes no place of
    a client that is there."""
    return min(clients, key=lambda client: (client.answered, client.heard))


@functools.lru_cache(maxsize=4096)
def host_of(address):
    """What counts as one host: an IPv4 address; of IPv6 a network, since a host has as many addresses as it likes."""
    host = ipaddress.ip_address(address[0].partition("%")[0])
    if host.version == 6:
        if host.ipv4_mapped:
            return str(host.ipv4_mapped)
        return str(ipaddress.ip_network((host, 64), strict=False))
    return str(host)

# SPDX-License-Identifier: MIT
"""The bench beside programs of others."""

import asyncio
import tempfile

import pytest

from tools.bench.peers import air, broker, clients, packages
from tools.programs import peers

CLIENT = """
class MQTTClient:
    def __init__(self, client_id, server):
        self.pid = 0
    def publish(self, topic, message, qos):
        self.pid += 1
        self.sock.write(topic + message)
        puback = b"\\x40\\x02" + self.pid.to_bytes(2, "big")
        assert qos == 1 and self.sock.read(1) + self.sock.read(3) == puback
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a package that is called umqtt.simple."""
    (tmp_path / "umqtt").mkdir()
    (tmp_path / "umqtt/simple.py").write_text(CLIENT)
    packages.take(tmp_path)
    yield tmp_path
    packages.take(None)


def test_clients_of_others_are_measured_where_they_are(folder):
    there, missing = clients.others(clients.MESSAGE)
    # It does next to nothing, and is counted as ours is
    assert 500 < there.measured < 35_000 and there.by == "umqtt.simple, QoS 1"
    assert missing.measured is None and "mqtt_as" in missing.needs and "PEERS=" in missing.needs


# Connects to each port, and says by what its name does in MQTT 3.1.1: what is not asked for does not come
OF_SOCKETS = """
import socket, struct
class MQTTClient:
    def __init__(self, name, host, port):
        self.name, self.address = name.encode(), (host, port)
    def set_callback(self, callback):
        self.callback = callback
    def send(self, first, rest):
        size = b""
        left = len(rest)
        while left > 127:
            size += bytes([left % 128 | 128])
            left //= 128
        self.socket.write(bytes([first]) + size + bytes([left]) + rest)
    def text(self, octets):
        return struct.pack("!H", len(octets)) + octets
    def connect(self):
        self.socket = socket.socket()
        self.socket.connect(socket.getaddrinfo(*self.address)[0][-1])
        self.send(0x10, self.text(b"MQTT") + b"\\x04\\x02\\0\\0" + self.text(self.name))
        assert self.socket.read(4) == b"\\x20\\x02\\0\\0"
    def subscribe(self, topic, qos):
        self.send(0x82, b"\\0\\x09" + self.text(topic) + bytes([qos]))
        assert self.socket.read(5) == b"\\x90\\x03\\0\\x09\\x01"
    def publish(self, topic, body, qos):
        self.send(0x30 | qos << 1, self.text(topic) + b"\\0\\x05" + body)
        assert self.socket.read(4) == b"\\x40\\x02\\0\\x05"
    def wait_msg(self):
        assert self.socket.read(1) == b"\\x32"
        size = self.socket.read(1)[0]
        if size > 127:
            size += 128 * (self.socket.read(1)[0] - 1)
        rest = self.socket.read(size)
        end = 2 + struct.unpack("!H", rest)[0]
        self.callback(rest[2:end], rest[end + 2:])
        self.send(0x40, rest[end:end + 2])
    def disconnect(self):
        self.send(0xE0, b"")
        self.socket.close()
"""


def test_octets_by_a_broker_are_those_that_were_worked_out(folder):
    """mosquitto is asked; the client is one of our own, since that of others is not to be had here."""
    (folder / "umqtt/simple.py").write_text(OF_SOCKETS)
    message, report = air.mqtt_bodies(bytes(295), bytes(245))
    # MQTT 3.1.1 section 3.3: 3 and 2 of head, the topic behind its length, an identifier, the body; section 3.4: 4
    sizes = [3 + 2 + 7 + 2 + 295, 4, 3 + 2 + 23 + 2 + 245, 4]
    assert asyncio.run(broker.reported(message, report)) == sizes
    row = air.counted(message, report)
    assert row.measured == sum(sizes) + 5 * 40 == air.mqtt_same(bytes(295), bytes(245))


def test_octets_without_a_client(folder):
    packages.take(None)
    row = air.counted((b"a", b"b"), (b"c", b"d"))
    assert row.measured is None and "mip.install" in row.needs


def test_packets_are_cut_where_they_end():
    # MQTT 3.1.1 section 2.2.3: 321 = 65 + 2 * 128 is 0xC1 0x02
    packet = b"\x32\xc1\x02" + bytes(321)
    assert [broker.length(packet[:size]) for size in (0, 1, 2, 3, 323)] == [0] * 5
    assert broker.length(packet) == broker.length(packet + b"\x40") == 324
    assert broker.length(b"\x40\x02\x00\x01") == 4


def test_a_broker_accepts_messages():
    async def run():
        with tempfile.TemporaryDirectory() as folder:
            async with broker.Broker(folder) as there:
                return await broker.accepted(there.port, 5, 10)

    assert asyncio.run(run()) > 1


def test_a_broker_that_is_not_to_be_had(monkeypatch):
    def none(_):
        raise peers.NoPeer("mosquitto is missing. sudo apt install mosquitto")

    monkeypatch.setattr(peers, "provide", none)
    (row,) = broker.measure()
    assert row.measured is None and row.needs.endswith("sudo apt install mosquitto")

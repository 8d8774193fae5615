# SPDX-License-Identifier: MIT
# Runs on MicroPython. umqtt.simple sends a message of QoS 1 and waits for its PUBACK; the socket is in memory.
from umqtt.simple import MQTTClient

TOPIC, TEXT = b"as:weather@example.org", bytes(100)


class Broker:
    """Its answer lies there when it is asked for."""

    def __init__(self):
        self.octets = 0
        self.answers = b""

    def write(self, octets, size=None):
        self.octets += len(octets) if size is None else size

    def read(self, size):
        taken, self.answers = self.answers[:size], self.answers[size:]
        return taken

    def setblocking(self, flag):
        pass


client = MQTTClient("sensor-1", "192.0.2.1")
client.sock = Broker()


def publish():
    client.sock.answers = b"\x40\x02" + (client.pid + 1).to_bytes(2, "big")
    client.publish(TOPIC, TEXT, qos=1)

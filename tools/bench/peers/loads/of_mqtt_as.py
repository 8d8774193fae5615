# SPDX-License-Identifier: MIT
# Runs on MicroPython. mqtt_as sends a message of QoS 1 and reads its PUBACK; the socket is in memory, and so is the
# radio. It polls its socket without a pause while it waits: as long as a broker takes, so that is not counted.
import asyncio
import sys

TOPIC, TEXT = b"as:weather@example.org", bytes(100)


class WLAN:
    def __init__(self, _):
        pass

    def active(self, _=True):
        return True

    def isconnected(self):
        return True


class Module:
    STA_IF = 0
    WLAN = WLAN

    @staticmethod
    def unique_id():
        return b"sensor-1"


sys.modules["network"] = sys.modules["machine"] = Module()  # type: ignore[assignment]
from mqtt_as import MQTTClient, config  # noqa: E402, it imports the two above


class Broker:
    """Its answer lies there when it is asked for."""

    def __init__(self):
        self.answers = b""

    def write(self, octets):
        return len(octets)

    def read(self, size):
        taken, self.answers = self.answers[:size], self.answers[size:]
        return taken or None

    def readinto(self, buffer, size):
        taken = self.read(size)
        buffer[: len(taken)] = taken
        return len(taken)


config["server"] = "192.0.2.1"
client = MQTTClient(config)
client._sock = Broker()
client._isconnected = client._has_connected = True


async def _publish():
    pid = next(client.newpid)
    client.rcv_pids.add(pid)
    async with client.lock:
        await client._publish(TOPIC, TEXT, False, 1, 0, pid)
    client._sock.answers = b"\x40\x02" + pid.to_bytes(2, "big")
    async with client.lock:
        await client.wait_msg()
    assert not client.rcv_pids


def publish():
    asyncio.run(_publish())

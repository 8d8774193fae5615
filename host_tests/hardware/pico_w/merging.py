# SPDX-License-Identifier: MIT
"""A merged image that the emulator of the plain Pico can boot."""

import pytest

from host_tests.hardware.pico_w import pico_base
from tools.image import merged
from tools.image.boards import board_data


def merged_pico(image, folder, board="pico_w"):
    """The path of an image below `folder`, of a MicroPython for the plain Pico that has none of our modules and of the
    file system of this board, the Pico W or one like it. `image` is build/rp2040/firmware.uf2.
    """
    base = folder / "plain.uf2"
    base.write_bytes(pico_base.plain(image.read_bytes()))
    data = board_data(board)
    data["boards"]["pico"] = {
        "name": "Pico",
        "chip": "RP2040",
        "flash": board_data("rp2040")["flash"]["size"],
    }
    said = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(merged, "board_data", lambda name: data)
        path = merged.build(board, folder / "merged", said.append, base=base)
    assert said == [f"MicroPython 1.25.0 for Pico, of {base}"]
    return path


# Run on that board, which has no radio, it writes modules with what the link asks of a network that is there, and of a
# socket from which nothing comes.
WITHOUT_A_RADIO = """
for name, text in {
    "network.py": '''
STA_IF = 0
class WLAN:
    def __init__(self, interface): pass
    def active(self, on=None): return False
    def config(self, pm): pass
    def connect(self, ssid, key): pass
    def disconnect(self): pass
    def deinit(self): pass
    def status(self): return 3
    def isconnected(self): return True
    def ifconfig(self): return ("192.168.4.2", "255.255.255.0", "192.168.4.1", "192.168.4.1")
''',
    "socket.py": '''
import io
AF_INET = SOCK_DGRAM = 2
def getaddrinfo(host, port, *more): return [(2, 2, 0, "", (host, port))]
class socket(io.IOBase):
    def __init__(self, family, kind): pass
    def setblocking(self, on): pass
    def bind(self, address): pass
    def recvfrom(self, size): raise OSError(11)
    def sendto(self, octets, address): return len(octets)
    def close(self): pass
    def ioctl(self, request, argument): return 0
''',
}.items():
    with open(name, "w") as file:
        file.write(text)
"""

# SPDX-License-Identifier: MIT
"""An ESP32 in its boot loader, at a pseudo-terminal: what esptool speaks with, in place of hardware.

It follows Espressif's description (esptool documentation, "Serial Protocol") and the registers of the ESP32 Technical
Reference Manual that esptool reads. The flash is kept in memory and behaves like NOR: erasing sets ones, programming
makes zeros of them. There are the ROM's loader and the stub that esptool puts in its place; the code of the stub is
taken and not run, for what it does is done here. DTR and RTS are not there, so esptool cannot reset it.
"""

import hashlib
import os
import struct
import threading
import tty
import zlib
from dataclasses import dataclass, field

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD  # SLIP, RFC 1055

FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
MEM_BEGIN, MEM_END, MEM_DATA = 0x05, 0x06, 0x07
SYNC, WRITE_REG, READ_REG = 0x08, 0x09, 0x0A
SPI_SET_PARAMS, SPI_ATTACH, CHANGE_BAUDRATE = 0x0B, 0x0D, 0x0F
FLASH_DEFL_BEGIN, FLASH_DEFL_DATA, FLASH_DEFL_END = 0x10, 0x11, 0x12
SPI_FLASH_MD5 = 0x13

# Errors of the ROM's loader
INVALID, FAILED, CHECKSUM = 0x05, 0x06, 0x07

MAGIC = 0x40001000  # a word of the ROM that tells chips apart
CHIPS = {"ESP32": 0x00F01D83, "ESP32-S2": 0x000007C6}
UART_CLKDIV = 0x3FF40014  # crystal / baud rate
SPI_CMD, SPI_USR2, SPI_W0 = 0x3FF42000, 0x3FF42024, 0x3FF42080
SPI_READ_ID = 0x9F
EFUSE_MAC = {0x3FF5A004: 0xC4112233, 0x3FF5A008: 0x0000240A}
FLASH_ID = {2: 0x1540C8, 4: 0x1640C8}  # MiB: GigaDevice, by its data sheet
SECTOR = 4096


class Fault(Exception):
    """The command is answered with this error."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


@dataclass
class Faults:
    """What goes wrong."""

    silent: bool = False  # no answer at all: not in its boot loader
    no_stub: bool = False  # refuses code for its memory
    vanishes_after: int | None = None  # blocks of data, then the port is gone
    dead_bits: dict = field(default_factory=dict)  # {address: octet that stays there whatever is programmed}


class Flash:
    def __init__(self, size, dead_bits):
        self.size = size
        self.octets = bytearray(b"\xff" * size)
        self._dead_bits = dead_bits

    def erase(self, address, size):
        end = -(-(address + size) // SECTOR) * SECTOR
        start = address // SECTOR * SECTOR
        if end > self.size:
            raise Fault(FAILED)
        self.octets[start:end] = b"\xff" * (end - start)

    def program(self, address, octets):
        old = int.from_bytes(self.octets[address : address + len(octets)], "big")
        new = (old & int.from_bytes(octets, "big")).to_bytes(len(octets), "big")
        self.octets[address : address + len(octets)] = new
        for dead, octet in self._dead_bits.items():
            if address <= dead < address + len(octets):
                self.octets[dead] = octet


class BootLoader:
    """`port` is the device to open; `flash` what was written; `commands` the numbers of all commands that came."""

    def __init__(self, chip="ESP32", flash_mib=4, faults=None):
        self.faults = faults or Faults()
        self.flash = Flash(flash_mib << 20, self.faults.dead_bits)
        self.commands = []
        self.ended = None  # whether the last session ended with a reboot
        self._registers = {MAGIC: CHIPS[chip], UART_CLKDIV: 40_000_000 // 115200, **EFUSE_MAC}
        self._flash_id = FLASH_ID[flash_mib]
        self._stub = False
        self._write = None  # (address, expander) of the write under way
        self._blocks = 0
        self._ours, self._its = os.openpty()
        tty.setraw(self._its)
        self.port = os.ttyname(self._its)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._hang_up()
        # Not before: as long as it is open, no other pseudo-terminal gets this one's name, which esptool opens again.
        os.close(self._its)

    def _hang_up(self):
        if self._ours is not None:
            descriptor, self._ours = self._ours, None
            os.close(descriptor)

    # ---- frames

    def _serve(self):
        frame = None
        escaped = False
        while True:
            try:
                octets = os.read(self._ours, 65536)
            except (OSError, TypeError):
                return
            for octet in octets:
                if octet == END:
                    if frame:
                        self._take(bytes(frame))
                    frame = bytearray()
                elif frame is None:
                    continue
                elif octet == ESC:
                    escaped = True
                elif escaped:
                    frame.append({ESC_END: END, ESC_ESC: ESC}[octet])
                    escaped = False
                else:
                    frame.append(octet)

    def _frame(self, octets):
        octets = octets.replace(bytes([ESC]), bytes([ESC, ESC_ESC])).replace(
            bytes([END]), bytes([ESC, ESC_END])
        )
        octets = bytes([END]) + octets + bytes([END])
        while octets and self._ours is not None:
            octets = octets[os.write(self._ours, octets) :]

    def _take(self, frame):
        if self.faults.silent or len(frame) < 8 or frame[0] != 0:
            return
        _, command, size, checksum = struct.unpack_from("<BBHI", frame)
        body = frame[8:]
        self.commands.append(command)
        try:
            if len(body) != size:
                raise Fault(INVALID)
            value, data = self._do(command, body, checksum)
            status = b"\0\0"
        except Fault as fault:
            value, data, status = 0, b"", bytes([1, fault.code])
        if not self._stub:
            status += b"\0\0"
        answer = struct.pack("<BBHI", 1, command, len(data) + len(status), value) + data + status
        for _ in range(8 if command == SYNC else 1):
            self._frame(answer)
        if command == MEM_END and status[0] == 0:
            self._stub = True
            self._frame(b"OHAI")

    # ---- commands

    def _do(self, command, body, checksum):
        """(value, data). Raises Fault."""
        if command == SYNC:
            return 0 if self._stub else 0x20120707, b""
        if command == READ_REG:
            (address,) = struct.unpack("<I", body)
            return self._registers.get(address, 0), b""
        if command == WRITE_REG:
            self._write_register(*struct.unpack("<IIII", body[:16]))
            return 0, b""
        if command in (SPI_ATTACH, SPI_SET_PARAMS, CHANGE_BAUDRATE):
            return 0, b""
        if command == SPI_FLASH_MD5:
            address, size = struct.unpack_from("<II", body)
            digest = hashlib.md5(self.flash.octets[address : address + size])
            return 0, digest.digest() if self._stub else digest.hexdigest().encode()
        if command in (MEM_BEGIN, MEM_DATA, MEM_END):
            if self.faults.no_stub:
                raise Fault(FAILED)
            if command == MEM_DATA:
                _data(body, checksum)
            return 0, b""
        if command in (FLASH_BEGIN, FLASH_DEFL_BEGIN):
            size, _, _, address = struct.unpack_from("<IIII", body)
            self.flash.erase(address, size)
            self._write = (address, zlib.decompressobj() if command == FLASH_DEFL_BEGIN else None)
            return 0, b""
        if command in (FLASH_DATA, FLASH_DEFL_DATA):
            self._program(_data(body, checksum))
            return 0, b""
        if command in (FLASH_END, FLASH_DEFL_END):
            self.ended = struct.unpack("<I", body)[0] == 0
            return 0, b""
        raise Fault(INVALID)

    def _write_register(self, address, value, mask, _delay):
        old = self._registers.get(address, 0)
        self._registers[address] = old & ~mask | value & mask
        if address == SPI_CMD:  # the command of USR2 runs, and is over when this reads as 0
            read_id = self._registers.get(SPI_USR2, 0) & 0xFF == SPI_READ_ID
            self._registers[SPI_W0] = self._flash_id if read_id else 0
            self._registers[SPI_CMD] = 0

    def _program(self, octets):
        self._blocks += 1
        if self.faults.vanishes_after is not None and self._blocks > self.faults.vanishes_after:
            self._hang_up()
            raise Fault(FAILED)
        if self._write is None:
            raise Fault(FAILED)
        address, expander = self._write
        if expander is not None:
            octets = expander.decompress(octets)
        self.flash.program(address, octets)
        self._write = (address + len(octets), expander)


def _data(body, checksum):
    """The octets of a data command. Raises Fault for a wrong checksum: 0xEF and all of them, by XOR."""
    (size,) = struct.unpack_from("<I", body)
    octets = body[16 : 16 + size]
    found = 0xEF
    for octet in octets:
        found ^= octet
    if len(octets) != size or found != checksum & 0xFF:
        raise Fault(CHECKSUM)
    return octets

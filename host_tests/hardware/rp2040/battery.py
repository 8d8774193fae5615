# SPDX-License-Identifier: MIT
# Checks that give the same on every port with whole numbers of any size; printed one a line. Runs on the emulated Pico
# and on the unix port, whose answers are the expected ones: another compiler, another processor.
import binascii
import hashlib
import json
import struct

import cryptolib

numbers = [0, 1, -1, 7, -8, 255, 65536, 2**30 - 1, -(2**30), 2**31, 2**32 + 1, -(2**63), 10**30 + 7]
for a in numbers:
    for b in numbers:
        print("integers", a, b, a + b, a - b, a * b, a & b, a | b, a ^ b, a < b, a == b)
        if b:
            print("division", a, b, a // b, a % b, divmod(a, b))
    print("shifts", a, [a << n for n in (0, 1, 29, 31, 33, 64)], [a >> n for n in (0, 1, 29, 31, 33, 64)])
    print("text", a, "%d %x" % (a, a), int(str(a)), a.to_bytes(20, "little") if a >= 0 else "")

data = bytes(range(256)) * 3
print("bytes", data[5:60], data.find(b"\x10\x11"), data.replace(b"\x00", b"--")[:9], bytearray(data)[-3:])
print("memoryview", bytes(memoryview(data)[100:140]), data == data[:], data > data[1:])
print("struct", struct.pack("<bBhHiIqQ", -1, 255, -2, 65535, -3, 2**32 - 1, -4, 2**64 - 1))
print("struct", struct.unpack(">hIq", bytes(range(200, 214))))
print("hex", binascii.hexlify(data[250:262]), binascii.crc32(data), binascii.a2b_base64("TVNHaW41Rw=="))
print("hash", hashlib.sha256(data).digest())
for mode in (1, 2):  # ECB, CBC
    key, iv = bytes(range(16)), bytes(range(16, 32))
    cipher = cryptolib.aes(key, mode, iv) if mode != 1 else cryptolib.aes(key, mode)
    print("aes", mode, binascii.hexlify(cipher.encrypt(data[:48])))
print("json", json.dumps({"a": [1, None, True, "\u20ac\n"]}))


class Deep:
    def __init__(self, depth):
        self.inner = Deep(depth - 1) if depth else None

    def __len__(self):
        return 1 + len(self.inner) if self.inner else 1


def generated(count):
    for number in range(count):
        try:
            yield number * number
        finally:
            pass


print("objects", len(Deep(10)), sum(generated(100)), sorted(generated(7), key=lambda n: -n))
try:
    raise OSError(5, "text")
except OSError as error:
    print("errors", error.errno, repr(error))

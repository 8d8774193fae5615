# SPDX-License-Identifier: MIT
"""The storages: rows in the heap and rows in files."""

import os

from common import equal
from device.storage import FileStorage
from msgin5g import MemoryStorage


def test_rows_in_the_heap():
    check(MemoryStorage())


def test_rows_in_files():
    folder = "/tmp/msgin5g-storage-%d" % int.from_bytes(os.urandom(4), "big")
    try:
        check(FileStorage(folder))
        # again over the same folder, after a power cut in the middle of replace()
        with open(folder + "/b~", "wb") as file:
            file.write(b"half")
        storage = FileStorage(folder)
        equal((storage.names(), storage.read("b", 0, 9)), (["b"], b"b"))
        storage.replace("b", b"")
        equal((storage.names(), storage.read("b", 0, 9)), (["b"], b""))
    finally:
        for name in os.listdir(folder):
            os.remove(folder + "/" + name)
        os.rmdir(folder)


def check(storage):
    storage.append("a", b"one")
    storage.append("a", b"two")
    equal(
        (storage.read("a", 0, 9), storage.read("a", 2, 2), storage.read("a", 6, 1)), (b"onetwo", b"et", b"")
    )
    storage.replace("a", b"new")
    storage.replace("b", b"b")
    equal((storage.read("a", 0, 9), sorted(storage.names())), (b"new", ["a", "b"]))
    storage.remove("a")
    storage.remove("a")
    equal((storage.read("a", 0, 9), storage.names()), (b"", ["b"]))

# SPDX-License-Identifier: MIT
"""The storages: files in the heap and files in files."""

import os

import coap
import coap.oscore.files as module
from coap.oscore.files import FileStorage
from common import Folder, Skip, equal, raises
from msgin5g import MemoryStorage, StorageError
from msgin5g_scene import Scene, msg


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


def test_more_is_expected():
    """With `more` the file stays open; whatever else is done with it, or by another storage, sees all of it."""
    with Folder() as storage:
        lengths = [storage.append("a", piece, True) for piece in (b"one", b"two", b"three")]
        equal((lengths, module._kept[0] is None), ([3, 6, 11], False))
        equal(storage.append("b", b"log"), 3)  # of another file, in between
        assert module._kept[0].endswith("/a")
        equal((storage.read("a", 0, 99), module._kept[0]), (b"onetwothree", None))
        equal((storage.append("a", b"4", True), storage.append("a", b"")), (12, 12))
        equal(module._kept[0], None)
        storage.append("a", b"5", True)
        equal(storage.append("b", b"!", True), 4)  # one is kept, the last
        assert module._kept[0].endswith("/b")
        equal(storage.append("a", b""), 13)
        again = FileStorage(storage._folder)
        equal((module._kept[0], again.append("b", b"?"), storage.read("b", 0, 9)), (None, 5, b"log!?"))
        storage.append("b", b"gone", True)
        storage.remove("b")
        equal((storage.names(), storage.append("b", b"new", True)), (["a"], 3))
        storage.replace("b", b"other")
        equal((storage.append("b", b"s"), storage.read("b", 0, 9)), (6, b"others"))


def test_a_write_that_fails_is_the_end_of_more():
    with Folder() as storage:
        storage.append("a", b"one", True)
        storage.append("a", b"")
        module.open = Full(2)
        try:
            equal(raises(OSError, storage.append, "a", b"other", True).errno, 28)
        finally:
            del module.open
        equal((module._kept, storage.append("a", b"")), ([None, None], 5))


class Full:
    """`open` of a file system that has room for a name and for `room` octets of each file, and then none."""

    def __init__(self, room):
        self._room = room

    def __call__(self, path, mode="r"):
        return _FullFile(open(path, mode), self._room) if mode in ("ab", "wb") else open(path, mode)


class _FullFile:
    def __init__(self, file, room):
        self._file = file
        self._room = room

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    close = __exit__

    def seek(self, *place):
        self._file.seek(*place)

    def write(self, octets):
        self._file.write(octets[: self._room])
        raise OSError(28, "full")


def test_a_refused_write_leaves_nothing_behind():
    with Folder() as storage:
        storage.append("a", b"one")
        storage.replace("b", b"two")
        for room in (0, 2):
            module.open = Full(room)
            try:
                for number in range(3):
                    equal(raises(OSError, storage.replace, "b", b"other").errno, 28)
                    equal(raises(OSError, storage.replace, "c", b"other").errno, 28)
                    if not room:
                        equal(raises(OSError, storage.append, "a", b"other").errno, 28)
                        equal(raises(OSError, storage.append, "log-%d" % number, b"other").errno, 28)
            finally:
                del module.open
            equal(sorted(storage.names()), ["a", "b"])
            equal((storage.read("a", 0, 9), storage.read("b", 0, 9)), (b"one", b"two"))
            # the journal goes no further with each try
            scene = Scene(storage=storage).start()
            before = storage.names()
            module.open = Full(room)
            try:
                for _ in range(20):
                    raises(StorageError, scene.send)
            finally:
                del module.open
            equal(storage.names(), before)
            equal(scene.send().state, "accepted")
            for name in storage.names():
                if name[:4] == "log-":
                    storage.remove(name)


def test_what_a_disk_is_told_to_keep():
    """Octets before their name, and the name before the call returns: POSIX promises nothing of either without."""
    if module._fsync is None:
        raise Skip("flush() does it")
    import stat

    told = []

    def fsync(number):
        status = os.fstat(number)
        told.append("folder" if stat.S_ISDIR(status.st_mode) else "%d octets" % status.st_size)

    def rename(*names):
        told.append("rename")
        before[1](*names)

    before = module._fsync, module._rename
    with Folder() as folder:
        storage = FileStorage(folder._folder)
        module._fsync, module._rename = fsync, rename
        try:
            storage.replace("a", b"one")
            equal(told, ["3 octets", "rename", "folder"])
            storage.append("b", b"12345")
            equal(told[3:], ["5 octets", "folder"])
            storage.append("b", b"6")
            equal(told[5:], ["6 octets"])
            del told[:]
            for name in ("c", "d", "c"):  # "c" is not the file that is kept open any more
                storage.append(name, b"7", True)
            storage.read("c", 0, 1)
            storage.append("c", b"")
            equal(told, ["2 octets", "folder"])
        finally:
            module._fsync, module._rename = before


def test_an_application_that_deletes_the_folder():
    """It is made again, and the device goes on as from a lost flash."""
    with Folder() as storage:
        scene = Scene(storage=storage).start()
        scene.post(msg("m-1"))
        for number in (2, 3, 4):
            for name in storage.names():
                os.remove(storage._path(name))
            os.rmdir(storage._path("")[:-1])
            equal((storage.names(), storage.read("a", 0, 9)), ([], b""))
            equal(scene.send().state, "accepted")
            equal(scene.post(msg("m-%d" % number)).code, coap.CHANGED)
        equal((scene.take().message_id, scene.take(), scene.client.stats["vanished"]), ("m-4", None, 3))
        os.remove(storage._path(storage.names()[0]))
        for name in storage.names():
            storage.remove(name)
        os.rmdir(storage._path("")[:-1])
        storage.replace("boot", b"1")
        equal(storage.read("boot", 0, 9), b"1")


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

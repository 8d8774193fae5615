# SPDX-License-Identifier: MIT
"""A file system that is made here is the one that a board makes of the same files: MicroPython itself makes it, with a
block device in its heap, as the _boot.py of its ports mounts that."""

import subprocess

import pytest

from tools.image import files
from tools.programs.micropython import BIN

BLOCKS = 48
# Small files lie in their folder's blocks, larger ones in blocks of their own. Where that ends depends on the cache,
# which is four times what is programmed at once (extmod/vfs_lfsx.c), and is an eighth of a block at most (lfs2.c).
ENDS = {files.PROGRAM: 512, files.ESP32_PROGRAM: 128}
SAME = """
import os, sys, vfs
class Memory:
    def __init__(self, octets):
        self.octets = octets
    def readblocks(self, number, buffer, at=0):
        at += number * 4096
        buffer[:] = self.octets[at : at + len(buffer)]
    def writeblocks(self, number, buffer, at=0):
        at += number * 4096
        self.octets[at : at + len(buffer)] = buffer
    def ioctl(self, what, value):
        if what == 6:
            self.octets[value * 4096 : value * 4096 + 4096] = b"\\xff" * 4096
        return {4: len(self.octets) // 4096, 5: 4096}.get(what, 0)
with open(sys.argv[1], "rb") as file:
    theirs = Memory(bytearray(file.read()))
own = Memory(bytearray(b"\\xff" * len(theirs.octets)))
how = {"progsize": int(sys.argv[2])}
vfs.VfsLfs2.mkfs(own, **how)
for memory, name in ((theirs, "/theirs"), (own, "/own")):
    vfs.mount(vfs.VfsLfs2(memory, **how), name)
for size in map(int, sys.argv[3:]):
    with open("/own/%d" % size, "wb") as file:
        file.write(bytes([size & 255]) * size)
    with open("/theirs/%d" % size, "rb") as file:
        assert file.read() == bytes([size & 255]) * size, size
print(*(os.statvfs(name)[2] - os.statvfs(name)[3] for name in ("/theirs", "/own")))
"""


@pytest.mark.parametrize("program", ENDS, ids=("rp2", "esp32"))
@pytest.mark.parametrize("more", (0, 1), ids=("in its folder", "in a block"))
def test_each_file_takes_what_it_takes_on_a_board(tmp_path, program, more):
    sizes = (0, 1, 4096, 9000, ENDS[program] + more)
    octets = files.file_system(BLOCKS * files.BLOCK, {str(n): bytes([n & 255]) * n for n in sizes}, program)
    (tmp_path / "made").write_bytes(octets)
    done = subprocess.run(
        [BIN / "micropython", "-c", SAME, tmp_path / "made", str(program), *map(str, sizes)],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    here, there = map(int, done.stdout.split())
    # the folder's two, one for 4096 octets, three for 9000
    assert here == there == 2 + 1 + 3 + more == files.used(octets, program) // files.BLOCK

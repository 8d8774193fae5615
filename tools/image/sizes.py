# SPDX-License-Identifier: MIT
"""What lies where in the flash: the whole image, what is left, and each frozen module by size."""

import os
import re
import subprocess

REPORT = "report.json"  # beside the image; written last
_SYMBOL = re.compile(r"^[0-9a-f]+ ([0-9a-f]+) [rRtTdDbB] (\w+)$", re.MULTILINE)


def report(work, board, nm, environment):
    """Sizes in octets, as a dict for report.json."""
    flash = board["flash"]
    used = (work / "firmware.bin").stat().st_size
    return {
        "flash": {
            "size": flash["size"],
            "firmware": flash["firmware"],
            "files": flash["files"],
            "used": used,
        },
        "left": flash["firmware"] - used,
        "frozen": frozen(work / "CMakeFiles/firmware.dir/frozen_content.c.o", nm, environment),
    }


def frozen(compiled, nm, environment):
    """{module: octets} of what is frozen, from the object file of frozen_content.c."""
    table = subprocess.run(
        [nm, "--print-size", compiled],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return modules({name: int(size, 16) for size, name in _SYMBOL.findall(table)})


def modules(symbols):
    """{module: octets}, largest first, from the symbols that mpy-tool.py makes of frozen modules.

    For `coap/message.py` there are frozen_module_coap_message, and, of each function and table, names of the form
    fun_data_coap_endpoint_..., const_obj_coap_endpoint_... and so on. A shared pool of strings belongs to none.
    """
    names = [s.removeprefix("frozen_module_") for s in symbols if s.startswith("frozen_module_")]
    found = dict.fromkeys(names, 0)
    shared = 0
    for symbol, size in symbols.items():
        owners = [name for name in names if re.search(rf"(^|_){re.escape(name)}(_|$)", symbol)]
        if owners:
            found[max(owners, key=len)] += size
        else:
            shared += size
    found["(names and strings of all)"] = shared
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def lines(report):
    """The report as text."""
    flash = report["flash"]
    yield f"flash for the firmware  {flash['firmware']:>9,} octets"
    yield f"  used                  {flash['used']:>9,}  ({100 * flash['used'] / flash['firmware']:.0f} %)"
    yield f"  left                  {report['left']:>9,}"
    yield f"flash for files         {flash['files']:>9,}"
    frozen = report["frozen"]
    yield f"frozen modules          {sum(frozen.values()):>9,}"
    yield from _table(frozen)


def elf_lines(report):
    """The report of an image that an emulator loads as it comes out of the linker."""
    yield f"code and constants      {report['text']:>9,} octets"
    yield f"variables and stack     {report['ram'] - report['heap']:>9,}"
    yield f"heap                    {report['heap']:>9,}"
    yield f"flash for files         {report['files']:>9,}"
    yield f"frozen modules          {sum(report['frozen'].values()):>9,}"
    yield from _table(report["frozen"])


def file_lines(report):
    """The report of an image whose firmware lies in the file system."""
    room, used = report["filesystem"]["size"], report["used"]
    if "micropython" in report:
        yield f"MicroPython             {report['micropython']['octets']:>9,} octets"
    yield f"flash for files         {room:>9,} octets, from {report['filesystem']['offset']:#x} ({report['layout']})"
    yield f"  used                  {used:>9,}  ({100 * used / room:.0f} %, in blocks of 4,096)"
    yield f"  left                  {room - used:>9,}"
    yield f"files                   {sum(report['files'].values()):>9,}"
    yield from _table(dict(sorted(report["files"].items(), key=lambda item: -item[1])))


def _table(found):
    width = max(30, *(len(name) + 1 for name in found))
    for name, size in found.items():
        yield f"  {name:<{width}}{size:>7,}"

# SPDX-License-Identifier: MIT
# What an image freezes. A board's manifest.py includes this one and adds its own board.py.
import os

# Which of device/links/ a board has what for, all unless it says; whether its flash may have two slots for MicroPython.
options.defaults(links=None, slots=2)
_scope = {}
with open("coap/version.py") as _file:
    exec(_file.read(), _scope)
metadata(
    description="MSGin5G: a CoAP, the service of TS 24.538, and a running device of both",
    version=_scope["VERSION"],
    license="MIT",
)
# MicroPython reads the list of what is frozen from the top, three times for an import: what a start needs comes first.
_first = """
main.py
coap/__init__.py coap/compat.py coap/message.py coap/endpoint/__init__.py
coap/endpoint/parameters.py coap/aio/__init__.py coap/aio/waiting.py coap/aio/slipmux.py coap/aio/serial.py
coap/oscore/__init__.py coap/oscore/files.py
device/__init__.py device/boot.py device/starts.py device/health.py device/starting.py device/connecting.py
device/runner.py device/client.py device/links/__init__.py device/links/serial.py
msgin5g/__init__.py msgin5g/config.py msgin5g/config_check.py msgin5g/client.py msgin5g/base_client.py
msgin5g/security.py msgin5g/timing.py msgin5g/rules/__init__.py msgin5g/rules/states.py
msgin5g/rules/policy.py msgin5g/rules/requests.py msgin5g/wire/__init__.py msgin5g/wire/identifiers.py
msgin5g/wire/bodies.py msgin5g/store/__init__.py
msgin5g/store/journal.py msgin5g/store/message_store.py msgin5g/outgoing/__init__.py
msgin5g/procedures/__init__.py msgin5g/procedures/opening.py msgin5g/procedures/registration.py
""".split()
_found = [
    os.path.relpath(os.path.join(_folder, _name), ".").replace(os.sep, "/")
    for _package in ("base", "coap", "msgin5g", "device")
    for _folder, _rooms, _names in os.walk(_package)
    for _name in sorted(_names)
    if _name.endswith(".py") and _name not in ("manifest.py", "_cpython.py")
]
if options.links is not None:
    _links = ["device/links/%s.py" % _name for _name in ("__init__", *options.links)]
    _found = [_path for _path in _found if not _path.startswith("device/links/") or _path in _links]
if options.slots < 2:
    _found.remove("device/update/image.py")
for _name in _first + sorted(set(_found) - set(_first)):
    # A traceback tells the functions, and no lines in them: those of all take 26 KB.
    module(_name, opt=3)

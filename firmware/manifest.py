# SPDX-License-Identifier: MIT
# What an image freezes. A board's manifest.py includes this one and adds its own board.py.
_scope = {}
with open("coap/version.py") as _file:
    exec(_file.read(), _scope)
metadata(
    description="MSGin5G: a CoAP, the service of TS 24.538, and a running device of both",
    version=_scope["VERSION"],
    license="MIT",
)
include("coap")
package("msgin5g")
package("device")
module("main.py")

# SPDX-License-Identifier: MIT
# For who freezes CoAP into an image of their own: include("PATH/firmware/coap"), and with oscore=False all but OSCORE.
# A manifest that has metadata of its own gives it before that.
import os

options.defaults(oscore=True)
if metadata().version is None:
    _scope = {}
    with open("version.py") as _file:
        exec(_file.read(), _scope)
    metadata(
        description="CoAP (RFC 7252), client and server, with blocks, observation and OSCORE",
        version=_scope["VERSION"],
        license="MIT",
    )
_found = []
for _folder, _rooms, _names in os.walk("."):
    _found += [
        os.path.relpath(os.path.join(_folder, _name), ".") for _name in _names if _name.endswith(".py")
    ]
_left = ["manifest.py"] if options.oscore else ["manifest.py", "oscore"]
package(
    "coap", files=sorted(_name for _name in _found if _name.split(os.sep)[0] not in _left), base_path=".."
)

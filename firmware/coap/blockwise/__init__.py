# SPDX-License-Identifier: MIT
"""Bodies that are longer than a message: block-wise transfers, RFC 7959. A module is imported when the first block of
its kind comes or goes.

| module | what |
| --- | --- |
| `option` | the Block options, and what the requests of one body have in common |
| `bodies` | a body under way, in pieces; `Pieces` |
| `receiving` | bodies that peers send us |
| `fetching` | bodies that come as responses to us |
| `slicing` | responses of ours in blocks |
"""


def __getattr__(name):
    if name == "Pieces":
        from .bodies import Pieces

        return Pieces
    from ..submodule import submodule

    return submodule("coap.blockwise", name)

# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Bodies that are longer than a message: block-wise transfers, RFC 7959. A module is imported when the first block of
its kind comes or goes.

| module | what |
| --- | --- |
| `option` | the Block options, and what the requests of one body have in common |
| `bodies` | a body under way, in pieces; `Pieces` |
| `receiving` | bodies that peers send us |
| `streams` | those that the layer above takes block by block |
| `fetching` | bodies that come as responses to us |
| `slicing` | responses of ours in blocks |
| `keeping` | those that are kept while a peer fetches them |
| `sources` | payloads that are read while they go out |
"""

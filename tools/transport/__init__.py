# SPDX-License-Identifier: MIT
"""How octets come and go: CoAP by aiocoap, OSCORE, serial lines, HTTP by aiohttp."""

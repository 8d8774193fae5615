# SPDX-License-Identifier: MIT
"""What is known of a datagram before aiocoap sees it: what it is, whose turn it is, whether it came before."""

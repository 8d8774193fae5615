# SPDX-License-Identifier: MIT
"""What goes out of the UDP socket: past errors of others, many at once, once more; and the socket toward a server."""

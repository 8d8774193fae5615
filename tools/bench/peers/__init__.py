# SPDX-License-Identifier: MIT
"""Beside what others would take: MQTT clients and CoAP libraries for MicroPython, a broker, a bare CoAP server."""

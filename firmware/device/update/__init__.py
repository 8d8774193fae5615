# SPDX-License-Identifier: MIT
"""Updates: new code and configuration that a server sends, signed, tried first, and taken back by the device itself."""

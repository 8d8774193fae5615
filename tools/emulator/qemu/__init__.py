# SPDX-License-Identifier: MIT
"""QEMU as the emulator of boards/rv32."""

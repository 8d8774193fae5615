# SPDX-License-Identifier: MIT
"""What a device costs: instructions on the unix port; heap, flash and time of the emulated RP2040."""

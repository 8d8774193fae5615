# SPDX-License-Identifier: MIT
"""A Raspberry Pi Pico on this computer, which runs the image that is flashed.

The emulator itself is JavaScript (main.mjs and the modules beside it) on npm's rp2040js; `client` starts and asks it,
`program` is the command.
"""

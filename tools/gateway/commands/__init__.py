# SPDX-License-Identifier: MIT
"""What is said to the store of a program on the command line, whether it runs or not; a command a file."""

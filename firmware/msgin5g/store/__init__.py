# SPDX-License-Identifier: MIT
"""What survives a power cut: the storage of the board, the journal in it, the messages that the journal keeps."""

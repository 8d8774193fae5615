# SPDX-License-Identifier: MIT
"""Messages on their way out: taken, composed, cut in segments, sent in turn."""

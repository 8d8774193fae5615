# SPDX-License-Identifier: MIT
"""Messages on their way in: checked, put together from their segments, kept until the application takes them."""

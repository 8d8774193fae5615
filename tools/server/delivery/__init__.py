# SPDX-License-Identifier: MIT
"""What goes out of the server: the queues of recipients, and what becomes of the messages in them."""

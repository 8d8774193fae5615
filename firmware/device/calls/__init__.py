# SPDX-License-Identifier: MIT
"""Calls of a running client, and of a message on its way, that not every application makes: each module is imported
with the first of its calls, which all become methods then (coap.compat.later). In the class from the beginning they
would cost each device heap.
"""

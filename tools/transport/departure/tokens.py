# SPDX-License-Identifier: MIT
"""Tokens of our requests that nobody guesses, and that no earlier run of this program used."""

import secrets

OCTETS = 4


def draw(manager):
    """Gives each request a Token of 32 random bits (RFC 7252 section 5.3.1). aiocoap counts on from one of 65,536.

    A program that is started again would come to Tokens that it used a moment ago, and take the answer to a request
    of then, which is late, for that to another of now: a message would count as delivered that no device took."""
    manager.token_manager.next_token = lambda: secrets.token_bytes(OCTETS)

# SPDX-License-Identifier: MIT
"""What a code is: RFC 7252 section 12.1. Class 0 is requests, but for 0.00; 2 is success, 4 and 5 are errors."""

import coap
from common import equal


def test_every_code():
    requests = {dd for dd in range(1, 32)}  # 0.01 to 0.31
    successes = {2 * 32 + dd for dd in range(32)}
    errors = {c * 32 + dd for c in (4, 5) for dd in range(32)}
    for code in range(6 * 32):
        found = coap.is_request(code), coap.is_success(code), coap.is_error(code)
        equal((code, found), (code, (code in requests, code in successes, code in errors)))

# SPDX-License-Identifier: MIT
"""Points in time as `expireTime` has them: RFC 3339. Imported with the first message that expires at the server."""

from coap.compat import const

_DAYS_BEFORE_MONTH = const((0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334))


def date_time(seconds):
    """Return seconds since 1970 as an RFC 3339 date-time in UTC."""
    days, seconds = divmod(int(seconds), 86400)
    year = 1970
    while True:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        if days < 365 + leap:
            break
        days -= 365 + leap
        year += 1
    month = 12
    while days < _DAYS_BEFORE_MONTH[month - 1] + (leap and month > 2):
        month -= 1
    day = days - _DAYS_BEFORE_MONTH[month - 1] - (leap and month > 2) + 1
    clock = (seconds // 3600, seconds // 60 % 60, seconds % 60)
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % ((year, month, day) + clock)

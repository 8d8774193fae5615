// SPDX-License-Identifier: MIT
// cyw43_country.h of cyw43-driver: two letters and a revision in one number.
#pragma once

#define CYW43_COUNTRY(a, b, revision) ((unsigned char)(a) | (unsigned char)(b) << 8 | (revision) << 16)

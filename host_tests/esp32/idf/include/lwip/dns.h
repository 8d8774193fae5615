// SPDX-License-Identifier: MIT
#pragma once

#include "sockets.h"

const ip_addr_t *dns_getserver(uint8_t number);
void dns_setserver(uint8_t number, const ip_addr_t *server);

// SPDX-License-Identifier: MIT
// What network_common.c uses of lwip/netif.h and lwip/ip_addr.h. Sockets themselves are a stand-in in Python.
#pragma once

#include "esp_netif.h"

#define NETIF_NAMESIZE 6
#define IPADDR_STRLEN_MAX 46
typedef esp_ip4_addr_t ip_addr_t;
char *ipaddr_ntoa_r(const ip_addr_t *address, char *text, int size);
int ipaddr_aton(const char *text, ip_addr_t *address);

// SPDX-License-Identifier: MIT
// What of lwIP's network interface the port's network_cyw43.c looks at (lwip/netif.h, ip4_addr.h, ip_addr.h).
#pragma once

#include <stdint.h>

typedef struct { uint32_t addr; } ip4_addr_t; // octets in the order of the network
typedef ip4_addr_t ip_addr_t;
#define ip_2_ip4(address) (address)

#define NETIF_FLAG_UP (0x01)
#define NETIF_FLAG_LINK_UP (0x04)

struct netif {
    ip_addr_t ip_addr, netmask, gw;
    uint8_t flags;
};

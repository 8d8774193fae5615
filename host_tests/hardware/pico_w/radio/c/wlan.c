// SPDX-License-Identifier: MIT
// MicroPython's network_cyw43.c as it is, and what it calls in network_lwip.c.
#include "py/objstr.h"
#include "py/runtime.h"
#include "shared/netutils/netutils.h"

#define MICROPY_PY_NETWORK_CYW43 (1)
struct netif;
mp_obj_t mod_network_nic_ifconfig(struct netif *netif, size_t n_args, const mp_obj_t *args);
mp_obj_t mod_network_nic_ipconfig(struct netif *netif, size_t n_args, const mp_obj_t *args, mp_map_t *kwargs);

#include "extmod/network_cyw43.c"

#include "air.h"

// The first branch; the name server is 8.8.8.8, as the driver sets it before DHCP tells of one.
mp_obj_t mod_network_nic_ifconfig(struct netif *netif, size_t n_args, const mp_obj_t *args) {
    (void)args;
    if (n_args != 0) {
        mp_raise_NotImplementedError(NULL);
    }
    ip_addr_t dns = { .addr = 0x08080808 };
    mp_obj_t tuple[4] = {
        netutils_format_ipv4_addr((uint8_t *)&netif->ip_addr, NETUTILS_BIG),
        netutils_format_ipv4_addr((uint8_t *)&netif->netmask, NETUTILS_BIG),
        netutils_format_ipv4_addr((uint8_t *)&netif->gw, NETUTILS_BIG),
        netutils_format_ipv4_addr((uint8_t *)&dns, NETUTILS_BIG),
    };
    return mp_obj_new_tuple(4, tuple);
}

mp_obj_t mod_network_nic_ipconfig(struct netif *netif, size_t n_args, const mp_obj_t *args, mp_map_t *kwargs) {
    (void)netif;
    (void)n_args;
    (void)args;
    (void)kwargs;
    mp_raise_NotImplementedError(NULL);
}

void cyw43_wlan_forget(void) {
    if_active[CYW43_ITF_STA] = if_active[CYW43_ITF_AP] = false;
}

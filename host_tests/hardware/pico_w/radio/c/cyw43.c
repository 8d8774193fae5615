// SPDX-License-Identifier: MIT
// The functions of cyw43-driver that MicroPython's network_cyw43.c calls, as its cyw43_ctrl.c and cyw43_lwip.c have them
// (the release that MicroPython 1.25 was made with), written anew: each names the function that it follows. The driver is
// no secret, but its licence binds it to Raspberry Pi's chips and it comes in no package. What the chip itself does is
// assumed, in air.c.

#include "py/mperrno.h"

#include "air.h"

cyw43_t cyw43_state;

// cyw43_ctrl.c: of a join the kind in the lower half octet, and a bit for each event that has come
enum { ACTIVE = 1, FAIL, NONET, BADAUTH, KIND = 0xf, AUTH = 0x200, LINK = 0x400, KEYED = 0x800 };
enum { JOINED = ACTIVE | AUTH | LINK | KEYED };

static bool on; // cyw43_poll is not NULL
static uint64_t dhcp_due; // 0: it waits for nothing
static uint64_t scan_due;

static void dhcp_in(int ms) {
    dhcp_due = cyw43_now() + ms;
    cyw43_wake(ms);
}

// lwIP's DHCP client, for the station (LWIP_DHCP_CHECK_LINK_UP: not before the link is up). An address stays while the link
// is down, and while it is asked for again (dhcp_network_changed, dhcp_reboot): the link is "up" with it at once.
static void dhcp(cyw43_t *self) {
    if (dhcp_due == 0 || cyw43_now() < dhcp_due) {
        return;
    }
    dhcp_in(1000); // asked for again
    struct netif *netif = &self->netif[CYW43_ITF_STA];
    uint32_t given = cyw43_air_address();
    if (!cyw43_knob.dhcp || given == 0) {
        return;
    }
    if (netif->ip_addr.addr != 0 && netif->ip_addr.addr != given) {
        netif->ip_addr.addr = 0; // dhcp_handle_nak; then from the beginning
        dhcp_in(cyw43_knob.dhcp_ms);
        return;
    }
    netif->ip_addr.addr = given;
    netif->netmask.addr = 0x00ffffff;
    dhcp_due = 0;
}

static void poll(cyw43_t *self) {
    if (on) {
        cyw43_air_poll();
        dhcp(self);
    }
}

void cyw43_follow(void) {
    poll(&cyw43_state);
}

// cyw43_lwip.c, cyw43_cb_tcpip_set_link_up, cyw43_cb_tcpip_set_link_down
static void set_link(cyw43_t *self, bool up) {
    struct netif *netif = &self->netif[CYW43_ITF_STA];
    bool was = netif->flags & NETIF_FLAG_LINK_UP;
    netif->flags = up ? netif->flags | NETIF_FLAG_LINK_UP : netif->flags & ~NETIF_FLAG_LINK_UP;
    if (up == was) {
        return;
    }
    dhcp_due = 0;
    if (up && netif->flags & NETIF_FLAG_UP) {
        dhcp_in(cyw43_knob.dhcp_ms);
    }
}

// cyw43_lwip.c, cyw43_cb_tcpip_init
static void tcpip_init(cyw43_t *self, int itf) {
    self->netif[itf].ip_addr.addr = 0;
    self->netif[itf].flags |= NETIF_FLAG_UP;
}

// cyw43_lwip.c, cyw43_cb_tcpip_deinit
static void tcpip_deinit(cyw43_t *self, int itf) {
    memset(&self->netif[itf], 0, sizeof(self->netif[itf]));
    if (itf == CYW43_ITF_STA) {
        dhcp_due = 0;
    }
}

// cyw43_init
static void init(cyw43_t *self) {
    self->itf_state = 0;
    self->join_state = 0;
    self->pend_disassoc = self->pend_rejoin = false;
    scan_due = 0;
    on = false;
}

// cyw43_ensure_up
static int ensure_up(cyw43_t *self) {
    if (on) {
        poll(self);
        return 0;
    }
    tcpip_deinit(self, CYW43_ITF_STA);
    tcpip_deinit(self, CYW43_ITF_AP);
    self->itf_state = 0;
    if (!cyw43_air_switch_on()) {
        return -MP_EIO;
    }
    on = true;
    return 0;
}

// cyw43_poll_func: what events asked for is done behind them
static void pending(cyw43_t *self) {
    if (self->pend_disassoc) {
        self->pend_disassoc = false;
        cyw43_air_leave();
    }
    if (self->pend_rejoin) {
        self->pend_rejoin = false;
        cyw43_air_rejoin();
        self->join_state = ACTIVE;
    }
}

// cyw43_cb_process_async_event, without CYW43_EV_PRUNE: a network of WPA alone is joined anew, as one
void cyw43_handle(const cyw43_event_t *event) {
    cyw43_t *self = &cyw43_state;
    switch (event->type) {
        case CYW43_EV_DISASSOC:
            set_link(self, false);
            self->join_state = 0;
            break;
        case CYW43_EV_SET_SSID:
            if (event->status != 0) {
                self->join_state = event->status == 3 && event->reason == 0 ? NONET : FAIL;
            }
            break;
        case CYW43_EV_AUTH:
            if (event->status == 0) {
                if ((self->join_state & KIND) == BADAUTH) {
                    self->join_state = (self->join_state & ~KIND) | ACTIVE;
                }
                self->join_state |= AUTH;
            } else if (event->status != 6) {
                self->join_state = BADAUTH;
            }
            break;
        case CYW43_EV_DEAUTH_IND:
            if (event->status == 0 && event->reason == 2) {
                self->pend_disassoc = true;
            }
            break;
        case CYW43_EV_LINK:
            if (event->status != 0) {
                break;
            }
            if (event->flags & 1) {
                self->join_state |= LINK;
            } else {
                set_link(self, false);
            }
            break;
        case CYW43_EV_PSK_SUP:
            if (event->status == 6) {
                self->join_state |= KEYED;
            } else if ((event->status == 4 || event->status == 8 || event->status == 10) && event->reason == 15) {
                self->pend_rejoin = true;
            } else {
                self->join_state = BADAUTH;
            }
            break;
    }
    if (self->join_state == JOINED) {
        self->join_state = ACTIVE;
        set_link(self, true);
    }
    pending(self);
}

// --- what the port calls

void cyw43_deinit(cyw43_t *self) {
    cyw43_called("cyw43_deinit");
    if (!on) {
        return;
    }
    tcpip_deinit(self, CYW43_ITF_STA);
    tcpip_deinit(self, CYW43_ITF_AP);
    cyw43_air_switch_off();
    init(self);
}

void cyw43_power_cycle(void) {
    cyw43_air_switch_off();
    memset(&cyw43_state, 0, sizeof(cyw43_state));
    dhcp_due = 0;
    init(&cyw43_state);
}

// The station is never set down: nothing happens then (cyw43_wifi_set_up has a branch for the access point only).
void cyw43_wifi_set_up(cyw43_t *self, int itf, bool up, uint32_t country) {
    (void)country;
    cyw43_called("cyw43_wifi_set_up");
    if (!up) {
        poll(self);
        return;
    }
    if (self->itf_state == 0) {
        if (ensure_up(self) != 0) {
            return; // in silence
        }
        self->pm = 0xa11142; // CYW43_DEFAULT_PM
    }
    if ((self->itf_state & 1 << itf) == 0) {
        tcpip_deinit(self, itf);
        tcpip_init(self, itf);
        self->itf_state |= 1 << itf;
    }
}

int cyw43_wifi_join(cyw43_t *self, size_t ssid_len, const uint8_t *ssid, size_t key_len, const uint8_t *key,
    uint32_t auth_type, const uint8_t *bssid, uint32_t channel) {
    (void)bssid;
    (void)channel;
    cyw43_called("cyw43_wifi_join");
    if ((self->itf_state & 1 << CYW43_ITF_STA) == 0) {
        return -MP_EPERM;
    }
    int ret = ensure_up(self);
    if (ret != 0) {
        return ret;
    }
    // cyw43_ll_wifi_join refuses what 802.11 has no room for
    if (ssid_len > 32 || key_len > 64) {
        return -MP_EINVAL;
    }
    cyw43_air_join(ssid, ssid_len, key, key_len, auth_type == CYW43_AUTH_OPEN);
    self->join_state = ACTIVE | (auth_type == CYW43_AUTH_OPEN ? KEYED : 0);
    return 0;
}

int cyw43_wifi_leave(cyw43_t *self, int itf) {
    cyw43_called("cyw43_wifi_leave");
    return cyw43_ioctl(self, CYW43_IOCTL_SET_DISASSOC, 0, NULL, itf);
}

int cyw43_ioctl(cyw43_t *self, uint32_t command, size_t length, uint8_t *octets, uint32_t itf) {
    (void)itf;
    int ret = ensure_up(self);
    if (ret != 0) {
        return ret;
    }
    if (length != 0 && command != CYW43_IOCTL_SET_VAR) {
        memset(octets, 0, length);
    }
    switch (command) {
        case CYW43_IOCTL_SET_DISASSOC:
            cyw43_air_leave();
            break;
        case CYW43_IOCTL_GET_RSSI: {
            int32_t rssi = 0;
            if (cyw43_air_associated(&rssi)) {
                memcpy(octets, &rssi, sizeof(rssi));
            }
            break;
        }
    }
    return 0;
}

int cyw43_wifi_link_status(cyw43_t *self, int itf) {
    if (itf != CYW43_ITF_STA) {
        return CYW43_LINK_DOWN;
    }
    switch (self->join_state & KIND) {
        case ACTIVE:
            return CYW43_LINK_JOIN;
        case FAIL:
            return CYW43_LINK_FAIL;
        case NONET:
            return CYW43_LINK_NONET;
        case BADAUTH:
            return CYW43_LINK_BADAUTH;
    }
    return CYW43_LINK_DOWN;
}

// cyw43_lwip.c
int cyw43_tcpip_link_status(cyw43_t *self, int itf) {
    poll(self); // the port's PendSV would have done that by now
    struct netif *netif = &self->netif[itf];
    if ((netif->flags & (NETIF_FLAG_UP | NETIF_FLAG_LINK_UP)) == (NETIF_FLAG_UP | NETIF_FLAG_LINK_UP)) {
        return netif->ip_addr.addr != 0 ? CYW43_LINK_UP : CYW43_LINK_NOIP;
    }
    return cyw43_wifi_link_status(self, itf);
}

int cyw43_wifi_pm(cyw43_t *self, uint32_t pm) {
    int ret = ensure_up(self);
    self->pm = pm;
    return ret;
}

int cyw43_wifi_get_pm(cyw43_t *self, uint32_t *pm) {
    *pm = self->pm;
    return ensure_up(self);
}

int cyw43_wifi_get_rssi(cyw43_t *self, int32_t *rssi) {
    *rssi = 0; // the port's variable has no value of its own
    if ((self->itf_state & 1 << CYW43_ITF_STA) == 0) {
        return -MP_EPERM;
    }
    return cyw43_ioctl(self, CYW43_IOCTL_GET_RSSI, sizeof(*rssi), (uint8_t *)rssi, CYW43_ITF_STA);
}

int cyw43_wifi_get_mac(cyw43_t *self, int itf, uint8_t mac[6]) {
    (void)self;
    (void)itf; // both have the same
    static const uint8_t own[6] = { 0x28, 0xcd, 0xc1, 1, 2, 3 };
    memcpy(mac, own, 6);
    return 0;
}

int cyw43_wifi_scan(cyw43_t *self, cyw43_wifi_scan_options_t *options, void *env,
    int (*found)(void *env, const cyw43_ev_scan_result_t *result)) {
    (void)options;
    if (self->itf_state == 0) {
        return -MP_EPERM;
    }
    int ret = ensure_up(self);
    if (ret == 0) {
        cyw43_air_each(env, found);
        scan_due = cyw43_now() + cyw43_knob.scan;
    }
    return ret;
}

bool cyw43_wifi_scan_active(cyw43_t *self) {
    poll(self);
    return on && cyw43_now() < scan_due;
}

int cyw43_send_ethernet(cyw43_t *self, int itf, size_t length, const void *octets, bool is_pbuf) {
    (void)itf;
    (void)length;
    (void)octets;
    (void)is_pbuf;
    return ensure_up(self);
}

// --- the access point that the chip can be itself: it can't here

void cyw43_wifi_ap_get_stas(cyw43_t *self, int *count, uint8_t *macs) {
    (void)self;
    (void)macs;
    *count = 0;
}

void cyw43_wifi_ap_get_max_stas(cyw43_t *self, int *count) {
    cyw43_wifi_ap_get_stas(self, count, NULL);
}

void cyw43_wifi_ap_get_ssid(cyw43_t *self, size_t *length, const uint8_t **ssid) {
    (void)self;
    *length = 0;
    *ssid = (const uint8_t *)"";
}

uint32_t cyw43_wifi_ap_get_auth(cyw43_t *self) {
    (void)self;
    return CYW43_AUTH_OPEN;
}

void cyw43_wifi_ap_set_channel(cyw43_t *self, uint32_t channel) {
    (void)self;
    (void)channel;
}

void cyw43_wifi_ap_set_ssid(cyw43_t *self, size_t length, const uint8_t *ssid) {
    (void)self;
    (void)length;
    (void)ssid;
}

void cyw43_wifi_ap_set_password(cyw43_t *self, size_t length, const uint8_t *key) {
    (void)self;
    (void)length;
    (void)key;
}

void cyw43_wifi_ap_set_auth(cyw43_t *self, uint32_t auth) {
    (void)self;
    (void)auth;
}

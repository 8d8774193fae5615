// SPDX-License-Identifier: MIT
// What of cyw43-driver MicroPython's network_cyw43.c is compiled with: names and numbers of its cyw43.h and cyw43_ll.h, and
// of a cyw43_t the members that the port and the imitation (cyw43.c) have a use for.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lwip/netif.h"

// cyw43.h: cyw43_wifi_link_status(), cyw43_tcpip_link_status()
#define CYW43_LINK_DOWN (0)
#define CYW43_LINK_JOIN (1)
#define CYW43_LINK_NOIP (2)
#define CYW43_LINK_UP (3)
#define CYW43_LINK_FAIL (-1)
#define CYW43_LINK_NONET (-2)
#define CYW43_LINK_BADAUTH (-3)
#define CYW43_TRACE_MAC (0x0010)

// cyw43_ll.h
enum { CYW43_ITF_STA, CYW43_ITF_AP };
#define CYW43_CHANNEL_NONE (0xffffffff)
#define CYW43_AUTH_OPEN (0)
#define CYW43_AUTH_WPA2_MIXED_PSK (0x00400006)
#define CYW43_AUTH_WPA3_SAE_AES_PSK (0x01000004)
#define CYW43_AUTH_WPA3_WPA2_AES_PSK (0x01400004)
#define CYW43_NO_POWERSAVE_MODE (0)
#define CYW43_PM1_POWERSAVE_MODE (1)
#define CYW43_PM2_POWERSAVE_MODE (2)
#define CYW43_IOCTL_GET_SSID (0x32)
#define CYW43_IOCTL_GET_CHANNEL (0x3a)
#define CYW43_IOCTL_SET_DISASSOC (0x69)
#define CYW43_IOCTL_GET_ANTDIV (0x7e)
#define CYW43_IOCTL_SET_ANTDIV (0x81)
#define CYW43_IOCTL_SET_MONITOR (0xd9)
#define CYW43_IOCTL_GET_RSSI (0xfe)
#define CYW43_IOCTL_GET_VAR (0x20c)
#define CYW43_IOCTL_SET_VAR (0x20f)
#define CYW43_EV_SET_SSID (0)
#define CYW43_EV_AUTH (3)
#define CYW43_EV_DEAUTH_IND (6)
#define CYW43_EV_DISASSOC (11)
#define CYW43_EV_LINK (16)
#define CYW43_EV_PSK_SUP (46)

typedef struct {
    uint8_t bssid[6];
    uint8_t ssid_len;
    uint8_t ssid[32];
    uint16_t channel;
    uint8_t auth_mode;
    int16_t rssi;
} cyw43_ev_scan_result_t;

typedef struct {
    uint32_t ssid_len;
    uint8_t ssid[32];
    uint8_t bssid[6];
    int8_t scan_type;
} cyw43_wifi_scan_options_t;

typedef struct {
    struct netif netif[2];
    uint32_t trace_flags;
    uint8_t itf_state; // a bit for each interface
    uint32_t join_state;
    bool pend_disassoc, pend_rejoin;
    uint32_t pm;
} cyw43_t;

extern cyw43_t cyw43_state;

void cyw43_deinit(cyw43_t *self);
int cyw43_ioctl(cyw43_t *self, uint32_t command, size_t length, uint8_t *octets, uint32_t itf);
int cyw43_send_ethernet(cyw43_t *self, int itf, size_t length, const void *octets, bool is_pbuf);
int cyw43_tcpip_link_status(cyw43_t *self, int itf);
int cyw43_wifi_link_status(cyw43_t *self, int itf);
void cyw43_wifi_set_up(cyw43_t *self, int itf, bool up, uint32_t country);
int cyw43_wifi_pm(cyw43_t *self, uint32_t pm);
int cyw43_wifi_get_pm(cyw43_t *self, uint32_t *pm);
int cyw43_wifi_get_mac(cyw43_t *self, int itf, uint8_t mac[6]);
int cyw43_wifi_get_rssi(cyw43_t *self, int32_t *rssi);
int cyw43_wifi_scan(cyw43_t *self, cyw43_wifi_scan_options_t *options, void *env,
    int (*found)(void *env, const cyw43_ev_scan_result_t *result));
bool cyw43_wifi_scan_active(cyw43_t *self);
int cyw43_wifi_join(cyw43_t *self, size_t ssid_len, const uint8_t *ssid, size_t key_len, const uint8_t *key,
    uint32_t auth_type, const uint8_t *bssid, uint32_t channel);
int cyw43_wifi_leave(cyw43_t *self, int itf);

// The access point that the chip can be itself: not imitated.
void cyw43_wifi_ap_get_stas(cyw43_t *self, int *count, uint8_t *macs);
void cyw43_wifi_ap_get_max_stas(cyw43_t *self, int *count);
void cyw43_wifi_ap_get_ssid(cyw43_t *self, size_t *length, const uint8_t **ssid);
uint32_t cyw43_wifi_ap_get_auth(cyw43_t *self);
void cyw43_wifi_ap_set_channel(cyw43_t *self, uint32_t channel);
void cyw43_wifi_ap_set_ssid(cyw43_t *self, size_t length, const uint8_t *ssid);
void cyw43_wifi_ap_set_password(cyw43_t *self, size_t length, const uint8_t *key);
void cyw43_wifi_ap_set_auth(cyw43_t *self, uint32_t auth);

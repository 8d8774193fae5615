// SPDX-License-Identifier: MIT
// What the parts of the imitation tell each other: cyw43.c has the driver, air.c the chip with the air around it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/cyw43-driver/src/cyw43.h"

// What is assumed of the chip's firmware and of access points, for which there is no documentation. ms where no word
// says else.
#define KNOBS(X) \
    X(start, 250) /* until the chip is switched on and has its firmware */ \
    X(broken, 0) /* times that it does not start (cyw43_ll_bus_init fails) */ \
    X(scan, 900) /* until it has found an access point of that name, or none */ \
    X(join, 300) /* until it is associated and has its keys, or not */ \
    X(wrong_password, 0) /* how that is told: WRONG_ below */ \
    X(beacons, 5000) /* until it misses an access point that is gone */ \
    X(told, 1) /* whether it tells of that, and of being thrown out: EV_LINK, down */ \
    X(rejoins, 1) /* whether it joins by itself again when a network that it had is back */ \
    X(leave, 20) /* from SET_DISASSOC to EV_DISASSOC */ \
    X(leave_always, 1) /* EV_DISASSOC where it was not associated either */ \
    X(survives, 0) /* an attempt that goes on goes on behind SET_DISASSOC */ \
    X(dhcp, 1) /* whether an address is given */ \
    X(dhcp_ms, 400) \
    X(deaf, 0) /* events that are lost, one after the other */

typedef struct {
#define X(name, value) int name;
    KNOBS(X)
#undef X
} knobs_t;
extern knobs_t cyw43_knob;

enum {
    WRONG_KEYS, // EV_PSK_SUP of another status: BADAUTH
    WRONG_AUTH, // EV_AUTH of a status that is no success: BADAUTH
    WRONG_DEAUTH, // EV_DEAUTH_IND of reason 2, which the driver answers with SET_DISASSOC: in the end DOWN
    WRONG_FAIL, // EV_SET_SSID of another status: FAIL
    WRONG_AGAIN, // EV_PSK_SUP of status 8 and reason 15, which the driver takes for a bad signal and tries again
};

typedef struct { int type, status, reason, flags; } cyw43_event_t;

uint64_t cyw43_now(void);
void cyw43_wake(int ms); // cyw43_follow() is called after that time
void cyw43_follow(void); // what was to happen by now does
void cyw43_handle(const cyw43_event_t *event); // by the driver

bool cyw43_air_switch_on(void);
void cyw43_air_switch_off(void);
void cyw43_air_poll(void); // everything that was to happen by now
void cyw43_air_join(const uint8_t *ssid, size_t ssid_len, const uint8_t *key, size_t key_len, bool open);
void cyw43_air_rejoin(void);
void cyw43_air_leave(void);
bool cyw43_air_associated(int32_t *rssi);
void cyw43_air_each(void *env, int (*found)(void *env, const cyw43_ev_scan_result_t *result));
uint32_t cyw43_air_address(void); // that the access point would give

void cyw43_called(const char *name);
void cyw43_power_cycle(void);
void cyw43_wlan_forget(void); // network_cyw43.c: its static variables

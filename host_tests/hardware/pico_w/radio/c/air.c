// SPDX-License-Identifier: MIT
// The CYW43439 with its firmware, and access points around it: all of this is assumed, and what may be one way or another is
// a knob (air.h). What it tells the driver are the events of cyw43_ll.h.
//
// Time is that of the module `idf`, whose clock calls when something is due.

#include <stdio.h>

#include "py/runtime.h"

#include "air.h"

uintptr_t idf_ticks_ms(void);
void idf_delay_ms(uintptr_t ms);
void post_call(int ms, void (*run)(const void *data), const void *data, size_t length);

knobs_t cyw43_knob = {
#define X(name, value) .name = value,
    KNOBS(X)
#undef X
};

typedef struct { char ssid[33], key[65]; uint32_t address; int8_t rssi; bool there; } ap_t;
typedef struct { uint64_t due; uint32_t order; cyw43_event_t event; } entry_t;
enum { IDLE, SEARCHING, JOINING, ASSOCIATED, LOST };

static ap_t aps[8];
static entry_t entries[64];
static int entry_count;
static uint32_t order;
static int state;
static uint64_t due; // of the end of SEARCHING and JOINING; when ASSOCIATED of missing the beacons, 0 while they come
static char ssid[33], key[65];
static bool open;
static bool polling;

uint64_t cyw43_now(void) {
    return idf_ticks_ms();
}

static void woken(const void *data) {
    (void)data;
    cyw43_follow();
}

void cyw43_wake(int ms) {
    post_call(ms, woken, NULL, 0);
}

static void due_in(int ms) {
    due = cyw43_now() + ms;
    cyw43_wake(ms);
}

// --- events

static void tell_after(int ms, int type, int status, int reason, int flags) {
    if (entry_count == MP_ARRAY_SIZE(entries)) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("cyw43: too many events"));
    }
    cyw43_event_t event = { .type = type, .status = status, .reason = reason, .flags = flags };
    cyw43_wake(ms);
    entries[entry_count++] = (entry_t) { .due = cyw43_now() + ms, .order = order++, .event = event };
}

static void tell(int type, int status, int reason, int flags) {
    tell_after(0, type, status, reason, flags);
}

// The next event that is due; false where there is none.
static bool next(cyw43_event_t *event) {
    int first = -1;
    for (int i = 0; i < entry_count; i++) {
        if (entries[i].due <= cyw43_now()
            && (first < 0 || entries[i].due < entries[first].due
                || (entries[i].due == entries[first].due && entries[i].order < entries[first].order))) {
            first = i;
        }
    }
    if (first < 0) {
        return false;
    }
    *event = entries[first].event;
    entries[first] = entries[--entry_count];
    return true;
}

// --- access points

static ap_t *find(const char *name) {
    for (size_t i = 0; i < MP_ARRAY_SIZE(aps); i++) {
        if (aps[i].there && strcmp(aps[i].ssid, name) == 0) {
            return &aps[i];
        }
    }
    return NULL;
}

void cyw43_air_ap(const char *name, const char *password, uint32_t address, int rssi, bool there) {
    ap_t *ap = find(name);
    for (size_t i = 0; ap == NULL && i < MP_ARRAY_SIZE(aps); i++) {
        if (!aps[i].there) {
            ap = &aps[i];
        }
    }
    if (ap == NULL || strlen(name) > 32 || strlen(password) > 64) {
        mp_raise_ValueError(MP_ERROR_TEXT("cyw43: no room for this access point"));
    }
    strcpy(ap->ssid, name);
    strcpy(ap->key, password);
    ap->address = address;
    ap->rssi = rssi;
    ap->there = there;
}

static bool takes(const ap_t *ap) {
    return ap != NULL && (open ? ap->key[0] == 0 : strcmp(ap->key, key) == 0);
}

// --- the chip

bool cyw43_air_switch_on(void) {
    idf_delay_ms(cyw43_knob.start);
    if (cyw43_knob.broken > 0) {
        cyw43_knob.broken--;
        return false;
    }
    return true;
}

void cyw43_air_switch_off(void) {
    state = IDLE;
    entry_count = 0;
}

void cyw43_air_forget(void) {
    memset(aps, 0, sizeof(aps));
}

static void search(int status) {
    state = status;
    due_in(cyw43_knob.scan);
}

void cyw43_air_join(const uint8_t *name, size_t name_len, const uint8_t *password, size_t password_len, bool is_open) {
    memset(ssid, 0, sizeof(ssid));
    memset(key, 0, sizeof(key));
    memcpy(ssid, name, name_len);
    if (password_len != 0) {
        memcpy(key, password, password_len);
    }
    open = is_open;
    search(SEARCHING);
}

void cyw43_air_rejoin(void) {
    search(SEARCHING);
}

void cyw43_air_leave(void) {
    if (state != IDLE || cyw43_knob.leave_always) {
        tell_after(cyw43_knob.leave, CYW43_EV_DISASSOC, 0, 0, 0);
    }
    if (state == ASSOCIATED || !cyw43_knob.survives) {
        state = IDLE;
    }
}

static void associated(void) {
    tell(CYW43_EV_AUTH, 0, 0, 0);
    tell(CYW43_EV_LINK, 0, 0, 1);
    tell(CYW43_EV_SET_SSID, 0, 0, 0);
    if (!open) {
        tell(CYW43_EV_PSK_SUP, 6, 0, 0);
    }
    state = ASSOCIATED;
    due = 0;
}

static void refused(void) {
    int how = cyw43_knob.wrong_password;
    state = IDLE;
    if (how == WRONG_FAIL || open) {
        tell(CYW43_EV_SET_SSID, 1, 0, 0);
        return;
    }
    if (how == WRONG_AUTH) {
        tell(CYW43_EV_AUTH, 1, 0, 0);
        return;
    }
    tell(CYW43_EV_AUTH, 0, 0, 0);
    tell(CYW43_EV_LINK, 0, 0, 1);
    tell(CYW43_EV_SET_SSID, 0, 0, 0);
    if (how == WRONG_DEAUTH) {
        state = JOINING;
        due = UINT64_MAX; // until it is told to leave
        tell(CYW43_EV_DEAUTH_IND, 0, 2, 0);
    } else if (how == WRONG_AGAIN) {
        tell(CYW43_EV_PSK_SUP, 8, 15, 0);
    } else {
        tell(CYW43_EV_PSK_SUP, 1, 0, 0);
        tell(CYW43_EV_LINK, 0, 0, 0);
    }
}

static void lost(void) {
    if (cyw43_knob.told) {
        tell(CYW43_EV_LINK, 0, 0, 0);
    }
    state = cyw43_knob.rejoins ? LOST : IDLE;
    due = 0;
}

// One step of what it is about; whether there was one.
static bool step(void) {
    ap_t *ap = find(ssid);
    switch (state) {
        case SEARCHING:
            if (cyw43_now() < due) {
                return false;
            }
            if (ap == NULL) {
                state = IDLE;
                tell(CYW43_EV_SET_SSID, 3, 0, 0);
            } else {
                state = JOINING;
                due_in(cyw43_knob.join);
            }
            return true;
        case JOINING:
            if (due == UINT64_MAX || cyw43_now() < due) {
                return false;
            }
            if (takes(ap)) {
                associated();
            } else {
                refused();
            }
            return true;
        case ASSOCIATED:
            if (takes(ap)) {
                due = 0;
                return false;
            }
            if (due == 0) {
                due_in(cyw43_knob.beacons);
            }
            if (cyw43_now() < due) {
                return false;
            }
            lost();
            return true;
        case LOST: // it looks for the network that it had
            if (!takes(ap)) {
                due = 0;
                return false;
            }
            if (due == 0) {
                due_in(cyw43_knob.scan + cyw43_knob.join);
            }
            if (cyw43_now() < due) {
                return false;
            }
            if (cyw43_knob.told) {
                associated();
            } else {
                state = ASSOCIATED; // it never told that it was away
                due = 0;
            }
            return true;
    }
    return false;
}

void cyw43_air_poll(void) {
    if (polling) {
        return;
    }
    polling = true;
    bool more;
    do {
        cyw43_event_t event;
        more = step();
        while (next(&event)) {
            more = true;
            if (cyw43_knob.deaf > 0) {
                cyw43_knob.deaf--;
            } else {
                cyw43_handle(&event);
            }
        }
    } while (more);
    polling = false;
}

void cyw43_air_throw_out(int reason) {
    cyw43_air_poll();
    if (state == ASSOCIATED) {
        tell(CYW43_EV_DEAUTH_IND, 0, reason, 0);
        lost();
    }
}

bool cyw43_air_associated(int32_t *rssi) {
    ap_t *ap = state == ASSOCIATED ? find(ssid) : NULL;
    if (ap != NULL) {
        *rssi = ap->rssi;
    }
    return ap != NULL;
}

uint32_t cyw43_air_address(void) {
    ap_t *ap = state == ASSOCIATED ? find(ssid) : NULL;
    return ap == NULL ? 0 : ap->address;
}

const char *cyw43_air_state(void) {
    static const char *const names[] = { "idle", "searching", "joining", "associated", "lost" };
    return names[state];
}

void cyw43_air_each(void *env, int (*found)(void *env, const cyw43_ev_scan_result_t *result)) {
    for (size_t i = 0; i < MP_ARRAY_SIZE(aps); i++) {
        if (aps[i].there) {
            cyw43_ev_scan_result_t result = { .bssid = { 2, 0, 0, 0, 0, i }, .channel = 6, .rssi = aps[i].rssi };
            result.ssid_len = strlen(aps[i].ssid);
            memcpy(result.ssid, aps[i].ssid, result.ssid_len);
            result.auth_mode = aps[i].key[0] ? 4 : 0;
            found(env, &result);
        }
    }
}

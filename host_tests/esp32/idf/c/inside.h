// SPDX-License-Identifier: MIT
// What the parts of the imitation share. What the port calls is in ../include.
#pragma once

#include "esp_now.h"
#include "esp_wifi.h"

#include "knobs.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

// --- clock.c: time, events, what was called

// Each has one time at which it is due, in ms; 0: never.
enum { TIMER_STATION, TIMER_BEACONS, TIMER_DHCP, TIMER_ADDRESS_LOST, TIMER_WATCHDOG, TIMERS };

uint64_t now_ms(void);
bool is_real(void);
void set_real(bool on);
void timer_set(int timer, int64_t ms, void (*run)(void)); // ms from now, at least 1; below 0: never
bool timer_is_set(int timer);
void post_event(esp_event_base_t base, int32_t id, const void *data, size_t length);
void post_call(int ms, void (*run)(const void *data), const void *data, size_t length);
void run_until(uint64_t ms);           // all that is due by then; virtual time is moved there
uint64_t run_next(uint64_t most);      // to the next thing that happens, `most` ms at most; how many ms that was
esp_err_t done(esp_err_t error);       // the end of a call: what it caused and is due comes first
void called(const char *name);
#define CALLED called(__func__)
size_t call_count(size_t i, const char **name); // 0 after the last
void clock_forget(void);

// --- station.c: the station of the driver

typedef struct {
    char ssid[33], password[65];
    uint8_t bssid[6], channel;
    int8_t rssi;
} ap_t;

enum { IDLE, SCANNING, JOINING, ASSOCIATED, UP };

extern bool wifi_initialised, wifi_running;
extern wifi_mode_t wifi_mode;
extern wifi_config_t wifi_configs[2];
extern uint8_t wifi_channel;
extern uint8_t wifi_macs[2][6];
int station_state(void);
void station_got_address(void);
void station_fail(int reason);
void station_look(void); // at the access points, which have changed
void station_stopped(void);
bool station_sleep(void); // whether there was a connection, or one in the making
void station_wake(bool lost);
bool station_outcome(int reason); // how an attempt to come will end; false where there is no room for more
void station_forget(void);
const ap_t *station_joined(void); // NULL: none

// --- air.c: access points

enum { APS = 8 };
extern int ap_count;
ap_t *ap_at(int i);
ap_t *ap_find(const char *ssid);
bool ap_up(const char *ssid, const char *password, int channel, int rssi); // false where there is no room
void ap_down(const char *ssid);
void air_forget(void);
void air_follow(void); // what the file says that AIR names, if it has changed

// --- netif.c: addresses

void netif_connected(void);
void netif_disconnected(void);
void netif_lease(uint32_t address); // 0: the lease ends; else what DHCP gives from now on
void netif_forget(void);

// --- now.c: ESP-NOW

bool now_frame(const uint8_t *mac, const uint8_t *data, size_t length, int rssi, int channel, const uint8_t *lmk);
size_t now_sent_count(void);
size_t now_sent(size_t i, const uint8_t **mac, const uint8_t **data);
void now_sent_clear(void);
void now_forget(void);

// --- chip.c

enum { EXIT_RESTART = 101, EXIT_DEEP_SLEEP = 102, EXIT_PANIC = 103, EXIT_BROWNOUT = 104, EXIT_ASLEEP_FOR_EVER = 105 };
void chip_end(int code) __attribute__((noreturn));

// --- wlan.c: the variables of network_wlan.c, as they are when the chip is switched on

void wlan_forget(void);

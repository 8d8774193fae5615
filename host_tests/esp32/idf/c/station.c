// SPDX-License-Identifier: MIT
// The driver's station: mode, start and stop, joining and losing an access point. Sentences are those of esp_wifi.h and
// of the page "Wi-Fi Driver" with its "Wi-Fi Reason Code".
//
// Not imitated: several access points of one name, power save, AP mode beyond its start and stop.

#include "inside.h"

esp_event_base_t const WIFI_EVENT = "WIFI_EVENT";

knobs_t knob = {
#define X(name, value) .name = value,
    KNOBS(X)
#undef X
};

bool wifi_initialised, wifi_running;
wifi_mode_t wifi_mode = WIFI_MODE_NULL;
wifi_config_t wifi_configs[2];
uint8_t wifi_channel = 1;

static int state;
static ap_t joined; // a copy, from JOINING on
static uint64_t left; // when esp_wifi_disconnect() was called last, 0: never
static int outcomes[32], outcome_count; // of the next attempts: a reason, 0 for none, -1 for no end

static void step(void);

int station_state(void) {
    return state;
}

const ap_t *station_joined(void) {
    return state >= ASSOCIATED ? &joined : NULL;
}

static void go(int to, int ms) {
    state = to;
    timer_set(TIMER_STATION, ms, step);
}

static void rest(void) {
    state = IDLE;
    timer_set(TIMER_STATION, -1, step);
    timer_set(TIMER_BEACONS, -1, step);
    netif_disconnected();
}

// WIFI_EVENT_STA_DISCONNECTED: "When esp_wifi_connect() is called, but the Wi-Fi driver fails to set up a connection with
// the AP due to certain reasons"; "When the Wi-Fi connection is disrupted because of specific reasons"
void station_fail(int reason) {
    wifi_event_sta_disconnected_t gone = { .reason = reason, .rssi = state >= ASSOCIATED ? joined.rssi : -128 };
    memcpy(gone.ssid, wifi_configs[0].sta.ssid, sizeof(gone.ssid));
    gone.ssid_len = strnlen((char *)gone.ssid, sizeof(gone.ssid));
    rest();
    post_event(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED, &gone, sizeof(gone));
}

bool station_outcome(int reason) {
    if (outcome_count == ARRAY_SIZE(outcomes)) {
        return false;
    }
    outcomes[outcome_count++] = reason;
    return true;
}

// How this attempt ends: a reason, 0 where the access point decides, -1 for never.
static int outcome(void) {
    if (outcome_count) {
        int first = outcomes[0];
        memmove(&outcomes[0], &outcomes[1], --outcome_count * sizeof(outcomes[0]));
        return first;
    }
    return knob.hang ? -1 : knob.reason;
}

static int attempt; // its outcome
static int refusal; // the reason that is told in the end

static void refused(int reason) {
    refusal = reason;
    timer_set(TIMER_STATION, knob.refuse, step);
}

// "Wi-Fi Reason Code", NO_AP_FOUND: "when the station fails to scan the target AP"; NO_AP_FOUND_W_COMPATIBLE_SECURITY: "The
// station is configured in Open mode; however, the Access Point is broadcasting in secure mode"; "The station is configured
// in secure mode (Password or Enterprise mode); however, an Open AP is found during the scan"
static void scanned(const ap_t *ap, const char *password) {
    if (attempt == WIFI_REASON_NO_AP_FOUND || attempt >= WIFI_REASON_NO_AP_FOUND_W_COMPATIBLE_SECURITY) {
        station_fail(attempt);
    } else if (attempt) {
        refusal = 0;
        go(JOINING, knob.join);
    } else if (ap == NULL) {
        station_fail(WIFI_REASON_NO_AP_FOUND);
    } else if (!ap->password[0] != !password[0]) {
        station_fail(WIFI_REASON_NO_AP_FOUND_W_COMPATIBLE_SECURITY);
    } else {
        joined = *ap;
        wifi_channel = ap->channel;
        refusal = 0;
        go(JOINING, knob.join);
    }
}

// "Station Connecting Scenario": authentication, association and the handshake, in which a password is looked at
static void tried(const ap_t *ap, const char *password) {
    if (refusal) {
        station_fail(refusal);
    } else if (attempt) {
        refused(attempt);
    } else if (ap == NULL || ap->channel != joined.channel) {
        refused(WIFI_REASON_AUTH_EXPIRE); // "auth is timed out"
    } else if (ap->password[0] && strcmp(ap->password, password) != 0) {
        refused(knob.wrong_password);
    } else {
        go(ASSOCIATED, -1);
        wifi_event_sta_connected_t there = { .channel = joined.channel };
        memcpy(there.ssid, wifi_configs[0].sta.ssid, sizeof(there.ssid));
        memcpy(there.bssid, joined.bssid, sizeof(there.bssid));
        there.ssid_len = strnlen((char *)there.ssid, sizeof(there.ssid));
        there.authmode = joined.password[0] ? WIFI_AUTH_WPA2_PSK : WIFI_AUTH_OPEN;
        post_event(WIFI_EVENT, WIFI_EVENT_STA_CONNECTED, &there, sizeof(there));
        netif_connected();
    }
}

static void step(void) {
    char ssid[33] = "", password[65] = "";
    memcpy(ssid, wifi_configs[0].sta.ssid, 32);
    memcpy(password, wifi_configs[0].sta.password, 64);
    const ap_t *ap = ap_find(ssid);
    if (attempt < 0) {
        return; // it hangs
    }
    if (state == SCANNING) {
        scanned(ap, password);
    } else if (state == JOINING) {
        tried(ap, password);
    }
}

void station_got_address(void) {
    state = UP;
}

static void silent(void) {
    station_fail(WIFI_REASON_BEACON_TIMEOUT);
}

// esp_wifi_set_inactive_time: "If the station does not receive a beacon frame from the connected SoftAP during the
// inactive time, disconnect from SoftAP"
void station_look(void) {
    if (state < ASSOCIATED) {
        return;
    }
    const ap_t *ap = ap_find(joined.ssid);
    if (ap != NULL && ap->channel != joined.channel && knob.csa) {
        joined = *ap;
        wifi_channel = ap->channel;
    }
    if (ap != NULL && ap->channel == joined.channel) {
        joined.rssi = ap->rssi;
        timer_set(TIMER_BEACONS, -1, silent);
    } else if (!timer_is_set(TIMER_BEACONS)) {
        timer_set(TIMER_BEACONS, knob.beacons, silent);
    }
}

// esp_wifi_init: "Allocate resource for WiFi driver, such as WiFi control structure, RX/TX buffer"
esp_err_t esp_wifi_init(const wifi_init_config_t *config) {
    CALLED;
    wifi_initialised = true;
    wifi_mode = WIFI_MODE_STA; // esp_wifi_set_mode: "The default mode is station mode"
    return ESP_OK;
}

// esp_wifi_get_mode: "ESP_ERR_WIFI_NOT_INIT: WiFi is not initialized by esp_wifi_init"
esp_err_t esp_wifi_get_mode(wifi_mode_t *to) {
    CALLED;
    *to = wifi_mode;
    return wifi_initialised ? ESP_OK : ESP_ERR_WIFI_NOT_INIT;
}

static void changed(bool was, bool is, int start, int stop) {
    if (was != is) {
        post_event(WIFI_EVENT, is ? start : stop, NULL, 0);
    }
}

// WIFI_EVENT_STA_DISCONNECTED: "When esp_wifi_disconnect() or esp_wifi_stop() is called and the station is already
// connected to the AP"
static void set(wifi_mode_t mode, bool running) {
    wifi_mode_t was = wifi_running ? wifi_mode : 0, is = running ? mode : 0;
    if ((was & WIFI_MODE_STA) && !(is & WIFI_MODE_STA)) {
        if (state >= ASSOCIATED) {
            station_fail(WIFI_REASON_ASSOC_LEAVE);
        }
        rest();
        knob.stuck = 0;
        left = 0;
    }
    wifi_mode = mode;
    wifi_running = running;
    changed(was & WIFI_MODE_STA, is & WIFI_MODE_STA, WIFI_EVENT_STA_START, WIFI_EVENT_STA_STOP);
    changed(was & WIFI_MODE_AP, is & WIFI_MODE_AP, WIFI_EVENT_AP_START, WIFI_EVENT_AP_STOP);
}

// esp_wifi_set_mode: "Set the WiFi operating mode as station, soft-AP, station+soft-AP or NAN"
esp_err_t esp_wifi_set_mode(wifi_mode_t to) {
    CALLED;
    if (!wifi_initialised) {
        return ESP_ERR_WIFI_NOT_INIT;
    }
    set(to, wifi_running);
    return done(ESP_OK);
}

// esp_wifi_start: "Start WiFi according to current configuration"; WIFI_EVENT_STA_START: "If esp_wifi_start() returns
// ESP_OK and the current Wi-Fi mode is station or station/AP, then this event will arise"
esp_err_t esp_wifi_start(void) {
    CALLED;
    if (!wifi_initialised) {
        return ESP_ERR_WIFI_NOT_INIT;
    }
    set(wifi_mode, true);
    return done(ESP_OK);
}

// esp_wifi_stop: "If mode is WIFI_MODE_STA, it stops station and frees station control block"
esp_err_t esp_wifi_stop(void) {
    CALLED;
    if (!wifi_initialised) {
        return ESP_ERR_WIFI_NOT_INIT;
    }
    set(wifi_mode, false);
    return done(ESP_OK);
}

// esp_wifi_set_config: "This API can be called only when specified interface is enabled, otherwise, API fail", with
// "ESP_ERR_WIFI_MODE: invalid mode" (micropython#14382: an access point that is configured before it is active). The
// driver of 5.5 refuses it, too, while the station is connecting: knobs.h, config_busy.
esp_err_t esp_wifi_set_config(int interface, wifi_config_t *config) {
    CALLED;
    if (!wifi_initialised) {
        return ESP_ERR_WIFI_NOT_INIT;
    }
    if (!(wifi_mode & (interface == ESP_IF_WIFI_STA ? WIFI_MODE_STA : WIFI_MODE_AP))) {
        return ESP_ERR_WIFI_MODE;
    }
    if (interface == ESP_IF_WIFI_STA && knob.config_busy && (state == SCANNING || state == JOINING)) {
        return ESP_ERR_WIFI_STATE;
    }
    wifi_configs[interface] = *config;
    return ESP_OK;
}

// esp_wifi_get_config: "Get configuration of specified interface"
esp_err_t esp_wifi_get_config(int interface, wifi_config_t *config) {
    CALLED;
    *config = wifi_configs[interface];
    return wifi_initialised ? ESP_OK : ESP_ERR_WIFI_NOT_INIT;
}

static bool refuses(void) {
    if (knob.refusals) {
        knob.refusals--;
        return true;
    }
    return knob.stuck || (left && now_ms() < left + knob.leaving);
}

// esp_wifi_connect: "ESP_ERR_WIFI_NOT_STARTED: WiFi is not started by esp_wifi_start", "ESP_ERR_WIFI_MODE: WiFi mode error",
// "ESP_ERR_WIFI_SSID: SSID of AP which station connects is invalid", "ESP_ERR_WIFI_CONN: WiFi internal error, station or
// soft-AP control block wrong": that is what it ends with while it connects, and logs "sta is connecting, return error".
// "If station interface is connected to an AP, call esp_wifi_disconnect to disconnect."
esp_err_t esp_wifi_connect(void) {
    CALLED;
    if (!wifi_initialised) {
        return ESP_ERR_WIFI_NOT_INIT;
    }
    if (!wifi_running) {
        return ESP_ERR_WIFI_NOT_STARTED;
    }
    if (!(wifi_mode & WIFI_MODE_STA)) {
        return ESP_ERR_WIFI_MODE;
    }
    if (refuses()) {
        return ESP_ERR_WIFI_CONN;
    }
    if (!wifi_configs[0].sta.ssid[0]) {
        return ESP_ERR_WIFI_SSID;
    }
    if (state == SCANNING || state == JOINING) {
        return ESP_ERR_WIFI_CONN;
    }
    if (state >= ASSOCIATED) {
        return knob.connect_up ? ESP_ERR_WIFI_CONN : ESP_OK;
    }
    attempt = outcome();
    go(SCANNING, knob.scan);
    return done(ESP_OK);
}

// esp_wifi_disconnect: "Disconnect WiFi station from the AP"
esp_err_t esp_wifi_disconnect(void) {
    CALLED;
    if (!wifi_initialised) {
        return ESP_ERR_WIFI_NOT_INIT;
    }
    if (!wifi_running) {
        return ESP_ERR_WIFI_NOT_STARTED;
    }
    if (state >= ASSOCIATED || (state != IDLE && knob.leave_event)) {
        station_fail(WIFI_REASON_ASSOC_LEAVE);
    }
    if (state != IDLE) {
        rest();
    }
    left = now_ms();
    return done(ESP_OK);
}

// "Sleep Modes": "Wi-Fi and Bluetooth connections are not maintained in Deep-sleep or Light-sleep mode, even if these
// functions [esp_wifi_stop] are not called."
bool station_sleep(void) {
    bool lost = state != IDLE;
    if (lost) {
        rest();
    }
    if (wifi_running && knob.sleep_stuck) {
        knob.stuck = 1;
    }
    return lost;
}

void station_wake(bool lost) {
    if (lost && knob.sleep_told == 0) {
        silent();
    } else if (lost && knob.sleep_told > 0) {
        timer_set(TIMER_BEACONS, knob.sleep_told, silent);
    }
}

void station_forget(void) {
    wifi_running = false;
    wifi_mode = wifi_initialised ? WIFI_MODE_STA : WIFI_MODE_NULL;
    wifi_channel = 1;
    state = IDLE;
    left = 0;
    outcome_count = 0;
    memset(wifi_configs, 0, sizeof(wifi_configs));
}

// SPDX-License-Identifier: MIT
// What the driver keeps for both interfaces: scan, MAC addresses, channel, power. Sentences are those of esp_wifi.h.

#include "inside.h"

uint8_t wifi_macs[2][6] = { { 0x24, 0x0a, 0xc4, 1, 2, 3 }, { 0x24, 0x0a, 0xc4, 1, 2, 4 } };
static wifi_ps_type_t power_save = WIFI_PS_MIN_MODEM; // esp_wifi_set_ps: "Default power save type is WIFI_PS_MIN_MODEM"
static int8_t tx_power = 80;
static int found; // by the last scan, and not fetched

// "Set the WiFi API configuration storage type"
esp_err_t esp_wifi_set_storage(wifi_storage_t storage) {
    CALLED;
    return wifi_initialised ? ESP_OK : ESP_ERR_WIFI_NOT_INIT;
}

// "if block is true, this API will block the caller until the scan is done"; "ESP_ERR_WIFI_STATE: WiFi still connecting when
// invoke esp_wifi_scan_start"
esp_err_t esp_wifi_scan_start(const wifi_scan_config_t *config, bool block) {
    CALLED;
    if (!wifi_initialised) {
        return ESP_ERR_WIFI_NOT_INIT;
    }
    if (!wifi_running) {
        return ESP_ERR_WIFI_NOT_STARTED;
    }
    if (station_state() == SCANNING || station_state() == JOINING) {
        return ESP_ERR_WIFI_STATE;
    }
    idf_delay_ms(knob.scan);
    found = ap_count;
    return ESP_OK;
}

// "Get number of APs found in last scan"
esp_err_t esp_wifi_scan_get_ap_num(uint16_t *number) {
    CALLED;
    *number = found;
    return ESP_OK;
}

static void record(const ap_t *ap, wifi_ap_record_t *to) {
    memset(to, 0, sizeof(*to));
    memcpy(to->bssid, ap->bssid, 6);
    strcpy((char *)to->ssid, ap->ssid);
    to->primary = ap->channel;
    to->rssi = ap->rssi;
    to->authmode = ap->password[0] ? WIFI_AUTH_WPA2_PSK : WIFI_AUTH_OPEN;
}

static int stronger(const void *a, const void *b) {
    return ((const wifi_ap_record_t *)b)->rssi - ((const wifi_ap_record_t *)a)->rssi;
}

// "As input param, it stores max AP number ap_records can hold. As output param, it receives the actual AP number this API
// returns"; "The returned AP list is sorted in descending order based on RSSI"; "This API will free all memory occupied by
// scanned AP list"
esp_err_t esp_wifi_scan_get_ap_records(uint16_t *number, wifi_ap_record_t *records) {
    CALLED;
    wifi_ap_record_t all[APS];
    int there = found < ap_count ? found : ap_count;
    for (int i = 0; i < there; i++) {
        record(ap_at(i), &all[i]);
    }
    qsort(all, there, sizeof(all[0]), stronger);
    if (*number > there) {
        *number = there;
    }
    memcpy(records, all, *number * sizeof(all[0]));
    found = 0;
    return ESP_OK;
}

// "ESP_ERR_WIFI_CONN: The station interface don't initialized"; "ESP_ERR_WIFI_NOT_CONNECT: The station is in disconnect
// status"
esp_err_t esp_wifi_sta_get_ap_info(wifi_ap_record_t *info) {
    CALLED;
    if (!wifi_running || !(wifi_mode & WIFI_MODE_STA)) {
        return ESP_ERR_WIFI_CONN;
    }
    const ap_t *ap = station_joined();
    if (ap == NULL) {
        return ESP_ERR_WIFI_NOT_CONNECT;
    }
    record(ap, info);
    return ESP_OK;
}

// "Get STAs associated with soft-AP": there are never any
esp_err_t esp_wifi_ap_get_sta_list(wifi_sta_list_t *list) {
    CALLED;
    memset(list, 0, sizeof(*list));
    return ESP_OK;
}

// "Set MAC address of WiFi station, soft-AP or NAN interface"
esp_err_t esp_wifi_set_mac(int interface, const uint8_t *mac) {
    CALLED;
    memcpy(wifi_macs[interface], mac, 6);
    return ESP_OK;
}

esp_err_t esp_wifi_get_mac(int interface, uint8_t *mac) {
    CALLED;
    memcpy(mac, wifi_macs[interface], 6);
    return ESP_OK;
}

// "This API should be called after esp_wifi_start() and before esp_wifi_stop()"; "When device is in STA mode, this API
// should not be called when STA is scanning or connecting to an external AP": what it ends with then is not said, and
// ESP_FAIL is assumed; of a station that has joined nothing is said, either. "ESP_ERR_INVALID_ARG: invalid argument": here
// for what is no channel anywhere, though "The default country is \"01\" (world safe mode)" with 11 of them.
esp_err_t esp_wifi_set_channel(uint8_t primary, wifi_second_chan_t second) {
    CALLED;
    if (!wifi_running) {
        return ESP_ERR_WIFI_NOT_STARTED;
    }
    if (primary < 1 || primary > 14) {
        return ESP_ERR_INVALID_ARG;
    }
    if (station_state() != IDLE) {
        return ESP_FAIL;
    }
    wifi_channel = primary;
    return ESP_OK;
}

esp_err_t esp_wifi_get_channel(uint8_t *primary, wifi_second_chan_t *second) {
    CALLED;
    *primary = wifi_channel;
    *second = WIFI_SECOND_CHAN_NONE;
    return wifi_initialised ? ESP_OK : ESP_ERR_WIFI_NOT_INIT;
}

// "Set maximum transmitting power after WiFi start."; "ESP_ERR_WIFI_NOT_STARTED: WiFi is not started by esp_wifi_start";
// "Param power unit is 0.25dBm, range is [8, 84]"; "ESP_ERR_INVALID_ARG: invalid argument, e.g. parameter is out of range"
esp_err_t esp_wifi_set_max_tx_power(int8_t power) {
    CALLED;
    if (!wifi_running) {
        return ESP_ERR_WIFI_NOT_STARTED;
    }
    if (power < 8 || power > 84) {
        return ESP_ERR_INVALID_ARG;
    }
    tx_power = power;
    return ESP_OK;
}

esp_err_t esp_wifi_get_max_tx_power(int8_t *power) {
    CALLED;
    *power = tx_power;
    return wifi_running ? ESP_OK : ESP_ERR_WIFI_NOT_STARTED;
}

// "The default protocol is (WIFI_PROTOCOL_11B|WIFI_PROTOCOL_11G|WIFI_PROTOCOL_11N)"
esp_err_t esp_wifi_set_protocol(int interface, uint8_t bitmap) {
    CALLED;
    return ESP_OK;
}

esp_err_t esp_wifi_get_protocol(int interface, uint8_t *bitmap) {
    CALLED;
    *bitmap = WIFI_PROTOCOL_11B | WIFI_PROTOCOL_11G | WIFI_PROTOCOL_11N;
    return ESP_OK;
}

// "Set current WiFi power save type"
esp_err_t esp_wifi_set_ps(wifi_ps_type_t type) {
    CALLED;
    power_save = type;
    return wifi_initialised ? ESP_OK : ESP_ERR_WIFI_NOT_INIT;
}

esp_err_t esp_wifi_get_ps(wifi_ps_type_t *type) {
    CALLED;
    *type = power_save;
    return ESP_OK;
}

// esp_now.h: "Config ESPNOW rate of specified interface"; "This API should be called after esp_wifi_start()"
esp_err_t esp_wifi_config_espnow_rate(int interface, wifi_phy_rate_t rate) {
    CALLED;
    return wifi_running ? ESP_OK : ESP_ERR_WIFI_NOT_STARTED;
}

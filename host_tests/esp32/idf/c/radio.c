// SPDX-License-Identifier: MIT
// What the driver keeps for both interfaces: scan, MAC addresses, channel, power. Sentences are those of esp_wifi.h.

#include "inside.h"

uint8_t wifi_macs[2][6] = { { 0x24, 0x0a, 0xc4, 1, 2, 3 }, { 0x24, 0x0a, 0xc4, 1, 2, 4 } };
static wifi_ps_type_t power_save = WIFI_PS_MIN_MODEM; // esp_wifi_set_ps: "Default power save type is WIFI_PS_MIN_MODEM"
static int8_t tx_power = 78;
static int found; // by the last scan

// "Set the WiFi API configuration storage type"
esp_err_t esp_wifi_set_storage(wifi_storage_t storage) {
    CALLED;
    return wifi_initialised ? ESP_OK : ESP_ERR_WIFI_NOT_INIT;
}

// "If this API is called [...] block is true, it will not return until the scan is done"; "ESP_ERR_WIFI_STATE: wifi still
// connecting when invoke esp_wifi_scan_start"
esp_err_t esp_wifi_scan_start(const wifi_scan_config_t *config, bool block) {
    CALLED;
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

// "As input param, it stores max AP number ap_records can hold. As output param, it receives the actual AP number"
esp_err_t esp_wifi_scan_get_ap_records(uint16_t *number, wifi_ap_record_t *records) {
    CALLED;
    int there = found < ap_count ? found : ap_count;
    if (*number > there) {
        *number = there;
    }
    for (int i = 0; i < *number; i++) {
        record(ap_at(i), &records[i]);
    }
    return ESP_OK;
}

// "ESP_ERR_WIFI_NOT_CONNECT: The station is in disconnect status"
esp_err_t esp_wifi_sta_get_ap_info(wifi_ap_record_t *info) {
    CALLED;
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
// should not be called when STA is scanning or connecting to an external AP"; "ESP_ERR_INVALID_ARG". In which way it
// fails then is not said; the driver's libraries are known to give ESP_FAIL.
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

// "Maximum power before wifi ordinary"; "ESP_ERR_WIFI_NOT_START: WiFi is not started"
esp_err_t esp_wifi_set_max_tx_power(int8_t power) {
    CALLED;
    if (!wifi_running) {
        return ESP_ERR_WIFI_NOT_STARTED;
    }
    tx_power = power;
    return ESP_OK;
}

esp_err_t esp_wifi_get_max_tx_power(int8_t *power) {
    CALLED;
    *power = tx_power;
    return wifi_running ? ESP_OK : ESP_ERR_WIFI_NOT_STARTED;
}

// "Set protocol type of specified interface. The default protocol is (WIFI_PROTOCOL_11B|WIFI_PROTOCOL_11G|WIFI_PROTOCOL_11N)"
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

// "Config ESPNOW rate of specified interface. This API should be called after esp_wifi_start()"
esp_err_t esp_wifi_config_espnow_rate(int interface, wifi_phy_rate_t rate) {
    CALLED;
    return wifi_running ? ESP_OK : ESP_ERR_WIFI_NOT_STARTED;
}

// SPDX-License-Identifier: MIT
// Types, reasons and events of esp_wifi_types_generic.h, as far as the port names them.
#pragma once

#include "esp_netif.h"

extern esp_event_base_t const WIFI_EVENT;
enum {
    WIFI_EVENT_STA_START = 2,
    WIFI_EVENT_STA_STOP = 3,
    WIFI_EVENT_STA_CONNECTED = 4,
    WIFI_EVENT_STA_DISCONNECTED = 5,
    WIFI_EVENT_AP_START = 12,
    WIFI_EVENT_AP_STOP = 13,
};

// wifi_err_reason_t: 1 to 68 are those of IEEE 802.11, what follows is Espressif's
enum {
    WIFI_REASON_UNSPECIFIED = 1,
    WIFI_REASON_AUTH_EXPIRE = 2,
    WIFI_REASON_ASSOC_LEAVE = 8,
    WIFI_REASON_4WAY_HANDSHAKE_TIMEOUT = 15,
    WIFI_REASON_BEACON_TIMEOUT = 200,
    WIFI_REASON_NO_AP_FOUND = 201,
    WIFI_REASON_AUTH_FAIL = 202,
    WIFI_REASON_ASSOC_FAIL = 203,
    WIFI_REASON_HANDSHAKE_TIMEOUT = 204,
    WIFI_REASON_CONNECTION_FAIL = 205,
    WIFI_REASON_NO_AP_FOUND_W_COMPATIBLE_SECURITY = 210,
    WIFI_REASON_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD = 211,
    WIFI_REASON_NO_AP_FOUND_IN_RSSI_THRESHOLD = 212,
};

typedef enum { WIFI_MODE_NULL = 0, WIFI_MODE_STA, WIFI_MODE_AP, WIFI_MODE_APSTA } wifi_mode_t;
typedef enum { WIFI_IF_STA = ESP_IF_WIFI_STA, WIFI_IF_AP = ESP_IF_WIFI_AP } wifi_interface_t;
typedef enum { WIFI_STORAGE_FLASH = 0, WIFI_STORAGE_RAM } wifi_storage_t;
typedef enum { WIFI_PS_NONE = 0, WIFI_PS_MIN_MODEM, WIFI_PS_MAX_MODEM } wifi_ps_type_t;
typedef enum { WIFI_SECOND_CHAN_NONE = 0, WIFI_SECOND_CHAN_ABOVE, WIFI_SECOND_CHAN_BELOW } wifi_second_chan_t;
typedef enum { WIFI_BW20 = 1, WIFI_BW40, WIFI_BW80, WIFI_BW160, WIFI_BW80_BW80 } wifi_bandwidth_t;

typedef int wifi_phy_rate_t;
enum {
    WIFI_PHY_RATE_1M_L = 0,
    WIFI_PHY_RATE_2M_L = 1,
    WIFI_PHY_RATE_5M_L = 2,
    WIFI_PHY_RATE_11M_L = 3,
    WIFI_PHY_RATE_24M = 9,
    WIFI_PHY_RATE_12M = 10,
    WIFI_PHY_RATE_6M = 11,
    WIFI_PHY_RATE_54M = 12,
    WIFI_PHY_RATE_LORA_250K = 41,
    WIFI_PHY_RATE_LORA_500K = 42,
};

#define WIFI_PROTOCOL_11B 1
#define WIFI_PROTOCOL_11G 2
#define WIFI_PROTOCOL_11N 4
#define WIFI_PROTOCOL_LR 8

typedef enum {
    WIFI_AUTH_OPEN = 0,
    WIFI_AUTH_WEP,
    WIFI_AUTH_WPA_PSK,
    WIFI_AUTH_WPA2_PSK,
    WIFI_AUTH_WPA_WPA2_PSK,
    WIFI_AUTH_WPA2_ENTERPRISE,
    WIFI_AUTH_WPA3_PSK,
    WIFI_AUTH_WPA2_WPA3_PSK,
    WIFI_AUTH_WAPI_PSK,
    WIFI_AUTH_OWE,
    WIFI_AUTH_WPA3_ENT_192,
    WIFI_AUTH_WPA3_EXT_PSK,
    WIFI_AUTH_WPA3_EXT_PSK_MIXED_MODE,
    WIFI_AUTH_DPP,
    WIFI_AUTH_WPA3_ENTERPRISE,
    WIFI_AUTH_WPA2_WPA3_ENTERPRISE,
#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(5, 4, 3)
    WIFI_AUTH_WPA_ENTERPRISE,
#endif
    WIFI_AUTH_MAX
} wifi_auth_mode_t;

typedef struct {
    uint8_t ssid[32];
    uint8_t ssid_len;
    uint8_t bssid[6];
    uint8_t channel;
    wifi_auth_mode_t authmode;
    uint16_t aid;
} wifi_event_sta_connected_t;

typedef struct {
    uint8_t ssid[32];
    uint8_t ssid_len;
    uint8_t bssid[6];
    uint8_t reason;
    int8_t rssi;
} wifi_event_sta_disconnected_t;

typedef struct {
    uint8_t ssid[32], password[64];
    bool bssid_set;
    uint8_t bssid[6], channel;
} wifi_sta_config_t;

typedef struct {
    uint8_t ssid[32], password[64], ssid_len, channel;
    wifi_auth_mode_t authmode;
    uint8_t ssid_hidden, max_connection;
} wifi_ap_config_t;

typedef union {
    wifi_ap_config_t ap;
    wifi_sta_config_t sta;
} wifi_config_t;

typedef struct { bool show_hidden; } wifi_scan_config_t;
typedef struct { uint8_t bssid[6], ssid[33], primary; int8_t rssi; wifi_auth_mode_t authmode; } wifi_ap_record_t;
typedef struct { uint8_t mac[6]; } wifi_sta_info_t;
typedef struct { wifi_sta_info_t sta[10]; int num; } wifi_sta_list_t;
typedef struct { int8_t rssi; uint8_t channel; } wifi_pkt_rx_ctrl_t;

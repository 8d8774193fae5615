// SPDX-License-Identifier: MIT
#pragma once

#include "esp_wifi_types.h"

typedef struct {
    int tx_buf_type, static_tx_buf_num, dynamic_tx_buf_num, cache_tx_buf_num;
    uint64_t feature_caps;
} wifi_init_config_t;
#define WIFI_INIT_CONFIG_DEFAULT() { .tx_buf_type = 1, .dynamic_tx_buf_num = 32 }

esp_err_t esp_wifi_init(const wifi_init_config_t *config);
esp_err_t esp_wifi_start(void);
esp_err_t esp_wifi_stop(void);
esp_err_t esp_wifi_set_mode(wifi_mode_t mode);
esp_err_t esp_wifi_get_mode(wifi_mode_t *mode);
esp_err_t esp_wifi_set_storage(wifi_storage_t storage);
esp_err_t esp_wifi_set_config(int interface, wifi_config_t *config);
esp_err_t esp_wifi_get_config(int interface, wifi_config_t *config);
esp_err_t esp_wifi_connect(void);
esp_err_t esp_wifi_disconnect(void);
esp_err_t esp_wifi_scan_start(const wifi_scan_config_t *config, bool block);
esp_err_t esp_wifi_scan_get_ap_num(uint16_t *number);
esp_err_t esp_wifi_scan_get_ap_records(uint16_t *number, wifi_ap_record_t *records);
esp_err_t esp_wifi_sta_get_ap_info(wifi_ap_record_t *info);
esp_err_t esp_wifi_ap_get_sta_list(wifi_sta_list_t *list);
esp_err_t esp_wifi_set_mac(int interface, const uint8_t *mac);
esp_err_t esp_wifi_get_mac(int interface, uint8_t *mac);
esp_err_t esp_wifi_set_channel(uint8_t primary, wifi_second_chan_t second);
esp_err_t esp_wifi_get_channel(uint8_t *primary, wifi_second_chan_t *second);
esp_err_t esp_wifi_set_max_tx_power(int8_t power);
esp_err_t esp_wifi_get_max_tx_power(int8_t *power);
esp_err_t esp_wifi_set_protocol(int interface, uint8_t bitmap);
esp_err_t esp_wifi_get_protocol(int interface, uint8_t *bitmap);
esp_err_t esp_wifi_set_ps(wifi_ps_type_t type);
esp_err_t esp_wifi_get_ps(wifi_ps_type_t *type);
esp_err_t esp_wifi_config_espnow_rate(int interface, wifi_phy_rate_t rate);

// SPDX-License-Identifier: MIT
#pragma once

#include "esp_wifi_types.h"

#define ESP_NOW_ETH_ALEN 6
#define ESP_NOW_KEY_LEN 16
#define ESP_NOW_MAX_TOTAL_PEER_NUM 20
#define ESP_NOW_MAX_ENCRYPT_PEER_NUM 6
#define ESP_NOW_MAX_DATA_LEN 250
#define ESP_NOW_MAX_DATA_LEN_V2 1470

typedef enum { ESP_NOW_SEND_SUCCESS = 0, ESP_NOW_SEND_FAIL } esp_now_send_status_t;

typedef struct {
    uint8_t peer_addr[ESP_NOW_ETH_ALEN], lmk[ESP_NOW_KEY_LEN], channel;
    wifi_interface_t ifidx;
    bool encrypt;
    void *priv;
} esp_now_peer_info_t;
typedef struct { int total_num, encrypt_num; } esp_now_peer_num_t;

typedef struct { uint8_t *src_addr, *des_addr; wifi_pkt_rx_ctrl_t *rx_ctrl; } esp_now_recv_info_t;
typedef void (*esp_now_recv_cb_t)(const esp_now_recv_info_t *info, const uint8_t *data, int length);

#if ESP_IDF_VERSION < ESP_IDF_VERSION_VAL(5, 5, 0)
typedef uint8_t esp_now_sent_to_t;
#else
typedef struct { uint8_t *src_addr, *des_addr; } esp_now_send_info_t;
typedef esp_now_send_info_t esp_now_sent_to_t;
#endif
typedef void (*esp_now_send_cb_t)(const esp_now_sent_to_t *to, esp_now_send_status_t status);

esp_err_t esp_now_init(void);
esp_err_t esp_now_deinit(void);
esp_err_t esp_now_register_recv_cb(esp_now_recv_cb_t callback);
esp_err_t esp_now_unregister_recv_cb(void);
esp_err_t esp_now_register_send_cb(esp_now_send_cb_t callback);
esp_err_t esp_now_unregister_send_cb(void);
esp_err_t esp_now_send(const uint8_t *mac, const uint8_t *data, size_t length);
esp_err_t esp_now_add_peer(const esp_now_peer_info_t *peer);
esp_err_t esp_now_del_peer(const uint8_t *mac);
esp_err_t esp_now_mod_peer(const esp_now_peer_info_t *peer);
esp_err_t esp_now_get_peer(const uint8_t *mac, esp_now_peer_info_t *peer);
esp_err_t esp_now_fetch_peer(bool from_head, esp_now_peer_info_t *peer);
esp_err_t esp_now_get_peer_num(esp_now_peer_num_t *number);
esp_err_t esp_now_set_pmk(const uint8_t *pmk);

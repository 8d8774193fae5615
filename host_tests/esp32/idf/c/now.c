// SPDX-License-Identifier: MIT
// ESP-NOW: peers, frames out, frames in. Sentences are those of esp_now.h and of the page "ESP-NOW".

#include "inside.h"

static bool ready;
static esp_now_recv_cb_t receive;
static esp_now_send_cb_t acknowledged;
static esp_now_peer_info_t peers[ESP_NOW_MAX_TOTAL_PEER_NUM];
static int peer_count, cursor;

// What the other stations have heard, the oldest first.
static struct { uint8_t mac[6]; uint16_t length; uint8_t data[ESP_NOW_MAX_DATA_LEN_V2]; } sent[64];
static size_t sent_count;

static esp_now_peer_info_t *find(const uint8_t *mac) {
    for (int i = 0; i < peer_count; i++) {
        if (memcmp(peers[i].peer_addr, mac, 6) == 0) {
            return &peers[i];
        }
    }
    return NULL;
}

static int encrypted(void) {
    int n = 0;
    for (int i = 0; i < peer_count; i++) {
        n += peers[i].encrypt;
    }
    return n;
}

// "ESP_ERR_ESPNOW_INTERNAL : Internal error": without the driver. "it is recommended to start Wi-Fi before initializing
// ESP-NOW", but no more than that.
esp_err_t esp_now_init(void) {
    CALLED;
    if (!wifi_initialised) {
        return ESP_ERR_ESPNOW_INTERNAL;
    }
    ready = true;
    return ESP_OK;
}

// "When esp_now_deinit() is called, all of the information of paired devices are deleted"
esp_err_t esp_now_deinit(void) {
    CALLED;
    ready = false;
    peer_count = 0;
    receive = NULL;
    acknowledged = NULL;
    return ESP_OK;
}

// "ESP_ERR_ESPNOW_NOT_INIT : ESPNOW is not initialized", of all that follow
#define READY \
    CALLED; \
    if (!ready) { \
        return ESP_ERR_ESPNOW_NOT_INIT; \
    }

esp_err_t esp_now_register_recv_cb(esp_now_recv_cb_t callback) {
    READY
    receive = callback;
    return ESP_OK;
}

esp_err_t esp_now_unregister_recv_cb(void) {
    READY
    receive = NULL;
    return ESP_OK;
}

esp_err_t esp_now_register_send_cb(esp_now_send_cb_t callback) {
    READY
    acknowledged = callback;
    return ESP_OK;
}

esp_err_t esp_now_unregister_send_cb(void) {
    READY
    acknowledged = NULL;
    return ESP_OK;
}

typedef struct { uint8_t mac[6]; bool heard; } ending_t;

// esp_now_send_cb_t; "Otherwise, it will return `ESP_NOW_SEND_FAIL`. [...] For example, the destination device does not
// exist; the channels of the devices are not the same; the action frame is lost when transmitting on the air, etc."
static void ended(const void *data) {
    const ending_t *ending = data;
    if (acknowledged == NULL) {
        return;
    }
#if ESP_IDF_VERSION < ESP_IDF_VERSION_VAL(5, 5, 0)
    const uint8_t *to = ending->mac;
#else
    esp_now_send_info_t info = { wifi_macs[0], (uint8_t *)ending->mac }, *to = &info;
#endif
    acknowledged(to, ending->heard ? ESP_NOW_SEND_SUCCESS : ESP_NOW_SEND_FAIL);
}

static uint64_t no_memory_until;

static bool out_of_memory(void) {
    if (knob.nomem_ms) {
        no_memory_until = now_ms() + knob.nomem_ms;
        knob.nomem_ms = 0;
    }
    if (knob.nomem) {
        knob.nomem--;
        return true;
    }
    return now_ms() < no_memory_until;
}

static void keep(const uint8_t *mac, const uint8_t *data, size_t length) {
    if (sent_count == ARRAY_SIZE(sent)) {
        memmove(&sent[0], &sent[1], --sent_count * sizeof(sent[0]));
    }
    memcpy(sent[sent_count].mac, mac, 6);
    sent[sent_count].length = length;
    memcpy(sent[sent_count++].data, data, length);
}

// "ESP_ERR_ESPNOW_IF : current Wi-Fi interface doesn't match that of peer", "ESP_ERR_ESPNOW_CHAN: current Wi-Fi channel
// doesn't match that of peer", "ESP_ERR_ESPNOW_NO_MEM : out of memory"
static esp_err_t send_to(const esp_now_peer_info_t *peer, const uint8_t *data, size_t length) {
    wifi_mode_t bit = peer->ifidx == WIFI_IF_STA ? WIFI_MODE_STA : WIFI_MODE_AP;
    if (!wifi_running || !(wifi_mode & bit)) {
        return ESP_ERR_ESPNOW_IF;
    }
    // "If the value is 0, use the current channel which station or softap is on"
    if (peer->channel && peer->channel != wifi_channel) {
        return ESP_ERR_ESPNOW_CHAN;
    }
    if (out_of_memory()) {
        return ESP_ERR_ESPNOW_NO_MEM;
    }
    bool heard = knob.peer_channel == 0 || knob.peer_channel == wifi_channel;
    if (heard) {
        keep(peer->peer_addr, data, length);
    }
    ending_t ending = { .heard = heard && knob.ack };
    memcpy(ending.mac, peer->peer_addr, 6);
    post_call(knob.tx, ended, &ending, sizeof(ending));
    return ESP_OK;
}

// "If peer_addr is not NULL, send data to the peer whose MAC address matches peer_addr"; "If peer_addr is NULL, send data
// to all of the peers that are added to the peer list"; "ESP_ERR_ESPNOW_ARG : invalid argument",
// "ESP_ERR_ESPNOW_NOT_FOUND : peer is not found". The page has "less than or equal to the maximum packet length (v1.0 is 250
// bytes, v2.0 is 1470 bytes)", the header "must be less than ESP_NOW_MAX_DATA_LEN".
esp_err_t esp_now_send(const uint8_t *mac, const uint8_t *data, size_t length) {
    READY
    if (data == NULL || length == 0 || length > (size_t)knob.now_limit || length > sizeof(sent[0].data)) {
        return ESP_ERR_ESPNOW_ARG;
    }
    if (mac != NULL) {
        const esp_now_peer_info_t *peer = find(mac);
        return peer == NULL ? ESP_ERR_ESPNOW_NOT_FOUND : send_to(peer, data, length);
    }
    esp_err_t error = peer_count ? ESP_OK : ESP_ERR_ESPNOW_NOT_FOUND;
    for (int i = 0; i < peer_count && error == ESP_OK; i++) {
        error = send_to(&peers[i], data, length);
    }
    return error;
}

// "ESP_ERR_ESPNOW_FULL : peer list is full", "ESP_ERR_ESPNOW_EXIST : peer has existed"; "The maximum number of paired
// devices is 20, and the paired encryption devices are no more than 17, the default is 7." Another channel than the current
// one is taken here, and the send fails.
esp_err_t esp_now_add_peer(const esp_now_peer_info_t *peer) {
    READY
    if (find(peer->peer_addr) != NULL) {
        return ESP_ERR_ESPNOW_EXIST;
    }
    if (peer_count == ESP_NOW_MAX_TOTAL_PEER_NUM || (peer->encrypt && encrypted() >= knob.encrypt_max)) {
        return ESP_ERR_ESPNOW_FULL;
    }
    peers[peer_count++] = *peer;
    return ESP_OK;
}

esp_err_t esp_now_del_peer(const uint8_t *mac) {
    READY
    esp_now_peer_info_t *peer = find(mac);
    if (peer == NULL) {
        return ESP_ERR_ESPNOW_NOT_FOUND;
    }
    memmove(peer, peer + 1, (&peers[--peer_count] - peer) * sizeof(peers[0]));
    return ESP_OK;
}

// "ESP_ERR_ESPNOW_FULL : peer list is full"; what a peer ends with that is not there is not said
esp_err_t esp_now_mod_peer(const esp_now_peer_info_t *peer) {
    READY
    esp_now_peer_info_t *there = find(peer->peer_addr);
    if (there == NULL) {
        return ESP_ERR_ESPNOW_NOT_FOUND;
    }
    if (peer->encrypt && !there->encrypt && encrypted() >= knob.encrypt_max) {
        return ESP_ERR_ESPNOW_FULL;
    }
    *there = *peer;
    return ESP_OK;
}

esp_err_t esp_now_get_peer(const uint8_t *mac, esp_now_peer_info_t *peer) {
    READY
    const esp_now_peer_info_t *there = find(mac);
    if (there == NULL) {
        return ESP_ERR_ESPNOW_NOT_FOUND;
    }
    *peer = *there;
    return ESP_OK;
}

// "Fetch a peer from peer list. Only return the peer which address is unicast, for the multicast/broadcast address, the
// function will ignore and try to find the next in the peer list."
esp_err_t esp_now_fetch_peer(bool from_head, esp_now_peer_info_t *peer) {
    READY
    cursor = from_head ? 0 : cursor;
    while (cursor < peer_count) {
        const esp_now_peer_info_t *next = &peers[cursor++];
        if (!(next->peer_addr[0] & 1)) {
            *peer = *next;
            return ESP_OK;
        }
    }
    return ESP_ERR_ESPNOW_NOT_FOUND;
}

esp_err_t esp_now_get_peer_num(esp_now_peer_num_t *number) {
    READY
    number->total_num = peer_count;
    number->encrypt_num = encrypted();
    return ESP_OK;
}

// "Set the primary master key"; "primary master key is used to encrypt local master key": with the same on both sides, LMKs
// decide; other ones are not imitated.
esp_err_t esp_now_set_pmk(const uint8_t *pmk) {
    READY
    return ESP_OK;
}

// --- the other side

// "If the LMK of the paired device is not set, the vendor-specific action frame will not be encrypted."; "To receive
// encrypted unicast packets, a paired device must be added, and the same LMK must be set." Of a frame in the clear from a
// peer with a key nothing is said: knobs.h, plain.
static bool readable(const uint8_t *mac, const uint8_t *lmk) {
    const esp_now_peer_info_t *peer = find(mac);
    bool keyed = peer != NULL && peer->encrypt;
    if (lmk == NULL) {
        return !keyed || knob.plain;
    }
    return keyed && memcmp(peer->lmk, lmk, ESP_NOW_KEY_LEN) == 0;
}

bool now_frame(const uint8_t *mac, const uint8_t *data, size_t length, int rssi, int channel, const uint8_t *lmk) {
    if (!wifi_running || !ready || receive == NULL || (channel && channel != wifi_channel) || !readable(mac, lmk)) {
        return false;
    }
    wifi_pkt_rx_ctrl_t control = { .rssi = rssi, .channel = wifi_channel };
    esp_now_recv_info_t info = { (uint8_t *)mac, wifi_macs[0], &control };
    receive(&info, data, length);
    return true;
}

size_t now_sent_count(void) {
    return sent_count;
}

size_t now_sent(size_t i, const uint8_t **mac, const uint8_t **data) {
    *mac = sent[i].mac;
    *data = sent[i].data;
    return sent[i].length;
}

void now_sent_clear(void) {
    sent_count = 0;
}

void now_forget(void) {
    ready = false;
    receive = NULL;
    acknowledged = NULL;
    peer_count = 0;
    sent_count = 0;
    no_memory_until = 0;
}

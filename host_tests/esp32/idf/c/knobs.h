// SPDX-License-Identifier: MIT
// All that is assumed of what nobody can read: the driver of Espressif is a library without its source. A test sets
// knobs with idf.set(NAME=VALUE), and should hold for each value that may be.
//
// X(name, value at power-on) and what is known of it.

#define KNOBS(X) \
    /* --- joining. "Wi-Fi Driver", Station Connecting Scenario: scan, authentication, association, four-way handshake; \
       how long each takes depends on channels and access point. */ \
    X(scan, 300) /* ms until an access point is found, or not */ \
    X(join, 200) /* ms from there until it is associated */ \
    X(refuse, 200) /* ms from there until a refusal is told; the time-outs of the handshakes are seconds */ \
    X(reason, 0) /* each attempt ends with this reason; 0: as the access point has it */ \
    X(wrong_password, 15) /* which reason tells it. "Wi-Fi Reason code related to wrong password": 15 or 204; users \
       see 202 ("Password may be wrong", says network_wlan.c), 205 and 2, too */ \
    X(hang, 0) /* 1: an attempt never ends, and nothing is told */ \
    /* --- leaving. WIFI_EVENT_STA_DISCONNECTED: "When esp_wifi_disconnect() or esp_wifi_stop() is called and the station \
       is already connected to the AP"; of a station that is connecting nothing is said. */ \
    X(leave_event, 1) /* 1: that is told with ASSOC_LEAVE, too */ \
    X(leaving, 0) /* ms after esp_wifi_disconnect() in which esp_wifi_connect() is refused */ \
    X(event_lag, 0) /* ms from a cause to its event; 0: before the call returns, for the event task has priority */ \
    /* --- refusing. esp_wifi_connect: "ESP_ERR_WIFI_CONN: WiFi internal error, station or soft-AP control block wrong" */ \
    X(refusals, 0) /* how many calls of esp_wifi_connect() will end so */ \
    X(stuck, 0) /* 1: all of them, until esp_wifi_stop() */ \
    X(connect_up, 0) /* esp_wifi_connect() while connected: 0 is ignored, 1 is refused so */ \
    X(config_busy, IDF_MINOR >= 5) /* 1: esp_wifi_set_config() while connecting ends with ESP_ERR_WIFI_STATE. No header \
       says so; the logs of users of 5.5 do: "sta is connecting, cannot set config" */ \
    /* --- staying. esp_wifi_set_inactive_time: "If the station does not receive a beacon frame [...] disconnect from \
       SoftAP. Default 6s" */ \
    X(beacons, 6000) /* ms until it is told. "After the beacon times out, the station sends 5 probe requests to the AP": how \
       long that takes is not said */ \
    X(csa, 1) /* 1: an access point that changes its channel announces it, and the station follows */ \
    X(passes, 1) /* 0: the access point passes no datagrams (standins/socket.py) */ \
    X(send_gap, 0) /* ms: a datagram sooner after the last finds no memory in lwIP (standins/socket.py) */ \
    /* --- addresses. DHCP starts when the station is connected, and asks again after 0.5, 1, 2, 4, 4 ... s (netif.c) */ \
    X(dhcp, 1) /* 0: nobody answers */ \
    X(dhcp_ms, 200) /* ms until one who answers has */ \
    X(lost_ms, 120000) /* CONFIG_ESP_NETIF_IP_LOST_TIMER_INTERVAL, 120 s by default */ \
    /* --- sleep with the radio on. "Sleep Modes": "Wi-Fi and Bluetooth connections are not maintained" */ \
    X(sleep_told, 0) /* ms after waking when the loss is told, with BEACON_TIMEOUT; -1: never, the port goes on believing */ \
    X(sleep_stuck, 0) /* 1: `stuck` from then on */ \
    /* --- ESP-NOW. esp_now_send: "ESP_ERR_ESPNOW_NO_MEM: out of memory, when this happens, you can delay a while" */ \
    X(nomem, 0) /* how many sends will end so */ \
    X(nomem_ms, 0) /* all of them, for so long from when it is set */ \
    X(tx, 2) /* ms until a frame is acknowledged, or given up */ \
    X(ack, 1) /* 0: no frame is acknowledged, though it is heard */ \
    X(peer_channel, 0) /* the channel that the other stations listen on; 0: whichever this one is on */ \
    X(encrypt_max, 7) /* CONFIG_ESP_WIFI_ESPNOW_MAX_ENCRYPT_NUM, 7 by default */ \
    X(plain, 0) /* 1: a frame in the clear from a peer with a key comes in all the same */ \
    X(now_limit, IDF_MINOR < 4 ? 250 : 1470) /* "ESP-NOW": "v1.0 is 250 bytes, v2.0 is 1470 bytes"; from 5.4 on \
       it is v2.0 */ \
    /* --- the flash. A cut within an erase or a write leaves a part of it done; which part is not said */ \
    X(flash_left, -1) /* changes of a sector until the power goes, up to boot(): the one behind them is half \
       done, and none after it; -1: it stays */ \
    /* --- the chip */ \
    X(reset_reason, 0) /* what esp_reset_reason() gives; 0: what the environment's CHIP_CAUSE says, else POWERON */ \
    X(log, 0) /* 1: the port's own log and all events go to stderr */

typedef struct {
#define X(name, value) int name;
    KNOBS(X)
#undef X
} knobs_t;

extern knobs_t knob;

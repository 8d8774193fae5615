// SPDX-License-Identifier: MIT
// The port's network_wlan.c, and its static variables as they are when the chip is switched on.
#include "port/network_wlan.c"

void wlan_forget(void) {
    wifi_started = false;
    wifi_sta_connect_requested = false;
    wifi_sta_connected = false;
    wifi_sta_disconn_reason = 0;
    conf_wifi_sta_reconnects = 0;
    wifi_sta_reconnects = 0;
    wlan_sta_obj.active = false;
    wlan_ap_obj.active = false;
}

// SPDX-License-Identifier: MIT
// esp_netif and the DHCP client of lwIP behind it, for one station: by esp_netif_lwip.c, which is no secret. Sentences are
// those of esp_netif.h and of the page "Wi-Fi Driver".

#include <stdio.h>

#include "inside.h"

#include "lwip/dns.h"

esp_event_base_t const IP_EVENT = "IP_EVENT";

struct esp_netif_obj {
    esp_netif_ip_info_t ip;
    esp_netif_dns_info_t dns;
    esp_netif_dhcp_status_t dhcp;
};

#define FIRST_ADDRESS 0x070200c0 // 192.0.2.7

static struct esp_netif_obj netifs[2];
static ip_addr_t dns_server;
static uint32_t leased = FIRST_ADDRESS, old; // what DHCP gives; what there was before
static int questions;

static void ask(void);

// IP_EVENT_STA_LOST_IP: "it starts an IPV4 address lost timer. If the IPV4 address is got before ip lost timer expires,
// IP_EVENT_STA_LOST_IP does not happen"
static void lost(void) {
    if (netifs[0].ip.ip.addr == 0) {
        old = 0;
        post_event(IP_EVENT, IP_EVENT_STA_LOST_IP, NULL, 0);
    }
}

// esp_netif_dhcpc_cb, which says nothing where it is the address that was told last: not so here
static void has(uint32_t address) {
    netifs[0].ip.ip.addr = address;
    ip_event_got_ip_t got = { .esp_netif = &netifs[0], .ip_info = netifs[0].ip, .ip_changed = address != old };
    old = address;
    timer_set(TIMER_ADDRESS_LOST, -1, lost);
    station_got_address();
    post_event(IP_EVENT, IP_EVENT_STA_GOT_IP, &got, sizeof(got));
}

static void has_not(void) {
    bool had = netifs[0].ip.ip.addr != 0;
    if (netifs[0].dhcp != ESP_NETIF_DHCP_STOPPED) {
        memset(&netifs[0].ip, 0, sizeof(netifs[0].ip));
    }
    if (had) {
        timer_set(TIMER_ADDRESS_LOST, knob.lost_ms, lost);
    }
}

// ESP-IDF's lwipopts.h, DHCP_REQUEST_TIMEOUT_SEQUENCE: "lower the discover and request retry backoff time from
// (2,4,8,16,32,60,60)s to (500m,1,2,4,4,4,4)s"
static void ask(void) {
    if (!knob.dhcp) {
        questions++;
        timer_set(TIMER_DHCP, (questions < 5 ? 1 << questions : 16) * 250, ask);
        return;
    }
    netifs[0].ip.netmask.addr = 0x00ffffff;
    netifs[0].ip.gw.addr = 0x010200c0;
    netifs[0].dns.ip.u_addr.ip4.addr = 0x010200c0;
    has(leased);
}

static void start_dhcp(void) {
    netifs[0].dhcp = ESP_NETIF_DHCP_STARTED;
    questions = 0;
    timer_set(TIMER_DHCP, knob.dhcp_ms, ask);
}

// "Wi-Fi Driver", WIFI_EVENT_STA_CONNECTED: "Upon receiving this event, the event task starts the DHCP client"
void netif_connected(void) {
    if (netifs[0].dhcp != ESP_NETIF_DHCP_STOPPED) {
        start_dhcp();
    } else if (netifs[0].ip.ip.addr && netifs[0].ip.netmask.addr) { // esp_netif_is_valid_static_ip
        has(netifs[0].ip.ip.addr);
    }
}

// "Wi-Fi Driver", WIFI_EVENT_STA_DISCONNECTED: "Shutting down the station's LwIP netif"; esp_netif_down_api
void netif_disconnected(void) {
    timer_set(TIMER_DHCP, -1, ask);
    has_not();
    if (netifs[0].dhcp == ESP_NETIF_DHCP_STARTED) {
        netifs[0].dhcp = ESP_NETIF_DHCP_INIT;
    }
}

// IP_EVENT_STA_GOT_IP: "arises when the DHCP client successfully gets the IPV4 address from the DHCP server, or when the
// IPV4 address is changed"
void netif_lease(uint32_t address) {
    leased = address ? address : leased;
    if (station_state() != UP || netifs[0].dhcp != ESP_NETIF_DHCP_STARTED) {
        return;
    }
    if (address) {
        has(leased);
    } else {
        has_not();
        start_dhcp();
    }
}

void netif_forget(void) {
    memset(netifs, 0, sizeof(netifs));
    leased = FIRST_ADDRESS;
    old = 0;
}

// "Initialize the underlying TCP/IP stack"
esp_err_t esp_netif_init(void) {
    CALLED;
    return ESP_OK;
}

// esp_wifi_default.h: "Creates default WIFI STA"
esp_netif_t *esp_netif_create_default_wifi_sta(void) {
    CALLED;
    return &netifs[0];
}

esp_netif_t *esp_netif_create_default_wifi_ap(void) {
    CALLED;
    return &netifs[1];
}

// "Set the hostname of an interface"
esp_err_t esp_netif_set_hostname(esp_netif_t *netif, const char *name) {
    CALLED;
    return ESP_OK;
}

// "Get interface's IP address information"; "If the interface is up, IP information is read directly from the TCP/IP stack."
esp_err_t esp_netif_get_ip_info(esp_netif_t *netif, esp_netif_ip_info_t *info) {
    CALLED;
    *info = netif->ip;
    return ESP_OK;
}

// "If the interface is up, the new IP information is set directly in the TCP/IP stack."; "ESP_ERR_ESP_NETIF_DHCP_NOT_STOPPED
// If DHCP server or client is still running". esp_netif_set_ip_info_api posts GOT_IP where none of the three is 0.
esp_err_t esp_netif_set_ip_info(esp_netif_t *netif, const esp_netif_ip_info_t *info) {
    CALLED;
    if (netif == &netifs[0] && netif->dhcp != ESP_NETIF_DHCP_STOPPED) {
        return ESP_ERR_ESP_NETIF_DHCP_NOT_STOPPED;
    }
    netif->ip = *info;
    bool whole = info->ip.addr && info->netmask.addr && info->gw.addr;
    if (netif == &netifs[0] && station_state() >= ASSOCIATED && whole) {
        has(info->ip.addr);
    }
    return done(ESP_OK);
}

esp_err_t esp_netif_get_dns_info(esp_netif_t *netif, esp_netif_dns_type_t type, esp_netif_dns_info_t *dns) {
    CALLED;
    *dns = netif->dns;
    return ESP_OK;
}

esp_err_t esp_netif_set_dns_info(esp_netif_t *netif, esp_netif_dns_type_t type, esp_netif_dns_info_t *dns) {
    CALLED;
    netif->dns = *dns;
    return ESP_OK;
}

// "Start DHCP client (only if enabled in interface object)"; "ESP_ERR_ESP_NETIF_DHCP_ALREADY_STARTED". Of a netif that is
// down esp_netif_dhcpc_start_api makes a note.
esp_err_t esp_netif_dhcpc_start(esp_netif_t *netif) {
    CALLED;
    if (netif->dhcp == ESP_NETIF_DHCP_STARTED) {
        return ESP_ERR_ESP_NETIF_DHCP_ALREADY_STARTED;
    }
    netif->dhcp = ESP_NETIF_DHCP_INIT;
    memset(&netif->ip, 0, sizeof(netif->ip));
    if (netif == &netifs[0] && station_state() >= ASSOCIATED) {
        start_dhcp();
    }
    return ESP_OK;
}

// "Stop DHCP client (only if enabled in interface object)"; "ESP_ERR_ESP_NETIF_DHCP_ALREADY_STOPPED"
esp_err_t esp_netif_dhcpc_stop(esp_netif_t *netif) {
    CALLED;
    if (netif->dhcp == ESP_NETIF_DHCP_STOPPED) {
        return ESP_ERR_ESP_NETIF_DHCP_ALREADY_STOPPED;
    }
    if (netif == &netifs[0] && netif->dhcp == ESP_NETIF_DHCP_STARTED) {
        timer_set(TIMER_DHCP, -1, ask);
        has_not();
    }
    netif->dhcp = ESP_NETIF_DHCP_STOPPED;
    return ESP_OK;
}

esp_err_t esp_netif_dhcpc_get_status(esp_netif_t *netif, esp_netif_dhcp_status_t *status) {
    CALLED;
    *status = netif->dhcp;
    return ESP_OK;
}

// There is no DHCP server: nobody ever joins the access point of this chip.
esp_err_t esp_netif_dhcps_start(esp_netif_t *netif) {
    CALLED;
    return ESP_OK;
}

esp_err_t esp_netif_dhcps_stop(esp_netif_t *netif) {
    CALLED;
    return ESP_OK;
}

// "Get net interface name from network stack implementation"
esp_err_t esp_netif_get_netif_impl_name(esp_netif_t *netif, char *name) {
    CALLED;
    strcpy(name, netif == &netifs[0] ? "st1" : "ap1");
    return ESP_OK;
}

// lwIP's dns.c: "Obtain one of the currently configured DNS server."
const ip_addr_t *dns_getserver(uint8_t number) {
    CALLED;
    return &dns_server;
}

void dns_setserver(uint8_t number, const ip_addr_t *server) {
    CALLED;
    dns_server = *server;
}

// lwIP's ip.c: "Convert numeric IP address (both versions) into ASCII representation." and back
char *ipaddr_ntoa_r(const ip_addr_t *address, char *text, int size) {
    const uint8_t *a = (const uint8_t *)&address->addr;
    snprintf(text, size, "%d.%d.%d.%d", a[0], a[1], a[2], a[3]);
    return text;
}

int ipaddr_aton(const char *text, ip_addr_t *address) {
    uint8_t *a = (uint8_t *)&address->addr;
    return sscanf(text, "%hhu.%hhu.%hhu.%hhu", &a[0], &a[1], &a[2], &a[3]) == 4;
}

// SPDX-License-Identifier: MIT
// The access points around, set by a test or by a file that another process writes.

#include <stdio.h>
#include <sys/stat.h>

#include "inside.h"

static ap_t aps[APS];
int ap_count;

ap_t *ap_at(int i) {
    return &aps[i];
}

ap_t *ap_find(const char *ssid) {
    for (int i = 0; i < ap_count; i++) {
        if (strcmp(aps[i].ssid, ssid) == 0) {
            return &aps[i];
        }
    }
    return NULL;
}

bool ap_up(const char *ssid, const char *password, int channel, int rssi) {
    ap_t *ap = ap_find(ssid);
    if (ap == NULL) {
        if (ap_count == ARRAY_SIZE(aps)) {
            return false;
        }
        ap = &aps[ap_count++];
    }
    memset(ap, 0, sizeof(*ap));
    snprintf(ap->ssid, sizeof(ap->ssid), "%s", ssid);
    snprintf(ap->password, sizeof(ap->password), "%s", password);
    ap->channel = channel;
    ap->rssi = rssi;
    // The same for the same name, as an access point has it, whichever came first.
    memcpy(ap->bssid, "\x02\0\0\0\0", 5);
    for (const char *c = ssid; *c; c++) {
        ap->bssid[5] = ap->bssid[5] * 31 + *c;
    }
    return true;
}

void ap_down(const char *ssid) {
    ap_t *ap = ap_find(ssid);
    if (ap != NULL) {
        *ap = aps[--ap_count];
    }
}

void air_forget(void) {
    ap_count = 0;
}

// --- the file: lines KNOB=VALUE, and SSID<tab>PASSWORD for each access point that there is from now on

static bool set_knob(const char *name, int value) {
#define X(each, unused) \
    if (strcmp(name, #each) == 0) { \
        knob.each = value; \
        return true; \
    }
    KNOBS(X)
#undef X
    return false;
}

static void read_line(char *line) {
    line[strcspn(line, "\n")] = 0;
    char *tab = strchr(line, '\t'), *equals = strchr(line, '=');
    if (tab != NULL) {
        *tab = 0;
        ap_up(line, tab + 1, 6, -50);
    } else if (equals != NULL) {
        *equals = 0;
        if (!set_knob(line, atoi(equals + 1))) {
            fprintf(stderr, "idf: AIR sets %s, which is no knob\n", line);
            abort();
        }
    }
}

void air_follow(void) {
    static const char *path;
    static uint64_t looked;
    static struct stat last;
    if (looked == 0) {
        path = getenv("AIR");
    }
    uint64_t now = now_ms();
    struct stat stats;
    if (path == NULL || (looked && now - looked < 5)) {
        return;
    }
    looked = now;
    if (stat(path, &stats) != 0 || (stats.st_ino == last.st_ino && stats.st_mtim.tv_sec == last.st_mtim.tv_sec
        && stats.st_mtim.tv_nsec == last.st_mtim.tv_nsec)) {
        return;
    }
    last = stats;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return;
    }
    ap_count = 0;
    char line[128];
    while (fgets(line, sizeof(line), file) != NULL) {
        read_line(line);
    }
    fclose(file);
    station_look();
}

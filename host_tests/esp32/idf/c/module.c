// SPDX-License-Identifier: MIT
// The module `idf`, with which a test steers what the port's code sees. ../README.md has a table of it.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "py/objarray.h"
#include "py/objlist.h"
#include "py/objstr.h"
#include "py/runtime.h"

#include "inside.h"

#include "lwip/sockets.h"

// now(): ms
static mp_obj_t idf_now(void) {
    return mp_obj_new_int_from_ull(now_ms());
}
static MP_DEFINE_CONST_FUN_OBJ_0(idf_now_obj, idf_now);

// advance(ms): to the next thing that happens, so far at most. How far it was; 0 in real time.
static mp_obj_t idf_advance(mp_obj_t ms) {
    mp_int_t most = mp_obj_get_int(ms);
    if (most < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("time does not go back"));
    }
    return mp_obj_new_int_from_ull(run_next(most));
}
static MP_DEFINE_CONST_FUN_OBJ_1(idf_advance_obj, idf_advance);

// real(on): real time, or virtual
static mp_obj_t idf_real(mp_obj_t on) {
    set_real(mp_obj_is_true(on));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(idf_real_obj, idf_real);

static const char *text(mp_obj_t from, size_t most) {
    size_t length;
    const char *text = mp_obj_str_get_data(from, &length);
    if (length > most) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("more than %d octets"), (int)most);
    }
    return text;
}

// ap_up(ssid, password="", channel=1, rssi=-50): an access point begins, or goes on in another way
static mp_obj_t idf_ap_up(size_t n, const mp_obj_t *args) {
    const char *ssid = text(args[0], 32), *password = n > 1 ? text(args[1], 64) : "";
    int channel = n > 2 ? mp_obj_get_int(args[2]) : 1;
    if (channel < 1 || channel > 14) {
        mp_raise_ValueError(MP_ERROR_TEXT("a channel is 1 to 14"));
    }
    if (!ap_up(ssid, password, channel, n > 3 ? mp_obj_get_int(args[3]) : -50)) {
        mp_raise_ValueError(MP_ERROR_TEXT("more access points than there is room for"));
    }
    station_look();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(idf_ap_up_obj, 1, 4, idf_ap_up);

// ap_down(ssid)
static mp_obj_t idf_ap_down(mp_obj_t ssid) {
    ap_down(text(ssid, 32));
    station_look();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(idf_ap_down_obj, idf_ap_down);

// disconnect(reason): the station is thrown out. False when there was nothing to be thrown out of.
static mp_obj_t idf_disconnect(mp_obj_t reason) {
    int number = mp_obj_get_int(reason);
    if (number < 1 || number > 255) {
        mp_raise_ValueError(MP_ERROR_TEXT("a reason is 1 to 255"));
    }
    if (station_state() == IDLE) {
        return mp_const_false;
    }
    station_fail(number);
    done(ESP_OK);
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_1(idf_disconnect_obj, idf_disconnect);

// outcomes(reason, ...): how the next attempts to join end, one each; 0: by the access point, -1: never
static mp_obj_t idf_outcomes(size_t n, const mp_obj_t *args) {
    for (size_t i = 0; i < n; i++) {
        if (!station_outcome(mp_obj_get_int(args[i]))) {
            mp_raise_ValueError(MP_ERROR_TEXT("more outcomes than there is room for"));
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR(idf_outcomes_obj, 0, idf_outcomes);

// lease("192.0.2.9"): the address that DHCP gives from now on, at once where there is one already. lease(None): it ends.
static mp_obj_t idf_lease(mp_obj_t address) {
    ip_addr_t parsed = { 0 };
    if (address != mp_const_none && (!ipaddr_aton(text(address, 15), &parsed) || parsed.addr == 0)) {
        mp_raise_ValueError(MP_ERROR_TEXT("an IPv4 address, or None"));
    }
    netif_lease(parsed.addr);
    done(ESP_OK);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(idf_lease_obj, idf_lease);

static const struct { const char *name; int *at; } knobs[] = {
#define X(name, value) { #name, &knob.name },
    KNOBS(X)
#undef X
};

static int *knob_at(mp_obj_t name) {
    const char *wanted = mp_obj_str_get_str(name);
    for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
        if (strcmp(knobs[i].name, wanted) == 0) {
            return knobs[i].at;
        }
    }
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("no such knob: %s"), wanted);
}

// set(KNOB=VALUE, ...) and get(KNOB): knobs.h
static mp_obj_t idf_set(size_t n, const mp_obj_t *args, mp_map_t *settings) {
    for (size_t i = 0; i < settings->alloc; i++) {
        if (mp_map_slot_is_filled(settings, i)) {
            int value = mp_obj_get_int(settings->table[i].value);
            *knob_at(settings->table[i].key) = value;
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(idf_set_obj, 0, idf_set);

static mp_obj_t idf_get(mp_obj_t name) {
    return mp_obj_new_int(*knob_at(name));
}
static MP_DEFINE_CONST_FUN_OBJ_1(idf_get_obj, idf_get);

// now_frame(mac, octets, rssi=-40, channel=0, lmk=None): a frame is sent to this chip. Whether the port was given it.
static mp_obj_t idf_now_frame(size_t n, const mp_obj_t *pos, mp_map_t *kw) {
    enum { MAC, OCTETS, RSSI, CHANNEL, LMK };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_mac, MP_ARG_OBJ | MP_ARG_REQUIRED, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_octets, MP_ARG_OBJ | MP_ARG_REQUIRED, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_rssi, MP_ARG_INT, { .u_int = -40 } },
        { MP_QSTR_channel, MP_ARG_INT, { .u_int = 0 } },
        { MP_QSTR_lmk, MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
    };
    mp_arg_val_t args[ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n, pos, kw, ARRAY_SIZE(allowed), allowed, args);
    mp_buffer_info_t mac, octets, lmk = { .buf = NULL };
    mp_get_buffer_raise(args[MAC].u_obj, &mac, MP_BUFFER_READ);
    mp_get_buffer_raise(args[OCTETS].u_obj, &octets, MP_BUFFER_READ);
    if (args[LMK].u_obj != mp_const_none) {
        mp_get_buffer_raise(args[LMK].u_obj, &lmk, MP_BUFFER_READ);
    }
    if (mac.len != ESP_NOW_ETH_ALEN || octets.len == 0 || octets.len > ESP_NOW_MAX_DATA_LEN_V2
        || (lmk.buf != NULL && lmk.len != ESP_NOW_KEY_LEN)) {
        mp_raise_ValueError(MP_ERROR_TEXT("6 octets of mac, 1 to 1470 of frame, 16 of lmk"));
    }
    return mp_obj_new_bool(
        now_frame(mac.buf, octets.buf, octets.len, args[RSSI].u_int, args[CHANNEL].u_int, lmk.buf));
}
static MP_DEFINE_CONST_FUN_OBJ_KW(idf_now_frame_obj, 2, idf_now_frame);

// now_sent(): what the other stations heard since the last time, 64 frames at most: [(mac, octets), ...]
static mp_obj_t idf_now_sent(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < now_sent_count(); i++) {
        const uint8_t *mac, *data;
        size_t length = now_sent(i, &mac, &data);
        mp_obj_t pair[] = { mp_obj_new_bytes(mac, ESP_NOW_ETH_ALEN), mp_obj_new_bytes(data, length) };
        mp_obj_list_append(list, mp_obj_new_tuple(2, pair));
    }
    now_sent_clear();
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(idf_now_sent_obj, idf_now_sent);

// calls(): {function of ESP-IDF: how often it was called since the power went on}
static mp_obj_t idf_calls(void) {
    mp_obj_t dict = mp_obj_new_dict(0);
    const char *name;
    size_t times;
    for (size_t i = 0; (times = call_count(i, &name)) != 0; i++) {
        mp_obj_dict_store(dict, mp_obj_new_str(name, strlen(name)), mp_obj_new_int(times));
    }
    return dict;
}
static MP_DEFINE_CONST_FUN_OBJ_0(idf_calls_obj, idf_calls);

// state(): of the driver's station, whatever the port believes
static mp_obj_t idf_state(void) {
    static const char *const names[] = { "idle", "scanning", "joining", "associated", "up" };
    return mp_obj_new_str(names[station_state()], strlen(names[station_state()]));
}
static MP_DEFINE_CONST_FUN_OBJ_0(idf_state_obj, idf_state);

// power_cycle(): off and on, without access points, all knobs as they were. Not so esp_wifi_init(): whether it was called
// is static within a function of network_wlan.c.
static mp_obj_t idf_power_cycle(void) {
    clock_forget();
    air_forget();
    station_forget();
    netif_forget();
    now_forget();
    wlan_forget();
    MP_STATE_PORT(espnow_singleton) = NULL;
    knobs_t as_new = {
#define X(name, value) .name = value,
        KNOBS(X)
#undef X
    };
    knob = as_new;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(idf_power_cycle_obj, idf_power_cycle);

// panic() and brown_out() end the run as the chip would
static mp_obj_t idf_panic(void) {
    chip_end(EXIT_PANIC);
}
static MP_DEFINE_CONST_FUN_OBJ_0(idf_panic_obj, idf_panic);

static mp_obj_t idf_brown_out(void) {
    chip_end(EXIT_BROWNOUT);
}
static MP_DEFINE_CONST_FUN_OBJ_0(idf_brown_out_obj, idf_brown_out);

// mapped(path): a file as memory outside of the heap, as flash is, for as long as the program runs
static mp_obj_t idf_mapped(mp_obj_t path) {
    int file = open(mp_obj_str_get_str(path), O_RDONLY);
    struct stat stats;
    void *at = MAP_FAILED;
    if (file >= 0 && fstat(file, &stats) == 0) {
        at = mmap(NULL, stats.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    }
    if (file >= 0) {
        close(file);
    }
    if (at == MAP_FAILED) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("%s can't be mapped"), mp_obj_str_get_str(path));
    }
    return mp_obj_new_memoryview('B', stats.st_size, at);
}
static MP_DEFINE_CONST_FUN_OBJ_1(idf_mapped_obj, idf_mapped);

// partition.c
extern const mp_obj_fun_builtin_fixed_t idf_partitions_obj, idf_boot_obj;

static const mp_rom_map_elem_t idf_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_idf) },
    { MP_ROM_QSTR(MP_QSTR_now), MP_ROM_PTR(&idf_now_obj) },
    { MP_ROM_QSTR(MP_QSTR_advance), MP_ROM_PTR(&idf_advance_obj) },
    { MP_ROM_QSTR(MP_QSTR_real), MP_ROM_PTR(&idf_real_obj) },
    { MP_ROM_QSTR(MP_QSTR_ap_up), MP_ROM_PTR(&idf_ap_up_obj) },
    { MP_ROM_QSTR(MP_QSTR_ap_down), MP_ROM_PTR(&idf_ap_down_obj) },
    { MP_ROM_QSTR(MP_QSTR_disconnect), MP_ROM_PTR(&idf_disconnect_obj) },
    { MP_ROM_QSTR(MP_QSTR_outcomes), MP_ROM_PTR(&idf_outcomes_obj) },
    { MP_ROM_QSTR(MP_QSTR_lease), MP_ROM_PTR(&idf_lease_obj) },
    { MP_ROM_QSTR(MP_QSTR_set), MP_ROM_PTR(&idf_set_obj) },
    { MP_ROM_QSTR(MP_QSTR_get), MP_ROM_PTR(&idf_get_obj) },
    { MP_ROM_QSTR(MP_QSTR_now_frame), MP_ROM_PTR(&idf_now_frame_obj) },
    { MP_ROM_QSTR(MP_QSTR_now_sent), MP_ROM_PTR(&idf_now_sent_obj) },
    { MP_ROM_QSTR(MP_QSTR_calls), MP_ROM_PTR(&idf_calls_obj) },
    { MP_ROM_QSTR(MP_QSTR_state), MP_ROM_PTR(&idf_state_obj) },
    { MP_ROM_QSTR(MP_QSTR_power_cycle), MP_ROM_PTR(&idf_power_cycle_obj) },
    { MP_ROM_QSTR(MP_QSTR_panic), MP_ROM_PTR(&idf_panic_obj) },
    { MP_ROM_QSTR(MP_QSTR_brown_out), MP_ROM_PTR(&idf_brown_out_obj) },
    { MP_ROM_QSTR(MP_QSTR_partitions), MP_ROM_PTR(&idf_partitions_obj) },
    { MP_ROM_QSTR(MP_QSTR_boot), MP_ROM_PTR(&idf_boot_obj) },
    { MP_ROM_QSTR(MP_QSTR_mapped), MP_ROM_PTR(&idf_mapped_obj) },
};
static MP_DEFINE_CONST_DICT(idf_globals, idf_globals_table);

const mp_obj_module_t idf_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&idf_globals,
};
MP_REGISTER_MODULE(MP_QSTR_idf, idf_module);

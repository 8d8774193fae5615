// SPDX-License-Identifier: MIT
// The module `cyw43`, with which a test steers the imitation, and which has the port's WLAN.
//
//     ap_up(ssid, password="", address="192.168.4.2", rssi=-60)   an access point is there from now on, or changes
//     ap_down(ssid)           it is gone
//     disconnect(reason)      it throws the station out
//     set(knob=value, ...), get(knob)
//     state()                 of the chip: "idle", "searching", "joining", "associated", "lost"
//     calls()                 {function of the driver: how often it was called}
//     power_cycle()           all as it is when the board is switched on, and no access point there
#include <string.h>

#include "py/objstr.h"
#include "py/runtime.h"
#include "shared/netutils/netutils.h"

#include "extmod/network_cyw43.h"

#include "air.h"

void cyw43_air_ap(const char *name, const char *password, uint32_t address, int rssi, bool there);
void cyw43_air_throw_out(int reason);
void cyw43_air_forget(void);
const char *cyw43_air_state(void);

static struct { const char *name; int times; } calls[16];

void cyw43_called(const char *name) {
    for (size_t i = 0; i < MP_ARRAY_SIZE(calls); i++) {
        if (calls[i].name == NULL || strcmp(calls[i].name, name) == 0) {
            calls[i].name = name;
            calls[i].times++;
            return;
        }
    }
}

static const knobs_t at_first = {
#define X(name, value) .name = value,
    KNOBS(X)
#undef X
};

static const struct { const char *name; int *at; } knobs[] = {
#define X(name, value) { #name, &cyw43_knob.name },
    KNOBS(X)
#undef X
};

static int *knob(mp_obj_t name) {
    for (size_t i = 0; i < MP_ARRAY_SIZE(knobs); i++) {
        if (strcmp(knobs[i].name, mp_obj_str_get_str(name)) == 0) {
            return knobs[i].at;
        }
    }
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("cyw43: no knob %s"), mp_obj_str_get_str(name));
}

static mp_obj_t mod_ap_up(size_t n_args, const mp_obj_t *args) {
    ip_addr_t address = { 0 };
    mp_obj_t text = n_args > 2 ? args[2] : mp_obj_new_str_from_cstr("192.168.4.2");
    netutils_parse_ipv4_addr(text, (uint8_t *)&address, NETUTILS_BIG);
    const char *password = n_args > 1 ? mp_obj_str_get_str(args[1]) : "";
    cyw43_follow(); // what was to happen before
    cyw43_air_ap(mp_obj_str_get_str(args[0]), password, address.addr, n_args > 3 ? mp_obj_get_int(args[3]) : -60, true);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mod_ap_up_obj, 1, 4, mod_ap_up);

static mp_obj_t mod_ap_down(mp_obj_t name) {
    cyw43_follow();
    cyw43_air_ap(mp_obj_str_get_str(name), "", 0, 0, false);
    cyw43_follow(); // from now on it misses the beacons
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_ap_down_obj, mod_ap_down);

static mp_obj_t mod_disconnect(mp_obj_t reason) {
    cyw43_air_throw_out(mp_obj_get_int(reason));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_disconnect_obj, mod_disconnect);

static mp_obj_t mod_set(size_t n_args, const mp_obj_t *args, mp_map_t *kwargs) {
    (void)n_args;
    (void)args;
    for (size_t i = 0; i < kwargs->alloc; i++) {
        if (mp_map_slot_is_filled(kwargs, i)) {
            *knob(kwargs->table[i].key) = mp_obj_get_int(kwargs->table[i].value);
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_set_obj, 0, mod_set);

static mp_obj_t mod_get(mp_obj_t name) {
    return mp_obj_new_int(*knob(name));
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_get_obj, mod_get);

static mp_obj_t mod_state(void) {
    cyw43_follow();
    return mp_obj_new_str_from_cstr(cyw43_air_state());
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_state_obj, mod_state);

static mp_obj_t mod_calls(void) {
    mp_obj_t found = mp_obj_new_dict(0);
    for (size_t i = 0; i < MP_ARRAY_SIZE(calls) && calls[i].name != NULL; i++) {
        mp_obj_dict_store(found, mp_obj_new_str_from_cstr(calls[i].name), MP_OBJ_NEW_SMALL_INT(calls[i].times));
    }
    return found;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_calls_obj, mod_calls);

static mp_obj_t mod_power_cycle(void) {
    cyw43_knob = at_first;
    cyw43_air_forget();
    cyw43_power_cycle();
    cyw43_wlan_forget();
    memset(calls, 0, sizeof(calls));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_power_cycle_obj, mod_power_cycle);

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_cyw43) },
    { MP_ROM_QSTR(MP_QSTR_WLAN), MP_ROM_PTR(&mp_network_cyw43_type) },
    { MP_ROM_QSTR(MP_QSTR_ap_up), MP_ROM_PTR(&mod_ap_up_obj) },
    { MP_ROM_QSTR(MP_QSTR_ap_down), MP_ROM_PTR(&mod_ap_down_obj) },
    { MP_ROM_QSTR(MP_QSTR_disconnect), MP_ROM_PTR(&mod_disconnect_obj) },
    { MP_ROM_QSTR(MP_QSTR_set), MP_ROM_PTR(&mod_set_obj) },
    { MP_ROM_QSTR(MP_QSTR_get), MP_ROM_PTR(&mod_get_obj) },
    { MP_ROM_QSTR(MP_QSTR_state), MP_ROM_PTR(&mod_state_obj) },
    { MP_ROM_QSTR(MP_QSTR_calls), MP_ROM_PTR(&mod_calls_obj) },
    { MP_ROM_QSTR(MP_QSTR_power_cycle), MP_ROM_PTR(&mod_power_cycle_obj) },
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t cyw43_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};

MP_REGISTER_MODULE(MP_QSTR_cyw43, cyw43_module);

// SPDX-License-Identifier: MIT
// MicroPython from one soft reset to the next, in the order of ports/rp2/main.c.
#include "py/builtin.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "shared/readline/readline.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"
#include "virt.h"

extern char stack_top, stack_end;
static uint32_t heap[MSGIN5G_HEAP / sizeof(uint32_t)];

void machine_uart_deinit_all(void);

static void run_files(void) {
    pyexec_frozen_module("_boot.py", false);
    int done = pyexec_file_if_exists("boot.py");
    if (done & PYEXEC_FORCED_EXIT) {
        return;
    }
    if (pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL && done != 0) {
        done = pyexec_file_if_exists("main.py");
        if (done & PYEXEC_FORCED_EXIT) {
            return;
        }
    }
    do {
        done = pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
    } while (done == 0);
}

int main(void) {
    mp_cstack_init_with_top(&stack_top, &stack_top - &stack_end);
    gc_init(heap, heap + MP_ARRAY_SIZE(heap));
    for (;;) {
        mp_init();
        readline_init0();
        run_files();
        mp_printf(&mp_plat_print, "MPY: soft reboot\n");
        machine_uart_deinit_all();
        gc_sweep_all();
        mp_deinit();
    }
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
}

void nlr_jump_fail(void *value) {
    mp_printf(&mp_plat_print, "uncaught exception\n");
    mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(value));
    power_off(1);
}

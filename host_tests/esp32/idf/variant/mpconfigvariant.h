// SPDX-License-Identifier: MIT
// The unix port with what ports/esp32/mpconfigport.h has, where that shows.
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#include "variants/mpconfigvariant_common.h"

// An OSError of the port has the bare name of the error in args[1] with this, and a sentence with more.
#undef MICROPY_ERROR_REPORTING
#define MICROPY_ERROR_REPORTING (MICROPY_ERROR_REPORTING_NORMAL)
// select.poll asks each stream, and waits by the hook below.
#undef MICROPY_PY_SELECT_POSIX_OPTIMISATIONS
#define MICROPY_PY_SELECT_POSIX_OPTIMISATIONS (0)
#define MICROPY_PY_ESPNOW (1)
#define MICROPY_PY_NETWORK (1)
#define MICROPY_PY_NETWORK_WLAN (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "mpy-esp32"
#define MICROPY_PY_NETWORK_INCLUDEFILE "ports/esp32/modnetwork.h"
#define MICROPY_PY_NETWORK_MODULE_GLOBALS_INCLUDEFILE "ports/esp32/modnetwork_globals.h"
#define MICROPY_PY_MACHINE_RESET (1)
#define MICROPY_PY_MACHINE_BARE_METAL_FUNCS (1)
#define MICROPY_PY_MACHINE_WDT (1)
#define MICROPY_PY_MACHINE_WDT_INCLUDEFILE "ports/esp32/machine_wdt.c"
// extmod/modcryptolib.c over mbedtls/aes.h, as on the chip, and nothing else of TLS
#define MICROPY_PY_CRYPTOLIB (1)
#define MICROPY_PY_CRYPTOLIB_CTR (1)

// No test needs these, and each costs its compilation.
#define MICROPY_EMIT_X64 (0)
#define MICROPY_EMIT_X86 (0)
#undef MICROPY_PY_WEBSOCKET
#define MICROPY_PY_WEBSOCKET (0)
#define MICROPY_PY_FRAMEBUF (0)
#define MICROPY_PY_ONEWIRE (0)
#define MICROPY_PY_MACHINE_SOFTI2C (0)
#define MICROPY_PY_MACHINE_SOFTSPI (0)

#define MICROPY_EVENT_POLL_HOOK \
    do { \
        extern void idf_wait(void); \
        mp_handle_pending(1); \
        idf_wait(); \
    } while (0);
#define MICROPY_VM_HOOK_LOOP do { extern void idf_vm_hook(void); idf_vm_hook(); } while (0);
#define MICROPY_VM_HOOK_RETURN MICROPY_VM_HOOK_LOOP

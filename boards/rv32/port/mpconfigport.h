// SPDX-License-Identifier: MIT
// What of MicroPython is in the image: as much as the esp32 port has of it without a network (ports/esp32/mpconfigport.h),
// so that what runs here finds there what it found here.
#include <alloca.h>
#include <stdint.h>

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

#define MICROPY_HW_BOARD_NAME "MSGin5G " MSGIN5G_VERSION " for the virt machine of QEMU"
#define MICROPY_HW_MCU_NAME "RV32IMC"
#define MICROPY_PY_SYS_PLATFORM "rv32"

#define MICROPY_LONGINT_IMPL (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)
#define MICROPY_ENABLE_GC (1)
#define MICROPY_STACK_CHECK_MARGIN (1024)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF (1)
#define MICROPY_PERSISTENT_CODE_LOAD (1)
#define MICROPY_READER_VFS (1)
#define MICROPY_SCHEDULER_DEPTH (8)
#define MICROPY_KBD_EXCEPTION (1)
#define MICROPY_WARNINGS (1)
#define MICROPY_HELPER_REPL (1)
#define MICROPY_REPL_AUTO_INDENT (1)
#define MICROPY_USE_INTERNAL_ERRNO (1)
#define MP_NEED_LOG2 (1)

#define MICROPY_VFS (1)
#define MICROPY_VFS_ROM (1)
#define MICROPY_VFS_ROM_IOCTL (0)

#define MICROPY_PY_TIME (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS (1)
#define MICROPY_PY_TIME_INCLUDEFILE "port_os.c"

#define MICROPY_PY_OS_INCLUDEFILE "port_os.c"
#define MICROPY_PY_OS_UNAME (1)
#define MICROPY_PY_OS_URANDOM (1)
#define MICROPY_PY_OS_SYNC (1)
#define MICROPY_PY_RANDOM_SEED_INIT_FUNC (entropy_word())
uint32_t entropy_word(void);

#define MICROPY_PY_MACHINE (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE "port_machine.c"
#define MICROPY_PY_MACHINE_RESET (1)
#define MICROPY_PY_MACHINE_BARE_METAL_FUNCS (1)
#define MICROPY_PY_MACHINE_DISABLE_IRQ_ENABLE_IRQ (1)
#define MICROPY_PY_MACHINE_UART (1)
#define MICROPY_PY_MACHINE_UART_INCLUDEFILE "port_uart.c"

// As there: AES by Mbed TLS, and no counter mode.
#define MICROPY_SSL_MBEDTLS (1)
#define MICROPY_PY_CRYPTOLIB (1)
#define MICROPY_PY_HASHLIB_MD5 (1)
#define MICROPY_PY_HASHLIB_SHA1 (1)
#define MICROPY_PY_HASHLIB_SHA256 (1)

#define MICROPY_BEGIN_ATOMIC_SECTION() rv32_interrupts_off()
#define MICROPY_END_ATOMIC_SECTION(before) rv32_interrupts_restore(before)
static inline uint32_t rv32_interrupts_off(void) {
    uint32_t before;
    __asm volatile ("csrrci %0, mstatus, 8" : "=r" (before) : : "memory");
    return before & 8;
}
static inline void rv32_interrupts_restore(uint32_t before) {
    __asm volatile ("csrs mstatus, %0" : : "r" (before) : "memory");
}

typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
typedef long mp_off_t;
#define MP_SSIZE_MAX (0x7fffffff)
#define UINT_FMT "%lu"
#define INT_FMT "%ld"
#define MP_STATE_PORT MP_STATE_VM

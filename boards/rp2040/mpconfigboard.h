// SPDX-License-Identifier: MIT
// Shown in the REPL's banner, os.uname().machine and sys.implementation._machine.
#define MICROPY_HW_BOARD_NAME "MSGin5G " MSGIN5G_VERSION " for Raspberry Pi Pico"

// The last 1408 KiB of the 2 MiB flash are the file system, as in MicroPython's own image for the Pico, so that changing
// between the two keeps the files. board.json says the same.
#define MICROPY_HW_FLASH_STORAGE_BYTES (1408 * 1024)

// OSCORE needs AES-CCM, which is put together from CBC and CTR.
#define MICROPY_PY_CRYPTOLIB_CTR (1)

// One core, one thread: the firmware is asyncio throughout, and the second core's stack and locks are heap instead.
#define MICROPY_PY_THREAD (0)

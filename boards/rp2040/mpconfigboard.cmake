# SPDX-License-Identifier: MIT
# A board of its own outside MicroPython's tree: Raspberry Pi Pico with the firmware frozen in.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
set(MBEDTLS_CONFIG_FILE "${MICROPY_BOARD_DIR}/mbedtls_config_board.h")
# Given by tools/image, which reads it where the project's version is written.
add_compile_definitions(MSGIN5G_VERSION="${MSGIN5G_VERSION}")
# The name of each frozen module for `picotool info`, which takes 40 octets each and nobody looks for: help("modules") says
# them on the board. All else that picotool tells of an image stays.
set_source_files_properties("${CMAKE_BINARY_DIR}/frozen_content.c" PROPERTIES COMPILE_DEFINITIONS "PICO_NO_BINARY_INFO=1")

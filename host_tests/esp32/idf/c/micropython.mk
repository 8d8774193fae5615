# SPDX-License-Identifier: MIT
# For MicroPython's make, in the folder that ../build.py puts together: `port` in it has links to the port's own sources.
SRC_USERMOD_C += $(addprefix $(USERMOD_DIR)/, \
    clock.c air.c station.c radio.c netif.c now.c chip.c module.c partition.c wlan.c cutout.c socket.c \
    port/modespnow.c port/network_common.c port/esp32_partition.c)
CFLAGS_USERMOD += -I$(USERMOD_DIR)/include -I$(USERMOD_DIR)
# The clock of asyncio, `select` and `time` is that of the imitation, too.
$(addprefix $(BUILD)/extmod/, modasyncio.o modselect.o modtime.o): CFLAGS += -include idf_clock.h
# On the chip mphalport.h has it.
$(BUILD)/idf/port/esp32_partition.o: CFLAGS += -include esp_err.h

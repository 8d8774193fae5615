// SPDX-License-Identifier: MIT
// The unix port's sockets. MICROPY_PY_SOCKET is 0 elsewhere, or extmod/modsocket.c would make sockets of its own over the
// interfaces of `network`, which have none here.
#include "py/mpconfig.h"
#undef MICROPY_PY_SOCKET
#define MICROPY_PY_SOCKET 1
#include "ports/unix/modsocket.c"

// SPDX-License-Identifier: MIT
// The unix port's configuration, and what it fixes that is otherwise here.
#include "mpconfigport.h"

#undef MICROPY_PY_MACHINE_INCLUDEFILE
#define MICROPY_PY_MACHINE_INCLUDEFILE "machine.c"
// Each import that is going on has so much of the stack: 128 on the chip, here what a folder of a user may need.
#undef MICROPY_ALLOC_PATH_MAX
#define MICROPY_ALLOC_PATH_MAX (256)

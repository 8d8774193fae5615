# SPDX-License-Identifier: MIT
"""QEMU's RV32IMC machine with the image of boards/rv32."""

import pytest


@pytest.fixture
def boot(boot_virt):
    return boot_virt


@pytest.fixture
def machine(boot):
    return boot()

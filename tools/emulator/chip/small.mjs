// SPDX-License-Identifier: MIT
// Two small parts of the chip that firmware looks at: the ring oscillator's random bit, and the cause of a reset.

import crypto from 'node:crypto';
import { BasePeripheral } from 'rp2040js';

const ROSC_STATUS = 0x18, ROSC_RANDOMBIT = 0x1c, STABLE_ENABLED = 0x80001000;

export class Rosc extends BasePeripheral {
    constructor(mcu, random = crypto.randomBytes) {
        super(mcu, 'ROSC');
        this.random = random;
        this.registers = new Map();
        this.bits = [];
    }

    readUint32(offset) {
        if (offset === ROSC_STATUS) return STABLE_ENABLED;
        if (offset !== ROSC_RANDOMBIT) return this.registers.get(offset) ?? 0;
        if (!this.bits.length) for (const octet of this.random(64)) for (let i = 0; i < 8; i++) this.bits.push((octet >> i) & 1);
        return this.bits.pop();
    }

    writeUint32(offset, value) {
        this.registers.set(offset, value);
    }
}

const VREG = 0x00, CHIP_RESET = 0x08, HAD_POR = 1 << 8, VREG_DEFAULT = 0x10b1;

export class VregAndChipReset extends BasePeripheral {
    constructor(mcu, poweredOn) {
        super(mcu, 'VREG_AND_CHIP_RESET');
        this.cause = poweredOn ? HAD_POR : 0;
        this.registers = new Map([[VREG, VREG_DEFAULT]]);
    }

    readUint32(offset) {
        return offset === CHIP_RESET ? this.cause : (this.registers.get(offset) ?? 0);
    }

    writeUint32(offset, value) {
        if (offset !== CHIP_RESET) this.registers.set(offset, value);
    }
}

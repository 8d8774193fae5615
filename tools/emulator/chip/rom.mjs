// SPDX-License-Identifier: MIT
// A stand-in for the mask ROM of the RP2040, which can't be had as a package. Written from the data sheet, section 2.8:
// the well-known addresses 0x10 to 0x18, tables of two-letter codes, and the functions behind them.
//
// Each function is two instructions, BKPT #n and BX LR. At the break point the core stops, and what the function does
// is done here.

import { DOUBLE, DOUBLE_CYCLES, SINGLE, SINGLE_CYCLES } from './floats.mjs';
import { FLASH_BASE } from './flash.mjs';

const BKPT = 0xbe00, BX_LR = 0x4770;
const ROM_WORDS = 4096, ROM_END = 4 * ROM_WORDS;
const RAM_BASE = 0x20000000, RAM_SIZE = 264 * 1024;
const STACK_TOP = 0x20041f00;
const FIRST_FUNCTION = 0x100;
const FLOAT_TABLE_SIZE = 0x80; // in octets
const CYCLE_NS = 8; // 125 MHz
const SSI = 0x18000, SSIENR = 0x08, IO_QSPI = 0x40018, SS_CTRL = 0x0c;

export class MaskRom {
    // `halt(reason)` stops the board.
    constructor(mcu, nor, halt) {
        this.mcu = mcu;
        this.nor = nor;
        this.halt = halt;
        this.words = new Uint32Array(ROM_WORDS);
        this.halves = new Uint16Array(this.words.buffer);
        this.functions = []; // [function, cycles]
        this.end = FIRST_FUNCTION;
        this.build();
    }

    // The core met BKPT #number; true where it was one of ours.
    call(number) {
        const entry = this.functions[number];
        if (this.mcu.core.PC >= ROM_END || !entry) return false;
        const [perform, cycles] = entry;
        const more = perform(this.mcu.core) ?? 0;
        this.mcu.clock.tick((cycles + more) * CYCLE_NS);
        return true;
    }

    build() {
        const functions = this.table({
            P3: this.unary(countOnes), R3: this.unary(reverse), L3: this.unary(Math.clz32), T3: this.unary(countTrailing),
            MS: this.stub((core) => this.fill(core)), S4: this.stub((core) => this.fill(core)),
            MC: this.stub((core) => this.copy(core)), C4: this.stub((core) => this.copy(core)),
            IF: this.stub(() => this.resetSsi()), EX: this.stub(() => this.resetSsi()),
            // flash_flush_cache() also gives chip select back to the SSI
            FC: this.stub(() => { this.mcu.peripherals[IO_QSPI].writeUint32(SS_CTRL, 0); }),
            CX: this.stub(() => {}),
            RE: this.stub((core) => { this.nor.erase(core.registers[0], core.registers[1]); }),
            RP: this.stub((core) => this.program(core)),
            UB: this.stub(() => { this.halt('the firmware asked for the USB boot loader'); }),
            WV: this.stub(() => {}),
        });
        const data = this.table({
            SF: this.floats(SINGLE, SINGLE_CYCLES),
            SD: this.floats(DOUBLE, DOUBLE_CYCLES),
        });
        const lookUp = this.stub((core) => this.lookUp(core), 40);
        const fault = this.stub(() => {
            const stacked = this.mcu.readUint32(this.mcu.core.SP + 0x18);
            this.halt(`HardFault near ${stacked.toString(16)}`);
        });
        this.words.set([STACK_TOP, fault, fault, fault]);
        // 0x10: 'M', 'u', 1 and the ROM's version, 2; 0x14: the two tables; 0x18: the look-up function
        this.halves.set([0x754d, 0x0201, functions, data, lookUp], 0x10 >> 1);
    }

    stub(perform, cycles = 20) {
        const at = this.end;
        this.halves[at >> 1] = BKPT | this.functions.length;
        this.halves[(at >> 1) + 1] = BX_LR;
        this.functions.push([perform, cycles]);
        this.end += 4;
        return at | 1; // Thumb
    }

    unary(f) {
        return this.stub((core) => { core.registers[0] = f(core.registers[0]); });
    }

    floats(functions, cycles) {
        const stubs = functions.map((f) => this.stub((core) => { f(core); }, cycles));
        this.end += 4;
        this.halves[(this.end >> 1) - 1] = FLOAT_TABLE_SIZE >> 2; // the SDK looks for the length before the table
        const at = this.end;
        for (const pointer of stubs) {
            this.words[this.end >> 2] = pointer;
            this.end += 4;
        }
        return at;
    }

    table(entries) {
        const at = this.end;
        for (const [code, value] of Object.entries(entries)) {
            this.halves[this.end >> 1] = code.charCodeAt(0) | (code.charCodeAt(1) << 8);
            this.halves[(this.end >> 1) + 1] = value;
            this.end += 4;
        }
        this.end += 4; // zero: the end
        return at;
    }

    lookUp(core) {
        const code = core.registers[1] & 0xffff;
        for (let at = core.registers[0]; ; at += 4) {
            const found = this.mcu.readUint16(at);
            if (found === code || found === 0) {
                core.registers[0] = found ? this.mcu.readUint16(at + 2) : 0;
                return;
            }
        }
    }

    fill(core) {
        const [to, octet, size] = core.registers;
        const target = this.ram(to, size);
        if (target) target.fill(octet);
        else for (let i = 0; i < size; i++) this.mcu.writeUint8(to + i, octet & 0xff);
        return size >> 1;
    }

    copy(core) {
        const [to, from, size] = core.registers;
        const target = this.ram(to, size);
        const source = this.ram(from, size) ?? this.flash(from, size);
        if (target && source) target.set(source);
        else for (let i = 0; i < size; i++) this.mcu.writeUint8(to + i, this.mcu.readUint8(from + i));
        return size >> 1;
    }

    program(core) {
        const [address, from, size] = core.registers;
        this.nor.program(address, Uint8Array.from({ length: size }, (_, i) => this.mcu.readUint8(from + i)));
    }

    // connect_internal_flash() and flash_exit_xip() leave the SSI in plain SPI mode with empty FIFOs
    resetSsi() {
        const ssi = this.mcu.peripherals[SSI];
        ssi.writeUint32(SSIENR, 0);
        ssi.writeUint32(SSIENR, 1);
    }

    ram(address, size) {
        const from = address - RAM_BASE;
        return from >= 0 && from + size <= RAM_SIZE ? this.mcu.sram.subarray(from, from + size) : null;
    }

    flash(address, size) {
        const from = address - FLASH_BASE;
        return from >= 0 && from + size <= this.mcu.flash.length ? this.mcu.flash.subarray(from, from + size) : null;
    }
}

function countOnes(word) {
    let ones = 0;
    for (; word; word &= word - 1) ones++;
    return ones;
}

function countTrailing(word) {
    return word ? 31 - Math.clz32(word & -word) : 32;
}

function reverse(word) {
    let reversed = 0;
    for (let i = 0; i < 32; i++) reversed = (reversed << 1) | ((word >>> i) & 1);
    return reversed >>> 0;
}

// SPDX-License-Identifier: MIT
// A faster way through the frequent instructions. rp2040js tries some eighty conditions for each instruction and asks
// for each memory access which part of the chip it goes to; here one jump decodes, and RAM and flash are arrays.
//
// What is not here, every access to a peripheral, exceptions, and whatever is not plain goes to rp2040js. Cycles are
// counted as it does. The results are those of the Armv6-M Architecture Reference Manual, section A6.7; where
// rp2040js differs (carry of a shift by a register that holds 0 or more than 32, overflow of ADCS and SBCS with carry)
// the manual is followed.

const XIP = 0x10; // highest octet of the addresses of the flash
const RAM = 0x20000000;
const CYCLE_NS = 8; // 125 MHz
const SP = 13, LR = 14, PC = 15;

export class Thumb {
    constructor(mcu) {
        this.mcu = mcu;
        this.registers = new Int32Array(mcu.core.registers.buffer);
        this.flash8 = mcu.flash;
        this.flash16 = new Uint16Array(mcu.flash.buffer);
        this.flash32 = new Int32Array(mcu.flash.buffer);
        this.ram8 = mcu.sram;
        this.ram16 = new Uint16Array(mcu.sram.buffer);
        this.ram32 = new Int32Array(mcu.sram.buffer);
    }

    // Runs up to `count` instructions; fewer where `stop()` says so after one that rp2040js did, or the core waits.
    // Gives how many.
    run(count, stop) {
        const { core, clock } = this.mcu;
        const { registers: r, flash8, flash16, flash32, ram8, ram16, ram32 } = this;
        const ramSize = ram8.length;
        let n = core.N, z = core.Z, c = core.C, v = core.V;
        let now = clock.nanosCounter;
        let due = clock.nextAlarm === null ? Infinity : clock.nextAlarm.nanos;
        let done = 0;
        let pc = r[PC];
        while (done < count) {
            done++;
            let cycles = 0; // stays 0 where the instruction is left to rp2040js; then nothing was changed
            let opcode = 0xde00;
            let at, a, b, result; // scratch
            if (pc >>> 24 === XIP) opcode = flash16[(pc & 0xffffff) >>> 1];
            else if ((at = (pc - RAM) >>> 0) < ramSize) opcode = ram16[at >>> 1];
            if (!core.interruptsUpdated) {
                switch (opcode >>> 11) {
                    case 0x00: // LSLS Rd, Rm, #imm5
                        b = (opcode >>> 6) & 31;
                        a = r[(opcode >>> 3) & 7];
                        if (b) c = ((a >>> (32 - b)) & 1) !== 0;
                        result = a << b;
                        r[opcode & 7] = result;
                        n = result < 0;
                        z = result === 0;
                        pc += 2;
                        cycles = 1;
                        break;
                    case 0x01: // LSRS Rd, Rm, #imm5
                        b = (opcode >>> 6) & 31;
                        a = r[(opcode >>> 3) & 7];
                        result = b ? a >>> b : 0;
                        c = ((a >>> (b ? b - 1 : 31)) & 1) !== 0;
                        r[opcode & 7] = result;
                        n = false;
                        z = result === 0;
                        pc += 2;
                        cycles = 1;
                        break;
                    case 0x02: // ASRS Rd, Rm, #imm5
                        b = (opcode >>> 6) & 31;
                        a = r[(opcode >>> 3) & 7];
                        result = a >> (b || 31);
                        c = ((a >> (b ? b - 1 : 31)) & 1) !== 0;
                        r[opcode & 7] = result;
                        n = result < 0;
                        z = result === 0;
                        pc += 2;
                        cycles = 1;
                        break;
                    case 0x03: // ADDS, SUBS Rd, Rn, Rm or #imm3
                        a = r[(opcode >>> 3) & 7];
                        b = opcode & 0x400 ? (opcode >>> 6) & 7 : r[(opcode >>> 6) & 7];
                        if (opcode & 0x200) {
                            result = (a - b) | 0;
                            c = a >>> 0 >= b >>> 0;
                            v = ((a ^ b) & (a ^ result)) < 0;
                        } else {
                            result = (a + b) | 0;
                            c = result >>> 0 < a >>> 0;
                            v = (~(a ^ b) & (a ^ result)) < 0;
                        }
                        r[opcode & 7] = result;
                        n = result < 0;
                        z = result === 0;
                        pc += 2;
                        cycles = 1;
                        break;
                    case 0x04: // MOVS Rd, #imm8
                        result = opcode & 0xff;
                        r[(opcode >>> 8) & 7] = result;
                        n = false;
                        z = result === 0;
                        pc += 2;
                        cycles = 1;
                        break;
                    case 0x05: // CMP Rn, #imm8
                    case 0x07: // SUBS Rdn, #imm8
                        a = r[(opcode >>> 8) & 7];
                        b = opcode & 0xff;
                        result = (a - b) | 0;
                        c = a >>> 0 >= b;
                        v = (a & (a ^ result)) < 0;
                        n = result < 0;
                        z = result === 0;
                        if (opcode & 0x1000) r[(opcode >>> 8) & 7] = result;
                        pc += 2;
                        cycles = 1;
                        break;
                    case 0x06: // ADDS Rdn, #imm8
                        a = r[(opcode >>> 8) & 7];
                        result = (a + (opcode & 0xff)) | 0;
                        c = result >>> 0 < a >>> 0;
                        v = (~a & result) < 0;
                        n = result < 0;
                        z = result === 0;
                        r[(opcode >>> 8) & 7] = result;
                        pc += 2;
                        cycles = 1;
                        break;
                    case 0x08:
                        if (opcode & 0x400) {
                            switch ((opcode >>> 8) & 3) {
                                case 0: // ADD Rdn, Rm
                                    at = ((opcode >>> 4) & 8) | (opcode & 7);
                                    b = (opcode >>> 3) & 15;
                                    if (at === SP || at === PC || b === PC) break;
                                    r[at] = r[at] + r[b];
                                    pc += 2;
                                    cycles = 1;
                                    break;
                                case 1: // CMP Rn, Rm
                                    at = ((opcode >>> 4) & 8) | (opcode & 7);
                                    b = (opcode >>> 3) & 15;
                                    if (at === PC || b === PC) break;
                                    a = r[at];
                                    b = r[b];
                                    result = (a - b) | 0;
                                    c = a >>> 0 >= b >>> 0;
                                    v = ((a ^ b) & (a ^ result)) < 0;
                                    n = result < 0;
                                    z = result === 0;
                                    pc += 2;
                                    cycles = 1;
                                    break;
                                case 2: // MOV Rd, Rm
                                    at = ((opcode >>> 4) & 8) | (opcode & 7);
                                    b = (opcode >>> 3) & 15;
                                    if (at === SP || at === PC || b === PC) break;
                                    r[at] = r[b];
                                    pc += 2;
                                    cycles = 1;
                                    break;
                                case 3: // BX, BLX
                                    b = r[(opcode >>> 3) & 15];
                                    if (opcode & 7 || ((opcode >>> 3) & 15) === PC || b >>> 28 === 15) break;
                                    if (opcode & 0x80) r[LR] = (pc + 2) | 1;
                                    pc = b & ~1;
                                    cycles = 2;
                                    break;
                            }
                            break;
                        }
                        a = r[opcode & 7];
                        b = r[(opcode >>> 3) & 7];
                        cycles = 1;
                        switch ((opcode >>> 6) & 15) {
                            case 0: // ANDS
                                result = r[opcode & 7] = a & b;
                                break;
                            case 1: // EORS
                                result = r[opcode & 7] = a ^ b;
                                break;
                            case 2: // LSLS
                                b &= 0xff;
                                if (b) c = b > 32 ? false : ((b === 32 ? a : a >>> (32 - b)) & 1) !== 0;
                                result = r[opcode & 7] = b > 31 ? 0 : a << b;
                                break;
                            case 3: // LSRS
                                b &= 0xff;
                                if (b) c = b > 32 ? false : ((a >>> (b - 1)) & 1) !== 0;
                                result = r[opcode & 7] = b > 31 ? 0 : a >>> b;
                                result |= 0;
                                break;
                            case 4: // ASRS
                                b &= 0xff;
                                if (b) c = ((a >> (b > 32 ? 31 : b - 1)) & 1) !== 0;
                                result = r[opcode & 7] = a >> (b > 31 ? 31 : b);
                                break;
                            case 5: // ADCS
                                at = (a >>> 0) + (b >>> 0) + (c ? 1 : 0);
                                result = r[opcode & 7] = at | 0;
                                c = at > 0xffffffff;
                                v = (~(a ^ b) & (a ^ result)) < 0;
                                break;
                            case 6: // SBCS
                                at = (a >>> 0) - (b >>> 0) - (c ? 0 : 1);
                                result = r[opcode & 7] = at | 0;
                                c = at >= 0;
                                v = ((a ^ b) & (a ^ result)) < 0;
                                break;
                            case 8: // TST
                                result = a & b;
                                break;
                            case 9: // RSBS Rd, Rn, #0
                                result = r[opcode & 7] = -b | 0;
                                c = b === 0;
                                v = (b & result) < 0;
                                break;
                            case 10: // CMP
                                result = (a - b) | 0;
                                c = a >>> 0 >= b >>> 0;
                                v = ((a ^ b) & (a ^ result)) < 0;
                                break;
                            case 11: // CMN
                                result = (a + b) | 0;
                                c = result >>> 0 < a >>> 0;
                                v = (~(a ^ b) & (a ^ result)) < 0;
                                break;
                            case 12: // ORRS
                                result = r[opcode & 7] = a | b;
                                break;
                            case 13: // MULS
                                result = r[opcode & 7] = Math.imul(a, b);
                                break;
                            case 14: // BICS
                                result = r[opcode & 7] = a & ~b;
                                break;
                            case 15: // MVNS
                                result = r[opcode & 7] = ~b;
                                break;
                            default: // RORS
                                cycles = 0;
                        }
                        if (cycles) {
                            n = result < 0;
                            z = result === 0;
                            pc += 2;
                        }
                        break;
                    case 0x09: // LDR Rt, [PC, #imm8]
                        at = ((pc + 4) & ~3) + ((opcode & 0xff) << 2);
                        if (at >>> 24 === XIP) r[(opcode >>> 8) & 7] = flash32[(at & 0xffffff) >>> 2];
                        else if ((at = (at - RAM) >>> 0) < ramSize) r[(opcode >>> 8) & 7] = ram32[at >>> 2];
                        else break;
                        pc += 2;
                        cycles = 2;
                        break;
                    case 0x0a: // STR, STRH Rt, [Rn, Rm] and
                    case 0x0b: // LDR, LDRH, LDRB, LDRSB, LDRSH
                        a = r[(opcode >>> 3) & 7] + r[(opcode >>> 6) & 7];
                        at = (a - RAM) >>> 0;
                        if (at < ramSize) {
                            switch ((opcode >>> 9) & 7) {
                                case 0:
                                    if (at & 3) break;
                                    ram32[at >>> 2] = r[opcode & 7];
                                    cycles = 2;
                                    break;
                                case 1:
                                    if (at & 1) break;
                                    ram16[at >>> 1] = r[opcode & 7];
                                    cycles = 2;
                                    break;
                                case 2:
                                    ram8[at] = r[opcode & 7];
                                    cycles = 2;
                                    break;
                                case 3:
                                    r[opcode & 7] = (ram8[at] << 24) >> 24;
                                    cycles = 2;
                                    break;
                                case 4:
                                    if (at & 3) break;
                                    r[opcode & 7] = ram32[at >>> 2];
                                    cycles = 2;
                                    break;
                                case 5:
                                    if (at & 1) break;
                                    r[opcode & 7] = ram16[at >>> 1];
                                    cycles = 2;
                                    break;
                                case 6:
                                    r[opcode & 7] = ram8[at];
                                    cycles = 2;
                                    break;
                                case 7:
                                    if (at & 1) break;
                                    r[opcode & 7] = (ram16[at >>> 1] << 16) >> 16;
                                    cycles = 2;
                                    break;
                            }
                        } else if (a >>> 24 === XIP) {
                            at = a & 0xffffff;
                            switch ((opcode >>> 9) & 7) {
                                case 3:
                                    r[opcode & 7] = (flash8[at] << 24) >> 24;
                                    cycles = 2;
                                    break;
                                case 4:
                                    if (at & 3) break;
                                    r[opcode & 7] = flash32[at >>> 2];
                                    cycles = 2;
                                    break;
                                case 5:
                                    if (at & 1) break;
                                    r[opcode & 7] = flash16[at >>> 1];
                                    cycles = 2;
                                    break;
                                case 6:
                                    r[opcode & 7] = flash8[at];
                                    cycles = 2;
                                    break;
                                case 7:
                                    if (at & 1) break;
                                    r[opcode & 7] = (flash16[at >>> 1] << 16) >> 16;
                                    cycles = 2;
                                    break;
                            }
                        }
                        if (cycles) pc += 2;
                        break;
                    case 0x0c: // STR Rt, [Rn, #imm5]
                        at = (r[(opcode >>> 3) & 7] + ((opcode >>> 4) & 0x7c) - RAM) >>> 0;
                        if (at >= ramSize || at & 3) break;
                        ram32[at >>> 2] = r[opcode & 7];
                        pc += 2;
                        cycles = 2;
                        break;
                    case 0x0d: // LDR Rt, [Rn, #imm5]
                        a = r[(opcode >>> 3) & 7] + ((opcode >>> 4) & 0x7c);
                        if (a & 3) break;
                        if ((at = (a - RAM) >>> 0) < ramSize) r[opcode & 7] = ram32[at >>> 2];
                        else if (a >>> 24 === XIP) r[opcode & 7] = flash32[(a & 0xffffff) >>> 2];
                        else break;
                        pc += 2;
                        cycles = 2;
                        break;
                    case 0x0e: // STRB Rt, [Rn, #imm5]
                        at = (r[(opcode >>> 3) & 7] + ((opcode >>> 6) & 31) - RAM) >>> 0;
                        if (at >= ramSize) break;
                        ram8[at] = r[opcode & 7];
                        pc += 2;
                        cycles = 2;
                        break;
                    case 0x0f: // LDRB Rt, [Rn, #imm5]
                        a = r[(opcode >>> 3) & 7] + ((opcode >>> 6) & 31);
                        if ((at = (a - RAM) >>> 0) < ramSize) r[opcode & 7] = ram8[at];
                        else if (a >>> 24 === XIP) r[opcode & 7] = flash8[a & 0xffffff];
                        else break;
                        pc += 2;
                        cycles = 2;
                        break;
                    case 0x10: // STRH Rt, [Rn, #imm5]
                        at = (r[(opcode >>> 3) & 7] + ((opcode >>> 5) & 0x3e) - RAM) >>> 0;
                        if (at >= ramSize || at & 1) break;
                        ram16[at >>> 1] = r[opcode & 7];
                        pc += 2;
                        cycles = 2;
                        break;
                    case 0x11: // LDRH Rt, [Rn, #imm5]
                        a = r[(opcode >>> 3) & 7] + ((opcode >>> 5) & 0x3e);
                        if (a & 1) break;
                        if ((at = (a - RAM) >>> 0) < ramSize) r[opcode & 7] = ram16[at >>> 1];
                        else if (a >>> 24 === XIP) r[opcode & 7] = flash16[(a & 0xffffff) >>> 1];
                        else break;
                        pc += 2;
                        cycles = 2;
                        break;
                    case 0x12: // STR Rt, [SP, #imm8]
                        at = (r[SP] + ((opcode & 0xff) << 2) - RAM) >>> 0;
                        if (at >= ramSize) break;
                        ram32[at >>> 2] = r[(opcode >>> 8) & 7];
                        pc += 2;
                        cycles = 2;
                        break;
                    case 0x13: // LDR Rt, [SP, #imm8]
                        at = (r[SP] + ((opcode & 0xff) << 2) - RAM) >>> 0;
                        if (at >= ramSize) break;
                        r[(opcode >>> 8) & 7] = ram32[at >>> 2];
                        pc += 2;
                        cycles = 2;
                        break;
                    case 0x14: // ADR
                        r[(opcode >>> 8) & 7] = ((pc + 4) & ~3) + ((opcode & 0xff) << 2);
                        pc += 2;
                        cycles = 1;
                        break;
                    case 0x15: // ADD Rd, SP, #imm8
                        r[(opcode >>> 8) & 7] = r[SP] + ((opcode & 0xff) << 2);
                        pc += 2;
                        cycles = 1;
                        break;
                    case 0x16:
                        switch ((opcode >>> 8) & 7) {
                            case 0: // ADD, SUB SP, #imm7
                                b = (opcode & 0x7f) << 2;
                                r[SP] = r[SP] + (opcode & 0x80 ? -b : b);
                                pc += 2;
                                cycles = 1;
                                break;
                            case 2: // SXTH, SXTB, UXTH, UXTB
                                a = r[(opcode >>> 3) & 7];
                                switch ((opcode >>> 6) & 3) {
                                    case 0: a = (a << 16) >> 16; break;
                                    case 1: a = (a << 24) >> 24; break;
                                    case 2: a &= 0xffff; break;
                                    case 3: a &= 0xff; break;
                                }
                                r[opcode & 7] = a;
                                pc += 2;
                                cycles = 1;
                                break;
                            case 4: // PUSH
                            case 5: // PUSH with LR
                                at = (r[SP] - RAM) >>> 0;
                                if (at > ramSize || at < 36) break;
                                cycles = 1;
                                if (opcode & 0x100) ram32[(at -= 4) >>> 2] = r[LR];
                                for (b = 7; b >= 0; b--) {
                                    if (opcode & (1 << b)) {
                                        ram32[(at -= 4) >>> 2] = r[b];
                                        cycles++;
                                    }
                                }
                                r[SP] = at + RAM;
                                pc += 2;
                                break;
                        }
                        break;
                    case 0x17: // POP
                        if ((opcode & 0x600) !== 0x400) break;
                        at = (r[SP] - RAM) >>> 0;
                        if (at + 36 > ramSize) break;
                        for (a = 0, b = 0; b < 8; b++) a += (opcode >>> b) & 1;
                        // Return from an exception: a special address.
                        if (opcode & 0x100 && ram32[(at >>> 2) + a] >>> 28 === 15) break;
                        cycles = 1 + a;
                        for (b = 0; b < 8; b++) {
                            if (opcode & (1 << b)) {
                                r[b] = ram32[at >>> 2];
                                at += 4;
                            }
                        }
                        pc += 2;
                        if (opcode & 0x100) {
                            pc = ram32[at >>> 2] & ~1;
                            at += 4;
                            cycles += 2;
                        }
                        r[SP] = at + RAM;
                        break;
                    case 0x18: // STMIA
                        a = (opcode >>> 8) & 7;
                        at = (r[a] - RAM) >>> 0;
                        if (opcode & (1 << a) || at & 3 || at + 32 > ramSize) break;
                        cycles = 1;
                        for (b = 0; b < 8; b++) {
                            if (opcode & (1 << b)) {
                                ram32[at >>> 2] = r[b];
                                at += 4;
                                cycles++;
                            }
                        }
                        r[a] = at + RAM;
                        pc += 2;
                        break;
                    case 0x19: // LDMIA
                        a = (opcode >>> 8) & 7;
                        at = (r[a] - RAM) >>> 0;
                        if (opcode & (1 << a) || at & 3 || at + 32 > ramSize) break;
                        cycles = 1;
                        for (b = 0; b < 8; b++) {
                            if (opcode & (1 << b)) {
                                r[b] = ram32[at >>> 2];
                                at += 4;
                                cycles++;
                            }
                        }
                        r[a] = at + RAM;
                        pc += 2;
                        break;
                    case 0x1a: // B, conditional
                    case 0x1b: {
                        let taken;
                        switch ((opcode >>> 8) & 15) {
                            case 0: taken = z; break;
                            case 1: taken = !z; break;
                            case 2: taken = c; break;
                            case 3: taken = !c; break;
                            case 4: taken = n; break;
                            case 5: taken = !n; break;
                            case 6: taken = v; break;
                            case 7: taken = !v; break;
                            case 8: taken = c && !z; break;
                            case 9: taken = !c || z; break;
                            case 10: taken = n === v; break;
                            case 11: taken = n !== v; break;
                            case 12: taken = !z && n === v; break;
                            case 13: taken = z || n !== v; break;
                            default: taken = null; // UDF, SVC
                        }
                        if (taken === null) break;
                        pc += taken ? 4 + ((opcode << 24) >> 23) : 2;
                        cycles = taken ? 2 : 1;
                        break;
                    }
                    case 0x1c: // B
                        pc += 4 + ((opcode << 21) >> 20);
                        cycles = 2;
                        break;
                    case 0x1e: // BL
                        at = pc + 2;
                        b = at >>> 24 === XIP ? flash16[(at & 0xffffff) >>> 1] : ram16[((at - RAM) >>> 0) >>> 1];
                        if ((b & 0xd000) !== 0xd000) break;
                        a = (opcode << 21) >> 31; // S, as many times as it takes
                        result = (a << 24) | ((~((b >>> 13) ^ a) & 1) << 23) | ((~((b >>> 11) ^ a) & 1) << 22);
                        result |= ((opcode & 0x3ff) << 12) | ((b & 0x7ff) << 1);
                        r[LR] = (pc + 4) | 1;
                        pc += 4 + result;
                        cycles = 3;
                        break;
                }
            }
            if (cycles) {
                now += cycles * CYCLE_NS;
                if (now < due) continue;
                clock.nanosCounter = now - cycles * CYCLE_NS;
                r[PC] = pc;
                core.N = n;
                core.Z = z;
                core.C = c;
                core.V = v;
            } else {
                clock.nanosCounter = now;
                r[PC] = pc;
                core.N = n;
                core.Z = z;
                core.C = c;
                core.V = v;
                cycles = core.executeInstruction();
            }
            clock.tick(cycles * CYCLE_NS);
            pc = r[PC];
            n = core.N;
            z = core.Z;
            c = core.C;
            v = core.V;
            now = clock.nanosCounter;
            due = clock.nextAlarm === null ? Infinity : clock.nextAlarm.nanos;
            if (core.waiting || stop()) return done;
        }
        core.N = n;
        core.Z = z;
        core.C = c;
        core.V = v;
        r[PC] = pc;
        clock.nanosCounter = now;
        return done;
    }
}

// SPDX-License-Identifier: MIT
// The fast instructions against rp2040js' own, which somebody else wrote, and, where that is known to be wrong, against
// arithmetic on whole numbers of any size.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Thumb } from '../../../../tools/emulator/chip/thumb.mjs';
import { RP2040 } from '../../../../tools/emulator/node_modules/rp2040js/dist/esm/index.js';

const RAM = 0x20000000, CODE = RAM + 0x8000, DATA = RAM + 0x10000, FLASH_CODE = 0x10001000;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

// xorshift32: the same numbers each time
function random(seed) {
    let state = seed;
    return (limit = 0x100000000) => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 0) % limit;
    };
}

function chip() {
    const mcu = new RP2040();
    mcu.logger = SILENT;
    mcu.core.reset();
    mcu.onBreak = () => {};
    return mcu;
}

// Any word but an address of the SIO, which complains about most.
const word = (next) => {
    const any = next();
    return any >>> 28 === 13 ? any & 0x0fffffff : any;
};

const INTERESTING = [0, 1, 2, 31, 32, 33, 255, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff];

function prepare(mcu, next, code) {
    const { core } = mcu;
    for (let i = 0; i < 15; i++) {
        const kind = next(4);
        core.registers[i] = kind === 0 ? INTERESTING[next(INTERESTING.length)] : kind === 1 ? word(next) : DATA + 4 * next(256) + (next(8) ? 0 : next(4));
    }
    core.registers[13] = DATA + 4 * next(256);
    core.PC = code;
    [core.N, core.Z, core.C, core.V] = [next(2), next(2), next(2), next(2)].map(Boolean);
    core.waiting = core.interruptsUpdated = false;
}

const state = ({ core, clock }) => ({
    registers: [...core.registers],
    flags: [core.N, core.Z, core.C, core.V].map(Boolean),
    nanos: clock.nanos,
});

function copy(from, to) {
    to.core.registers.set(from.core.registers);
    for (const flag of ['N', 'Z', 'C', 'V', 'waiting', 'interruptsUpdated']) to.core[flag] = from.core[flag];
    to.sram.set(from.sram.subarray(0x8000, 0x12000), 0x8000);
    to.clock.nanosCounter = from.clock.nanosCounter;
}

// Where rp2040js does not follow the manual: shifts by a register that holds 0 or 32 and more, add and subtract with
// carry, BLX LR (which jumps to where LR pointed before).
const ownTest = (opcode) => [0x4080, 0x40c0, 0x4100, 0x4140, 0x4180].includes(opcode & 0xffc0) || (opcode & 0xfff8) === 0x47f0;

test('each instruction does what rp2040js does', () => {
    const next = random(20240607);
    const fast = chip(), slow = chip();
    const thumb = new Thumb(fast);
    for (let i = 0; i < 0x8000; i++) fast.sram[0x10000 + i] = next(256);
    const seen = new Set();
    for (let round = 0; round < 400000; round++) {
        let opcode = next(0x10000);
        if (ownTest(opcode) || opcode >>> 8 === 0xbe || opcode >>> 8 === 0xde) continue;
        const code = next(2) ? CODE : FLASH_CODE;
        const second = opcode >>> 11 === 0x1e ? 0xd000 | next(0x4000) : next(0x10000);
        for (const mcu of [fast, slow]) {
            const view = code === CODE ? mcu.sramView : mcu.flashView;
            view.setUint16(code & 0xffffff, opcode, true);
            view.setUint16((code & 0xffffff) + 2, second, true);
        }
        prepare(fast, next, code);
        copy(fast, slow);
        assert.equal(thumb.run(1, () => false), 1);
        slow.clock.tick(slow.core.executeInstruction() * 8);
        assert.deepEqual(state(fast), state(slow), `opcode ${opcode.toString(16)} ${second.toString(16)}`);
        assert.deepEqual(fast.sram.subarray(0x10000, 0x10800), slow.sram.subarray(0x10000, 0x10800), opcode.toString(16));
        seen.add(opcode >>> 6);
    }
    assert.ok(seen.size > 900, `${seen.size} of 1024 groups of instructions`);
});

// One data processing instruction on two values; gives result, N, Z, C, V.
const one = chip();
const oneThumb = new Thumb(one);
function perform(opcode, first, second, carry) {
    const mcu = one;
    mcu.sramView.setUint16(CODE - RAM, opcode | (1 << 3), true); // first operand and result r0, second r1
    Object.assign(mcu.core, { PC: CODE, N: false, Z: false, C: carry, V: false, interruptsUpdated: false });
    mcu.core.registers[0] = first;
    mcu.core.registers[1] = second;
    oneThumb.run(1, () => false);
    const { N, Z, C, V } = mcu.core;
    return { result: mcu.core.registers[0], N, Z, C, V };
}

const WORD = 1n << 32n;
const signed = (word) => BigInt.asIntN(32, BigInt(word));

test('ADCS and SBCS carry and overflow as whole numbers do', () => {
    for (const first of INTERESTING) {
        for (const second of INTERESTING) {
            for (const carry of [false, true]) {
                const c = BigInt(carry);
                let exact = signed(first) + signed(second) + c;
                let { result, N, Z, C, V } = perform(0x4140, first, second, carry);
                assert.equal(BigInt(result), BigInt.asUintN(32, exact));
                assert.equal(C, BigInt(first) + BigInt(second) + c >= WORD, 'carry');
                assert.equal(V, BigInt.asIntN(32, exact) !== exact, 'overflow');
                assert.deepEqual([N, Z], [result >= 0x80000000, result === 0]);

                exact = signed(first) - signed(second) - (1n - c);
                ({ result, N, Z, C, V } = perform(0x4180, first, second, carry));
                assert.equal(BigInt(result), BigInt.asUintN(32, exact));
                assert.equal(C, BigInt(first) >= BigInt(second) + (1n - c), 'no borrow');
                assert.equal(V, BigInt.asIntN(32, exact) !== exact, 'overflow');
                assert.deepEqual([N, Z], [result >= 0x80000000, result === 0]);
            }
        }
    }
});

test('BLX LR jumps to where LR pointed', () => {
    one.sramView.setUint16(CODE - RAM, 0x47f0, true);
    one.core.PC = CODE;
    one.core.registers[14] = CODE + 0x101;
    oneThumb.run(1, () => false);
    assert.deepEqual([one.core.PC, one.core.registers[14]], [CODE + 0x100, CODE + 3]);
});

test('shifts by a register', () => {
    for (const value of INTERESTING) {
        for (const amount of [0, 1, 5, 31, 32, 33, 64, 255, 256, 257]) {
            for (const carry of [false, true]) {
                const shift = BigInt(amount & 0xff);
                const last = (bits) => (shift === 0n ? carry : bits);
                const wide = BigInt(value) << shift;
                let { result, C } = perform(0x4080, value, amount, carry);
                assert.equal(BigInt(result), BigInt.asUintN(32, wide), `LSLS ${value} ${amount}`);
                assert.equal(C, last((wide & WORD) !== 0n), `LSLS carry ${value} ${amount}`);
                ({ result, C } = perform(0x40c0, value, amount, carry));
                assert.equal(BigInt(result), BigInt(value) >> shift, `LSRS ${value} ${amount}`);
                assert.equal(C, last(((BigInt(value) << 1n) >> shift & 1n) === 1n), `LSRS carry ${value} ${amount}`);
                ({ result, C } = perform(0x4100, value, amount, carry));
                assert.equal(BigInt(result), BigInt.asUintN(32, signed(value) >> shift), `ASRS ${value} ${amount}`);
                assert.equal(C, last(((signed(value) << 1n) >> shift & 1n) === 1n), `ASRS carry ${value} ${amount}`);
            }
        }
    }
});

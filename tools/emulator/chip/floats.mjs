// SPDX-License-Identifier: MIT
// The soft-float functions of the mask ROM (RP2040 data sheet 2.8.3.2), single and double precision.
//
// IEEE 754, round to nearest even; denormals are taken for zero, on the way in and on the way out. The order of the
// functions is that of the tables which the SDK finds through the codes SF and SD.

const INT32 = [-2147483648, 2147483647];
const UINT32 = [0, 4294967295];
const INT64 = [-(1n << 63n), (1n << 63n) - 1n];
const UINT64 = [0n, (1n << 64n) - 1n];

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);
const double = new Float64Array(1);
const doubleBits = new Uint32Array(double.buffer);

function bitsToSingle(bits) {
    singleBits[0] = bits & 0x7f800000 ? bits : bits & 0x80000000;
    return single[0];
}

function singleToBits(value) {
    single[0] = value;
    return singleBits[0] & 0x7f800000 ? singleBits[0] : (singleBits[0] & 0x80000000) >>> 0;
}

function bitsToDouble(low, high) {
    const normal = high & 0x7ff00000;
    doubleBits[0] = normal ? low : 0;
    doubleBits[1] = normal ? high : high & 0x80000000;
    return double[0];
}

function doubleToBits(value) {
    double[0] = value;
    if (doubleBits[1] & 0x7ff00000) return [doubleBits[0], doubleBits[1]];
    return [0, (doubleBits[1] & 0x80000000) >>> 0];
}

// To an integer: rounded down, held within the type's limits; what is no number is 0.
function toInteger(value, [lowest, highest], shift = 0) {
    if (Number.isNaN(value)) return 0;
    return Math.min(Math.max(Math.floor(value * 2 ** shift), lowest), highest) >>> 0;
}

function toInteger64(value, [lowest, highest], shift = 0) {
    if (Number.isNaN(value)) return 0n;
    const scaled = value * 2 ** shift;
    if (!Number.isFinite(scaled)) return scaled > 0 ? highest : lowest;
    const whole = BigInt(Math.floor(scaled));
    return whole < lowest ? lowest : whole > highest ? highest : whole;
}

// From 64 bits to single precision, rounded once: a double on the way would round twice. So only the highest bits are
// kept, and one that stands for all that is cut off.
function big64ToSingle(whole, shift = 0) {
    const negative = whole < 0n;
    let magnitude = negative ? -whole : whole;
    const surplus = magnitude.toString(2).length - 26;
    if (surplus > 0) {
        const cut = BigInt(surplus);
        const sticky = magnitude & ((1n << cut) - 1n) ? 1n : 0n;
        magnitude = ((magnitude >> cut) | sticky) << cut;
    }
    const value = Math.fround(Number(magnitude)) * 2 ** -shift;
    return negative ? -value : value;
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

// Each function gets the core and returns nothing; `cycles` is about what the ROM takes, for the emulated time.
function functions(access) {
    const { get, put, second, shiftAt, bigToFloat } = access;
    const low = (core) => core.registers[0];
    const signed64 = (core) => BigInt.asIntN(64, unsigned64(core));
    const unsigned64 = (core) => (BigInt(core.registers[1]) << 32n) | BigInt(core.registers[0]);
    const shift = (core, register) => core.registers[register] | 0;
    const whole = (core, value) => { core.registers[0] = value; };
    const whole64 = (core, value) => {
        const bits = BigInt.asUintN(64, value);
        core.registers[0] = Number(bits & 0xffffffffn);
        core.registers[1] = Number(bits >> 32n);
    };
    const unary = (f) => (core) => put(core, f(get(core, 0)));
    const binary = (f) => (core) => put(core, f(get(core, 0), get(core, second)));
    const compared = (core) => whole(core, compare(get(core, 0), get(core, second)) >>> 0);
    const flags = (core) => {
        const order = compare(get(core, 0), get(core, second));
        core.N = order < 0;
        core.Z = order === 0;
        core.C = order >= 0;
        core.V = false;
    };
    const fixed = (limits) => (core) => whole(core, toInteger(get(core, 0), limits, shift(core, shiftAt)));
    const integer = (limits) => (core) => whole(core, toInteger(get(core, 0), limits));
    const fixed64 = (limits) => (core) => whole64(core, toInteger64(get(core, 0), limits, shift(core, shiftAt)));
    const integer64 = (limits) => (core) => whole64(core, toInteger64(get(core, 0), limits));
    return [
        binary((a, b) => a + b), binary((a, b) => a - b), binary((a, b) => a * b), binary((a, b) => a / b),
        compared, flags, unary(Math.sqrt),
        integer(INT32), fixed(INT32), integer(UINT32), fixed(UINT32),
        (core) => put(core, low(core) | 0), (core) => put(core, (low(core) | 0) * 2 ** -shift(core, 1)),
        (core) => put(core, low(core)), (core) => put(core, low(core) * 2 ** -shift(core, 1)),
        unary(Math.cos), unary(Math.sin), unary(Math.tan), access.sincos, unary(Math.exp), unary(Math.log),
        compared, binary(Math.atan2),
        (core) => put(core, bigToFloat(signed64(core))), (core) => put(core, bigToFloat(signed64(core), shift(core, 2))),
        (core) => put(core, bigToFloat(unsigned64(core))), (core) => put(core, bigToFloat(unsigned64(core), shift(core, 2))),
        integer64(INT64), fixed64(INT64), integer64(UINT64), fixed64(UINT64),
        access.convert,
    ];
}

export const SINGLE = functions({
    get: (core, register) => bitsToSingle(core.registers[register]),
    put: (core, value) => { core.registers[0] = singleToBits(value); },
    second: 1,
    shiftAt: 1,
    bigToFloat: big64ToSingle,
    sincos: (core) => {
        const angle = bitsToSingle(core.registers[0]);
        core.registers[0] = singleToBits(Math.sin(angle));
        core.registers[1] = singleToBits(Math.cos(angle));
    },
    convert: (core) => {
        [core.registers[0], core.registers[1]] = doubleToBits(bitsToSingle(core.registers[0]));
    },
});

const getDouble = (core, register) => bitsToDouble(core.registers[register], core.registers[register + 1]);

export const DOUBLE = functions({
    get: getDouble,
    put: (core, value) => { [core.registers[0], core.registers[1]] = doubleToBits(value); },
    second: 2,
    shiftAt: 2,
    bigToFloat: (whole, shift = 0) => Number(whole) * 2 ** -shift,
    sincos: (core) => {
        const angle = getDouble(core, 0);
        [core.registers[0], core.registers[1]] = doubleToBits(Math.sin(angle));
        [core.registers[2], core.registers[3]] = doubleToBits(Math.cos(angle));
    },
    convert: (core) => { core.registers[0] = singleToBits(getDouble(core, 0)); },
});

export const SINGLE_CYCLES = 70;
export const DOUBLE_CYCLES = 150;

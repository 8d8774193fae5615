// SPDX-License-Identifier: MIT
// A Raspberry Pi Pico: the chip of rp2040js with the parts that it lacks, a flash that keeps what is written, and
// resets that are like the board's.

import { RP2040 } from 'rp2040js';

import { FLASH_BASE, FLASH_SIZE, IoQspi, NorFlash, PowerCut, Ssi } from './chip/flash.mjs';
import { MaskRom } from './chip/rom.mjs';
import { Rosc, VregAndChipReset } from './chip/small.mjs';
import { Thumb } from './chip/thumb.mjs';
import { Pl011 } from './chip/uart.mjs';
import { UsbHost } from './chip/usb.mjs';

const IO_QSPI = 0x40018, SSI = 0x18000, ROSC = 0x40060, VREG = 0x40064, WATCHDOG = 0x40058;
const UARTS = [0x40034, 0x40038];
const XIP_SIZE = 16 * 1024 * 1024; // what the core may read; the flash behind is 2 MiB
const UNIQUE_ID = Buffer.from('e6616408430f2a21', 'hex');
const WATCHDOG_TIMER = 1;
const LED = 25;

export class Pico {
    // onFlash(address, size), onUsb(octets), onUart(number, octet), say(sentence), random(size) in place of chance: all
    // optional.
    constructor({ uniqueId = UNIQUE_ID, onFlash, onUsb, onUart, say, random } = {}) {
        this.uniqueId = uniqueId;
        this.onFlash = onFlash ?? (() => {});
        this.onUsb = onUsb ?? (() => {});
        this.onUart = onUart ?? (() => {});
        this.say = say ?? (() => {});
        this.random = random;
        this.xip = new Uint8Array(XIP_SIZE).fill(0xff);
        this.watchdogResets = this.forcedResets = 0;
        this.instructions = 0;
        this.idleNs = 0;
        this.earlierNs = 0; // emulated time of the runs before a reset
        this.holding = false; // the next reset is to hold the board
        this.held = false; // it stands still, until something comes in
        this.halted = null; // the reason
        this.paused = false; // run() comes back at once
    }

    get flash() {
        return this.xip.subarray(0, FLASH_SIZE);
    }

    // Power on: RAM is lost, the flash stays.
    powerOn() {
        this.boot(null);
    }

    get nanos() {
        return this.earlierNs + this.mcu.clock.nanos;
    }

    boot(before) {
        const mcu = (this.mcu = new RP2040());
        mcu.logger = { debug() {}, info() {}, warn() {}, error: (part, text) => this.say(`${part}: ${text}`) };
        const counts = this.nor;
        const nor = (this.nor = new NorFlash(this.xip, this.uniqueId, (ns) => mcu.clock.tick(ns)));
        nor.onChange = (address, size) => this.onFlash(address, size);
        if (counts) Object.assign(nor, { erases: counts.erases, programs: counts.programs, cutAfter: counts.cutAfter });
        const rom = new MaskRom(mcu, nor, (reason) => this.halt(reason));
        mcu.loadBootrom(rom.words); // wipes rp2040js' own flash, which is replaced here
        mcu.flash = this.xip;
        mcu.flash16 = new Uint16Array(this.xip.buffer);
        mcu.flashView = new DataView(this.xip.buffer);
        this.addParts(mcu, nor, before);
        mcu.onBreak = (number) => rom.call(number) || this.halt(`break point ${number} at ${mcu.core.PC.toString(16)}`);
        this.usb = new UsbHost(mcu);
        this.usb.onData = (octets) => this.onUsb(octets);
        this.usb.onConnect = () => this.say(`USB connected, ${(this.mcu.clock.nanos / 1e6).toFixed(0)} ms after the reset`);
        this.thumb = new Thumb(mcu);
        mcu.core.PC = FLASH_BASE; // the second stage of the boot loader; the ROM's own search for it is left out
        this.resetWanted = false;
    }

    addParts(mcu, nor, before) {
        const io = new IoQspi(mcu, nor);
        mcu.peripherals[IO_QSPI] = io;
        mcu.peripherals[SSI] = new Ssi(mcu, nor, io);
        mcu.peripherals[ROSC] = new Rosc(mcu, this.random);
        mcu.peripherals[VREG] = new VregAndChipReset(mcu, before === null);
        for (const [number, address] of UARTS.entries()) {
            const uart = new Pl011(mcu, number, mcu.uart[number]);
            uart.onByte = (octet) => this.onUart(number, octet);
            mcu.uart[number] = mcu.peripherals[address] = uart;
        }
        const watchdog = mcu.peripherals[WATCHDOG];
        if (before) {
            watchdog.scratchData.set(before.scratch);
            watchdog.reason = before.reason;
        }
        watchdog.onWatchdogTrigger = () => {
            this.resetWanted = true;
            watchdog.alarm.enable = false; // rp2040js sets an expired alarm again at once, for ever
        };
    }

    // The watchdog expired, or firmware asked it to (machine.reset()). Its scratch registers and its reason stay.
    reset() {
        const { scratchData, reason } = this.mcu.peripherals[WATCHDOG];
        const timer = reason === WATCHDOG_TIMER;
        if (timer) this.watchdogResets++;
        else this.forcedResets++;
        this.say(`reset by ${timer ? 'the watchdog' : 'the firmware'}`);
        this.earlierNs += this.mcu.clock.nanos;
        this.boot({ scratch: scratchData.slice(), reason });
        this.held = this.holding;
        this.holding = false;
    }

    // Power off and on again. What was under way in the flash is done; PowerCut is the way to stop in the middle.
    powerCycle() {
        this.earlierNs += this.mcu.clock.nanos;
        this.powerOn();
    }

    halt(reason) {
        this.halted = reason;
        this.say(`halted: ${reason}`);
        return true;
    }

    // Runs `count` instructions or what is due meanwhile; emulated time does not go beyond `until` (ns of this.mcu)
    // while the core sleeps. Gives false when there is nothing to do until then, or, without end, until something
    // comes in.
    run(count, until) {
        if (this.held) return false;
        const { core, clock } = this.mcu;
        const stop = () => this.resetWanted || this.halted !== null || this.paused;
        for (let left = count; left > 0; ) {
            if (core.waiting) {
                const next = clock.nextAlarm ? clock.nanosToNextAlarm : Infinity;
                const most = Math.max(0, until - clock.nanos);
                const step = Math.min(next, most);
                if (step === Infinity) return false;
                clock.tick(step);
                this.idleNs += step;
                left--;
                if (core.waiting && next > most) return false;
            } else {
                const done = this.thumb.run(left, stop);
                this.instructions += done;
                left -= done;
            }
            if (this.resetWanted) {
                this.reset();
                return true;
            }
            if (this.halted || this.paused) return false;
        }
        return true;
    }

    sendUsb(octets) {
        this.held = false;
        this.usb.send(octets);
    }

    sendUart(number, octets) {
        this.held = false;
        this.mcu.uart[number].feed(octets);
    }

    get statistics() {
        const uart = ({ baud, sent, received, overruns }) => ({ baud: Math.round(baud), sent, received, overruns });
        return {
            emulated_ms: Math.round(this.nanos / 1e6),
            idle_ms: Math.round(this.idleNs / 1e6),
            instructions: this.instructions,
            watchdog_resets: this.watchdogResets,
            forced_resets: this.forcedResets,
            sectors_erased: this.nor.erases,
            pages_programmed: this.nor.programs,
            uarts: this.mcu.uart.map(uart),
            led: this.mcu.gpio[LED].outputValue === true,
            halted: this.halted,
        };
    }
}

export { FLASH_SIZE, PowerCut };

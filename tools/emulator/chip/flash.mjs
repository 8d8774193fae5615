// SPDX-License-Identifier: MIT
// The QSPI NOR flash of the Pico (Winbond W25Q16JV, 2 MiB) and the way to it: SSI and its chip select.
//
// rp2040js reads flash but can't write it. Firmware writes in two ways, both of which end here: through functions of
// the mask ROM (erase(), program(), called by rom.mjs), and as raw SPI commands (unique id, status).

import { BasePeripheral } from 'rp2040js';

export const FLASH_BASE = 0x10000000;
export const FLASH_SIZE = 2 * 1024 * 1024;
export const SECTOR = 4096;
export const PAGE = 256;
// W25Q16JV data sheet, AC characteristics, typical: tSE, and tPP. Interrupts are off for so long.
const ERASE_NS = 45e6;
const PROGRAM_NS = 0.4e6;

const WRITE_STATUS = 0x01, PROGRAM = 0x02, READ = 0x03, WRITE_DISABLE = 0x04, STATUS_1 = 0x05, WRITE_ENABLE = 0x06;
const STATUS_2 = 0x35, RELEASE_POWER_DOWN = 0xab, DEVICE_ID = 0x90, JEDEC_ID = 0x9f, UNIQUE_ID = 0x4b;
const ERASES = { 0x20: SECTOR, 0x52: 32768, 0xd8: 65536 };

export class PowerCut extends Error {}

export class NorFlash {
    // `octets` is the memory that the processor reads; `onChange(address, size)` is told of each change;
    // `elapse(ns)` lets emulated time go by.
    constructor(octets, uniqueId, elapse) {
        this.octets = octets;
        this.uniqueId = uniqueId;
        this.elapse = elapse;
        this.onChange = () => {};
        this.erases = 0; // sectors
        this.programs = 0; // pages
        this.cutAfter = Infinity; // operations until the power goes, in the middle of one
        this.command = [];
        this.selected = false;
        this.writable = false;
    }

    erase(address, size) {
        address %= FLASH_SIZE;
        for (let at = address; at < address + size; at += SECTOR) {
            const cut = --this.cutAfter < 0;
            this.octets.fill(0xff, at, at + (cut ? SECTOR / 2 : SECTOR));
            this.erases++;
            this.done(at, SECTOR, cut, ERASE_NS);
        }
    }

    // Programming only clears bits: 1 to 0.
    program(address, data) {
        address %= FLASH_SIZE;
        for (let from = 0; from < data.length; from += PAGE) {
            const cut = --this.cutAfter < 0;
            const size = Math.min(PAGE, data.length - from);
            for (let i = 0; i < (cut ? size >> 1 : size); i++) this.octets[address + from + i] &= data[from + i];
            this.programs++;
            this.done(address + from, size, cut, PROGRAM_NS);
        }
    }

    done(address, size, cut, time) {
        this.onChange(address, size);
        if (cut) throw new PowerCut();
        this.elapse(time);
    }

    // ---- the SPI side: one octet in, one octet out, while chip select is low

    select() {
        this.command = [];
        this.selected = true;
    }

    deselect() {
        if (this.selected) {
            this.selected = false;
            this.execute();
        }
    }

    get address() {
        return ((this.command[1] << 16) | (this.command[2] << 8) | this.command[3]) % FLASH_SIZE;
    }

    transfer(octet) {
        const at = this.command.length;
        this.command.push(octet & 0xff);
        switch (this.command[0]) {
            case STATUS_1: return this.writable ? 0x02 : 0; // never busy: the time has gone by when it is asked
            case STATUS_2: return at ? 0x02 : 0; // quad enable
            case JEDEC_ID: return [0, 0xef, 0x40, 0x15][at] ?? 0;
            case DEVICE_ID: return [0, 0, 0, 0, 0xef, 0x14][at] ?? 0;
            case RELEASE_POWER_DOWN: return 0x14;
            case UNIQUE_ID: return at >= 5 ? this.uniqueId[(at - 5) % 8] : 0;
            case READ: return at >= 4 ? this.octets[(this.address + at - 4) % FLASH_SIZE] : 0;
            default: return 0;
        }
    }

    execute() {
        const [code] = this.command;
        if (code === WRITE_ENABLE) this.writable = true;
        else if (code === WRITE_DISABLE) this.writable = false;
        else if (this.writable && code === PROGRAM && this.command.length > 4) {
            // What goes beyond the page comes round at its beginning.
            const page = this.address & ~(PAGE - 1);
            const image = new Uint8Array(PAGE).fill(0xff);
            for (let i = 4; i < this.command.length; i++) image[(this.address + i - 4) & (PAGE - 1)] &= this.command[i];
            this.program(page, image);
            this.writable = false;
        } else if (this.writable && code in ERASES) {
            this.erase(this.address & ~(ERASES[code] - 1), ERASES[code]);
            this.writable = false;
        } else if (code === WRITE_STATUS) this.writable = false;
    }
}

// Only GPIO_QSPI_SS_CTRL.OUTOVER matters: with it, firmware holds chip select itself.
const SS_CTRL = 0x0c, STATUS_0 = 0x08, DRIVE_LOW = 2, DRIVE_HIGH = 3;

export class IoQspi extends BasePeripheral {
    constructor(mcu, nor) {
        super(mcu, 'IO_QSPI');
        this.nor = nor;
        this.registers = new Uint32Array(64);
        this.override = 0;
    }

    readUint32(offset) {
        return offset === STATUS_0 ? 0x000a3f3f : this.registers[(offset >> 2) & 63];
    }

    writeUint32(offset, value) {
        this.registers[(offset >> 2) & 63] = value;
        if (offset !== SS_CTRL) return;
        const before = this.override;
        this.override = (value >>> 8) & 3;
        if (this.override === DRIVE_LOW && before !== DRIVE_LOW) this.nor.select();
        if (this.override !== DRIVE_LOW && before === DRIVE_LOW) this.nor.deselect();
    }

    get low() {
        return this.override === DRIVE_LOW;
    }

    get high() {
        return this.override === DRIVE_HIGH;
    }
}

const SSIENR = 0x08, TXFLR = 0x20, RXFLR = 0x24, SR = 0x28, IDR = 0x58, VERSION = 0x5c, DR0 = 0x60, DR_END = 0xf0;
const FIFO_DEPTH = 16;

export class Ssi extends BasePeripheral {
    constructor(mcu, nor, io) {
        super(mcu, 'SSI');
        this.nor = nor;
        this.io = io;
        this.received = [];
        this.registers = new Map();
    }

    readUint32(offset) {
        if (offset >= DR0 && offset < DR_END) {
            const value = this.received.shift() ?? 0;
            if (!this.received.length && !this.io.low) this.nor.deselect(); // automatic chip select: burst over
            return value;
        }
        switch (offset) {
            case TXFLR: return 0;
            case RXFLR: return this.received.length;
            case SR: return 0x06 | (this.received.length ? 0x08 : 0); // transmitter empty, not full; receiver not empty
            case IDR: return 0x51535049;
            case VERSION: return 0x3430312a;
            default: return this.registers.get(offset) ?? 0;
        }
    }

    writeUint32(offset, value) {
        if (offset >= DR0 && offset < DR_END) {
            if (this.io.high) {
                this.received.push(0xff);
                return;
            }
            if (!this.io.low && !this.nor.selected) this.nor.select();
            const answer = this.nor.transfer(value);
            if (this.received.length < FIFO_DEPTH) this.received.push(answer);
            return;
        }
        if (offset === SSIENR && !(value & 1)) {
            this.received = [];
            if (!this.io.low) {
                this.nor.command = [];
                this.nor.selected = false;
            }
        }
        this.registers.set(offset, value);
    }
}

// SPDX-License-Identifier: MIT
// Files on this computer: the image to flash, and the contents of the flash from one run to the next.

import fs from 'node:fs';

import { FLASH_BASE, FLASH_SIZE } from './chip/flash.mjs';

export class FileError extends Error {}

const BLOCK = 512, MAGIC_0 = 0x0a324655, MAGIC_1 = 0x9e5d5157, MAGIC_END = 0x0ab16f30;
const NOT_MAIN_FLASH = 1, RP2040_FAMILY = 0xe48bff56;

// Writes the blocks of a UF2 file into `flash`; gives how many octets.
export function loadUf2(file, flash) {
    const octets = readFile(file);
    let size = 0;
    if (!octets.length || octets.length % BLOCK) throw new FileError(`${file} is no UF2 file: its size is no multiple of ${BLOCK}`);
    for (let at = 0; at < octets.length; at += BLOCK) {
        const word = (index) => octets.readUInt32LE(at + 4 * index);
        if (word(0) !== MAGIC_0 || word(1) !== MAGIC_1 || octets.readUInt32LE(at + BLOCK - 4) !== MAGIC_END) {
            throw new FileError(`${file} is no UF2 file: block ${at / BLOCK} lacks its marks`);
        }
        const [flags, address, length, family] = [word(2), word(3), word(4), word(7)];
        if (flags & NOT_MAIN_FLASH || family !== RP2040_FAMILY) continue;
        const from = address - FLASH_BASE;
        if (length > 476 || from < 0 || from + length > FLASH_SIZE) {
            throw new FileError(`${file}: block ${at / BLOCK} lies outside of the flash`);
        }
        flash.set(octets.subarray(at + 32, at + 32 + length), from);
        size += length;
    }
    if (!size) throw new FileError(`${file} holds nothing for an RP2040`);
    return size;
}

// The contents of the flash. Each change is in the file when the board goes on, so that killing the emulator at any
// moment is a power cut.
export class FlashFile {
    constructor(file, flash) {
        if (fs.existsSync(file)) {
            const octets = readFile(file);
            // An empty one was just made, by who locked it.
            if (octets.length && octets.length !== FLASH_SIZE) throw new FileError(`${file} is no flash of ${FLASH_SIZE} octets`);
            if (octets.length) flash.set(octets);
        }
        this.flash = flash;
        this.file = file;
    }

    open() {
        fs.writeFileSync(this.file, this.flash, { mode: 0o600 }); // keys are in it
        this.descriptor = fs.openSync(this.file, 'r+');
    }

    changed(address, size) {
        fs.writeSync(this.descriptor, this.flash, address, size, address);
    }
}

function readFile(file) {
    try {
        return fs.readFileSync(file);
    } catch (error) {
        throw new FileError(`${file} can't be read: ${error.code ?? error.message}`);
    }
}

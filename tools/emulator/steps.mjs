#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// A Raspberry Pi Pico whose time passes in steps that the other side asks for: what that does itself takes the board no
// time, and every run is the same, whatever this computer does beside it: its random bits are, too.
//
//     node steps.mjs FLASH IMAGE.uf2
//
// FLASH is a file as main.mjs has it with --flash. It prints {}, then it reads commands, one a line, from its standard
// input, and ends at the end of it:
//
//     run MS [HEX]    these octets go to UART0, and MS ms of emulated time pass, fewer where UART0 sent the octet c0,
//                     which ends a frame (RFC 1055). The answer is a line of JSON: "ms", the board's time since
//                     power-on; "uart0" and "repl", in hex, what it said; "halted", null or why.

import crypto from 'node:crypto';
import readline from 'node:readline';

import { FlashFile, loadUf2 } from './files.mjs';
import { Pico } from './pico.mjs';

const BATCH = 20000; // instructions between looks at the clock
const END = 0xc0;

let drawn = 0;
const said = { uart0: [], repl: [] };
const pico = new Pico({
    onUsb: (octets) => said.repl.push(...octets),
    onUart: (index, octet) => {
        if (index !== 0) return;
        said.uart0.push(octet);
        if (octet === END) pico.paused = true;
    },
    random: () => crypto.createHash('sha512').update(String(drawn++)).digest(),
});

function run(ms, hex = '') {
    const until = pico.nanos + ms * 1e6;
    pico.paused = false;
    pico.sendUart(0, Buffer.from(hex, 'hex'));
    while (pico.nanos < until && !pico.paused && !pico.halted) pico.run(BATCH, until - pico.earlierNs);
    const take = (line) => Buffer.from(said[line].splice(0)).toString('hex');
    return { ms: pico.nanos / 1e6, uart0: take('uart0'), repl: take('repl'), halted: pico.halted };
}

const [flash, image] = process.argv.slice(2);
const file = new FlashFile(flash, pico.flash);
loadUf2(image, pico.flash);
pico.onFlash = (address, size) => file.changed(address, size);
file.open();
pico.powerOn();
console.log('{}');
const input = readline.createInterface({ input: process.stdin });
input.on('line', (line) => {
    const [word, ms, hex] = line.trim().split(' ');
    console.log(JSON.stringify(word === 'run' ? run(+ms, hex) : { error: `no command ${word}; there is run` }));
});
input.on('close', () => process.exit(0));

#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// A Raspberry Pi Pico that runs an image as it is flashed. `msgin5g emulate` starts it with what else is needed.

import readline from 'node:readline';
import { parseArgs } from 'node:util';

import { FileError, FlashFile, loadUf2 } from './files.mjs';
import { Pacer } from './pacing.mjs';
import { Pico } from './pico.mjs';
import { SerialPort } from './serial.mjs';

const HELP = `usage: node main.mjs [options] IMAGE.uf2

A Raspberry Pi Pico that boots IMAGE.uf2. It listens on this computer only.

  --flash FILE      keep the flash in FILE (2 MiB, made where it is missing); the image is written into it.
                    Each change is in FILE at once: killing the emulator is a power cut.
  --repl PORT       the USB serial line, where the REPL is; 0 takes a free port
  --uart0 PORT      UART0, at the pace of its baud rate; --uart1 PORT likewise
  --virtual         virtual time: as fast as this computer allows, a sleep takes none
  --most-lag MS     real time: what the board may be behind before its clock waits for it (default 50)
  --cut-after N     the power goes in the middle of flash operation N + 1 (a sector erased, a page programmed)
  --unique-id HEX   the flash chip's, 8 octets
  --quiet           says nothing about resets
  --help            this text

It prints one line of JSON when it listens: {"repl": PORT, "uart0": PORT, "uart1": PORT}. Then it reads commands, one a
line, from its standard input, and answers each with a line of JSON; a number behind a command comes back as "number":

  stats             statistics: emulated time, instructions, resets, flash and UART counters
  power-cycle       off and on again
  hold              after its next reset the board stands still until something comes in

and ends at the end of its input. Exit codes: 0, 1 the firmware halted, 2 wrong arguments, 75 --cut-after came true.`;

const CUT = 75;

class UsageError extends Error {}

function readArguments() {
    const text = { type: 'string' };
    const flag = { type: 'boolean' };
    const options = {
        flash: text, repl: text, uart0: text, uart1: text, virtual: flag, 'most-lag': text, 'cut-after': text,
        'unique-id': text, quiet: flag, help: flag,
    };
    let parsed;
    try {
        parsed = parseArgs({ options, allowPositionals: true });
    } catch (error) {
        throw new UsageError(error.message);
    }
    const { values, positionals } = parsed;
    if (!values.help && positionals.length !== 1) throw new UsageError('exactly one IMAGE.uf2 is needed');
    return { ...values, image: positionals[0] };
}

function number(values, name, most) {
    const text = values[name];
    if (text === undefined) return undefined;
    if (!/^\d+$/.test(text) || +text > most) throw new UsageError(`--${name} takes a number from 0 to ${most}, not ${text}`);
    return +text;
}

function uniqueId(text) {
    if (text === undefined) return undefined;
    if (!/^[0-9a-f]{16}$/i.test(text)) throw new UsageError(`--unique-id takes 16 hexadecimal digits, not ${text}`);
    return Buffer.from(text, 'hex');
}

async function main() {
    const values = readArguments();
    if (values.help) {
        console.log(HELP);
        return;
    }
    const lines = {};
    const pico = new Pico({
        uniqueId: uniqueId(values['unique-id']),
        onUsb: (octets) => lines.repl?.output(octets),
        onUart: (index, octet) => lines[`uart${index}`]?.output([octet]),
        onFlash: (address, size) => flashFile?.changed(address, size),
        say: (sentence) => values.quiet || console.error(`pico: ${sentence}`),
    });
    const flashFile = values.flash === undefined ? null : new FlashFile(values.flash, pico.flash);
    loadUf2(values.image, pico.flash);
    flashFile?.open();
    const pacer = new Pacer(pico, { virtual: values.virtual, mostLag: number(values, 'most-lag', 1e6) });
    const inputs = {
        repl: (octets) => pico.sendUsb(octets),
        uart0: (octets) => pico.sendUart(0, octets),
        uart1: (octets) => pico.sendUart(1, octets),
    };
    const listening = {};
    for (const [name, input] of Object.entries(inputs)) {
        const port = number(values, name, 65535);
        if (port === undefined) continue;
        lines[name] = new SerialPort(port, (octets) => {
            input(octets);
            pacer.kick();
        });
        try {
            listening[name] = await lines[name].listening;
        } catch (error) {
            throw new UsageError(`--${name} ${port}: ${error.code}`);
        }
    }
    pico.powerOn();
    pico.nor.cutAfter = number(values, 'cut-after', 1e9) ?? Infinity;
    pacer.onHalt = () => end(lines, 1);
    pacer.onCut = () => end(lines, CUT);
    obey(pico, pacer, lines);
    console.log(JSON.stringify(listening));
    pacer.start();
}

// What the board said before its end is for the clients to read: process.exit() alone would drop what waits.
async function end(lines, code) {
    await Promise.all(Object.values(lines).map((line) => line.end()));
    process.exit(code);
}

function obey(pico, pacer, lines) {
    const commands = {
        stats: () => ({
            ...pico.statistics,
            forgotten_ms: Math.round(pacer.forgottenMs),
            lost_output: Object.fromEntries(Object.entries(lines).map(([name, line]) => [name, line.lost])),
        }),
        'power-cycle': () => {
            pico.powerCycle();
            pacer.kick();
            return {};
        },
        hold: () => {
            pico.holding = true;
            return {};
        },
    };
    const input = readline.createInterface({ input: process.stdin });
    input.on('line', (line) => {
        const [name, number] = line.trim().split(' ');
        const known = Object.keys(commands).join(', ');
        const answer = name in commands ? commands[name]() : { error: `no command ${name}; there are ${known}` };
        console.log(JSON.stringify(number === undefined ? answer : { ...answer, number: +number }));
    });
    input.on('close', () => process.exit(0));
}

main().catch((error) => {
    if (!(error instanceof UsageError || error instanceof FileError)) throw error;
    console.error(`emulator: ${error.message} (--help tells more)`);
    process.exit(2);
});

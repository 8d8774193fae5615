// SPDX-License-Identifier: MIT
// Emulated time in steps that the other side asks for, so that what it does itself takes the board no time: every run
// is the same, whatever this computer does beside it.

const BATCH = 20000; // instructions between looks at the clock
const END = 0xc0; // of a frame (RFC 1055)

export class Steps {
    constructor() {
        this.said = { uart0: [], uart1: [], repl: [] };
    }

    output(octets, line) {
        for (const octet of octets) this.said[line].push(octet);
        if (line === 'uart0' && octets.includes(END)) this.pico.paused = true;
    }

    run(pico, ms, hex) {
        const until = pico.nanos + ms * 1e6;
        this.pico = pico;
        pico.paused = false;
        pico.sendUart(0, Buffer.from(hex, 'hex'));
        while (pico.nanos < until && !pico.paused && !pico.halted) pico.run(BATCH, until - pico.earlierNs);
        const take = (line) => Buffer.from(this.said[line].splice(0)).toString('hex');
        return { ms: pico.nanos / 1e6, uart0: take('uart0'), repl: take('repl'), halted: pico.halted };
    }
}

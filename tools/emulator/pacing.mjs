// SPDX-License-Identifier: MIT
// Emulated time against the time of this computer.

const SLICE_MS = 8; // then others of this process get their turn
const BATCH = 20000; // instructions between looks at the clock
const AHEAD_MS = 2; // the board may be so far ahead: fewer, longer sleeps
const LONGEST_SLEEP_MS = 50;

// Real time: the board is never faster than its crystal. Where this computer can't keep up, lag beyond `mostLag` ms is
// forgotten, for a board that catches up would run its time-outs faster than the world around it.
// Virtual time: as fast as this computer allows. A board that sleeps is at the end of its sleep at once.
export class Pacer {
    constructor(pico, { virtual = false, mostLag = 50 } = {}) {
        this.pico = pico;
        this.virtual = virtual;
        this.mostLag = mostLag;
        this.forgottenMs = 0;
        this.timer = null;
        this.immediate = null;
        this.onHalt = () => {};
        this.onCut = () => {};
    }

    start() {
        this.base = performance.now() - this.pico.nanos / 1e6;
        this.step();
    }

    stop() {
        clearTimeout(this.timer);
        clearImmediate(this.immediate);
        this.timer = this.immediate = null;
    }

    // Something came in: the board may have to wake up now.
    kick() {
        if (this.timer === null) return;
        this.stop();
        this.immediate = setImmediate(() => this.step());
    }

    step() {
        this.timer = null;
        const began = performance.now();
        const lag = began - this.base - this.pico.nanos / 1e6;
        if (!this.virtual && lag > this.mostLag) {
            this.base += lag - this.mostLag;
            this.forgottenMs += lag - this.mostLag;
        }
        let sleep = 0;
        try {
            sleep = this.slice(began);
        } catch (error) {
            if (error?.constructor?.name !== 'PowerCut') throw error;
            this.onCut();
            return;
        }
        if (this.pico.halted) this.onHalt(this.pico.halted);
        else if (sleep > 0) this.timer = setTimeout(() => this.step(), sleep);
        else this.immediate = setImmediate(() => this.step());
    }

    // Runs for a while; gives how long it may sleep then, in ms.
    slice(began) {
        const { pico } = this;
        do {
            const allowed = this.virtual ? Infinity : (performance.now() - this.base + AHEAD_MS) * 1e6 - pico.earlierNs;
            const ahead = (pico.mcu.clock.nanos - allowed) / 1e6;
            if (ahead > 0) return ahead + 0.2;
            const busy = pico.run(BATCH, allowed);
            if (pico.halted) return 0;
            if (!busy) {
                const next = pico.mcu.clock.nextAlarm ? pico.mcu.clock.nanosToNextAlarm / 1e6 : LONGEST_SLEEP_MS;
                return Math.min(LONGEST_SLEEP_MS, Math.max(0.2, next - AHEAD_MS));
            }
        } while (performance.now() - began < SLICE_MS);
        return 0;
    }
}

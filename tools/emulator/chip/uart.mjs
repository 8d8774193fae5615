// SPDX-License-Identifier: MIT
// The UART of the RP2040 (Arm PL011), which rp2040js lacks in full: FIFOs of 32, interrupts at their trigger levels and
// at the receive time-out, both directions at the pace of the baud rate, overruns counted.
//
// Flow control written line by line from the description of the PL011 ("UART hardware flow control", UARTCR, UARTFR), for
// what ports/rp2/machine_uart.c asks of it (gpio_set_function of both pins, uart_set_hw_flow, and the trigger level of
// uart_set_irq_enables, which is where RTS goes). No board was tried with it.
//
//     RTSEN   RTS is asserted until the receive FIFO is filled to the level of UARTIFLS; asserted again when data was read
//             so that it is filled to less. The peer ends the character that it is at, and sends no other meanwhile.
//     CTSEN   The transmitter looks at CTS before each character, and ends the one that it is at.
//     A pin without the function UART is not connected: then the peer does not see RTS, and CTS reads as asserted.
//     FR      CTS is bit 0, 1 while the pin is asserted.

import { BasePeripheral } from 'rp2040js';

const DR = 0x00, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30, IFLS = 0x34, IMSC = 0x38, RIS = 0x3c;
const MIS = 0x40, ICR = 0x44, DMACR = 0x48;
const IDENTITY = { 0xfe0: 0x11, 0xfe4: 0x10, 0xfe8: 0x34, 0xfec: 0, 0xff0: 0x0d, 0xff4: 0xf0, 0xff8: 0x05, 0xffc: 0xb1 };
// interrupts: receive, transmit, receive time-out, overrun
const RXI = 0x10, TXI = 0x20, RTI = 0x40, OEI = 0x400;
const TXDMAE = 2;
const DEPTH = 32;
const LEVELS = [4, 8, 16, 24, 28]; // 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO
const TIMEOUT_CHARACTERS = 3.2; // 32 bit times
const BITS = 10; // start, 8 data, stop
const RTSEN = 0x4000, CTSEN = 0x8000; // of UARTCR
const FUNCTION_UART = 2; // of a pin
const ROLES = { cts: 2, rts: 3 }; // the last two bits of a pin's number

export class Pl011 extends BasePeripheral {
    constructor(mcu, number, { irq, dreq }) {
        super(mcu, `UART${number}`);
        this.number = number;
        this.irq = irq;
        this.dreq = dreq;
        this.control = 0x300;
        this.line = this.integer = this.fraction = this.mask = this.raw = this.dma = 0;
        this.levels = 0x12;
        this.transmit = []; // FIFO
        this.receive = []; // FIFO
        this.wire = []; // on their way to the board
        this.shifting = null; // octet that is being sent
        this.arriving = false;
        this.clearToSend = true; // what the peer says with its RTS, if that is connected to our CTS
        this.sent = this.received = this.overruns = 0;
        this.onByte = () => {};
        this.sendAlarm = mcu.clock.createAlarm(() => this.sendDone());
        this.arriveAlarm = mcu.clock.createAlarm(() => this.arrive());
        this.timeoutAlarm = mcu.clock.createAlarm(() => this.receive.length && this.raise(RTI));
    }

    get baud() {
        const divisor = this.integer + this.fraction / 64;
        return divisor ? this.rp2040.clkPeri / (16 * divisor) : 115200;
    }

    get characterNs() {
        return (1e9 * BITS) / this.baud;
    }

    get depth() {
        return this.line & 0x10 ? DEPTH : 1;
    }

    get receiveLevel() {
        return this.depth === 1 ? 1 : (LEVELS[(this.levels >> 3) & 7] ?? 16);
    }

    get transmitLevel() {
        return this.depth === 1 ? 0 : (LEVELS[this.levels & 7] ?? 16);
    }

    // Whether a pin that can be this UART's RTS or CTS is one, as machine_uart.c has it (IS_VALID_RTS, IS_VALID_CTS).
    connected(role) {
        const mine = (pin) => (((pin + 4) & 8) >> 3) === this.number && (pin & 3) === ROLES[role];
        return this.rp2040.gpio.some((pin, number) => mine(number) && pin.functionSelect === FUNCTION_UART);
    }

    // Whether the peer sees that it may send.
    get readyToReceive() {
        const held = this.control & RTSEN && this.receive.length >= this.receiveLevel;
        return !(held && this.connected('rts'));
    }

    get mayTransmit() {
        return this.clearToSend || !(this.control & CTSEN) || !this.connected('cts');
    }

    // The peer asserts its RTS, or takes it back.
    allow(clear) {
        this.clearToSend = clear;
        this.startSending();
    }

    // Octets from outside. They arrive at the pace of the line, as from a peer that sends without a pause.
    feed(octets) {
        for (const octet of octets) this.wire.push(octet);
        this.proceed();
    }

    // The peer begins its next character, where it has one and may.
    proceed() {
        if (this.arriving || !this.wire.length || !this.readyToReceive) return;
        this.arriving = true;
        this.arriveAlarm.schedule(this.characterNs);
    }

    arrive() {
        const octet = this.wire.shift();
        if ((this.control & 0x201) === 0x201) {
            // enabled, and its receiver too; else the octet is lost without a trace, as on the board
            if (this.receive.length >= this.depth) {
                this.overruns++;
                this.raise(OEI);
            } else {
                this.receive.push(octet);
                this.received++;
                if (this.receive.length >= this.receiveLevel) this.raise(RXI);
            }
            this.timeoutAlarm.schedule(this.characterNs * TIMEOUT_CHARACTERS);
        }
        this.arriving = false;
        this.proceed();
    }

    startSending() {
        if (this.shifting !== null || !this.transmit.length || !this.mayTransmit) return;
        this.shifting = this.transmit.shift();
        // The interrupt comes when the FIFO falls through its level, not while it is below it.
        if (this.transmit.length === this.transmitLevel) this.raise(TXI);
        this.request();
        this.sendAlarm.schedule(this.characterNs);
    }

    sendDone() {
        const octet = this.shifting;
        this.shifting = null;
        this.sent++;
        this.onByte(octet);
        this.startSending();
    }

    raise(interrupt) {
        this.raw |= interrupt;
        this.update();
    }

    lower(interrupts) {
        this.raw &= ~interrupts;
        this.update();
    }

    update() {
        this.rp2040.setInterrupt(this.irq, (this.raw & this.mask) !== 0);
    }

    readUint32(offset) {
        switch (offset) {
            case DR: return this.takeReceived();
            case FR:
                return (
                    (this.transmit.length ? 0 : 0x80) |
                    (this.receive.length >= this.depth ? 0x40 : 0) |
                    (this.transmit.length >= this.depth ? 0x20 : 0) |
                    (this.receive.length ? 0 : 0x10) |
                    (this.shifting !== null || this.transmit.length ? 0x08 : 0) |
                    (this.clearToSend ? 0x01 : 0)
                );
            case IBRD: return this.integer;
            case FBRD: return this.fraction;
            case LCR_H: return this.line;
            case CR: return this.control;
            case IFLS: return this.levels;
            case IMSC: return this.mask;
            case RIS: return this.raw;
            case MIS: return this.raw & this.mask;
            case DMACR: return this.dma;
            default: return IDENTITY[offset] ?? 0;
        }
    }

    takeReceived() {
        const octet = this.receive.shift() ?? 0;
        if (this.receive.length) this.timeoutAlarm.schedule(this.characterNs * TIMEOUT_CHARACTERS);
        else this.timeoutAlarm.cancel();
        this.lower((this.receive.length < this.receiveLevel ? RXI : 0) | (this.receive.length ? 0 : RTI));
        this.proceed();
        return octet;
    }

    writeUint32(offset, value) {
        switch (offset) {
            case DR:
                if (this.transmit.length < this.depth) this.transmit.push(value & 0xff);
                if (this.transmit.length > this.transmitLevel) this.lower(TXI);
                this.startSending();
                this.request();
                break;
            case IBRD: this.integer = value & 0xffff; break;
            case FBRD: this.fraction = value & 0x3f; break;
            case LCR_H: this.line = value & 0xff; break;
            case CR: this.writeControl(value); break;
            case IFLS: this.levels = value & 0x3f; break;
            case IMSC:
                this.mask = value & 0x7ff;
                this.update();
                break;
            case ICR:
                this.lower(this.rawWriteValue);
                if (this.receive.length) this.timeoutAlarm.schedule(this.characterNs * TIMEOUT_CHARACTERS);
                break;
            case DMACR:
                this.dma = value;
                this.request();
                break;
        }
    }

    writeControl(value) {
        this.control = value;
        if (!(value & 1)) this.receive = [];
        this.request();
        this.proceed();
        this.startSending();
    }

    // Asks the DMA controller for octets while there is room for one, or asks no more.
    request() {
        const asks = this.control & 1 && this.dma & TXDMAE && this.transmit.length < this.depth;
        if (asks) this.rp2040.dma.setDREQ(this.dreq.tx);
        else this.rp2040.dma.clearDREQ(this.dreq.tx);
    }

    clkPeriChanged() {} // the baud rate is worked out when it is needed
}

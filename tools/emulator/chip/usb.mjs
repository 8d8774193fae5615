// SPDX-License-Identifier: MIT
// The computer at the other end of the USB cable: it sets the device up and carries its serial line.

import { USBCDC } from 'rp2040js';

// rp2040js has no start of frame for a device. TinyUSB asks for some after the line was opened, and only then sends what
// was printed before: without them the board would wait with a full buffer for ever.
const SOF_READ = 0x48, DEVICE_SOF = 1 << 17, FRAME_NS = 1e6;

export class UsbHost {
    constructor(mcu) {
        this.usb = mcu.usbCtrl;
        this.queue = []; // for the board; the FIFO of rp2040js would drop what goes beyond 512
        this.waiting = null; // a request of the board for octets
        this.connected = false;
        this.onData = () => {};
        this.onConnect = () => {};
        this.addFrames(mcu);
        this.cdc = new USBCDC(mcu.usbCtrl);
        this.cdc.onDeviceConnected = () => {
            this.connected = true;
            this.onConnect();
        };
        this.cdc.onSerialData = (octets) => this.onData(octets);
        // rp2040js answers each request at once, with nothing where there is nothing, over and over. A real host lets
        // the board wait (it answers NAK), so the board can sleep.
        mcu.usbCtrl.onEndpointRead = (endpoint, size) => {
            if (endpoint !== this.cdc.outEndpoint) return;
            this.waiting = { endpoint, size };
            this.pump();
        };
    }

    // Frames are counted only while the board wants to hear of them: else they would keep it from sleeping.
    addFrames(mcu) {
        const usb = this.usb;
        let running = false;
        const wanted = () => (usb.intEnable & DEVICE_SOF) !== 0;
        const alarm = mcu.clock.createAlarm(() => {
            running = wanted();
            if (!running) return;
            usb.sofFrameNumber = (usb.sofFrameNumber + 1) & 0x7ff;
            usb.intRaw |= DEVICE_SOF;
            usb.checkInterrupts();
            alarm.schedule(FRAME_NS);
        });
        const write = usb.writeUint32.bind(usb);
        usb.writeUint32 = (offset, value) => {
            write(offset, value);
            if (running || !wanted()) return;
            running = true;
            alarm.schedule(FRAME_NS);
        };
        const read = usb.readUint32.bind(usb);
        usb.readUint32 = (offset) => {
            if (offset === SOF_READ) {
                usb.intRaw &= ~DEVICE_SOF; // reading it clears the interrupt (data sheet 4.1.4)
                usb.checkInterrupts();
            }
            return read(offset);
        };
    }

    send(octets) {
        for (const octet of octets) this.queue.push(octet);
        this.pump();
    }

    pump() {
        if (!this.waiting || !this.queue.length) return;
        const { endpoint, size } = this.waiting;
        this.waiting = null;
        this.usb.endpointReadDone(endpoint, Uint8Array.from(this.queue.splice(0, size)));
    }
}

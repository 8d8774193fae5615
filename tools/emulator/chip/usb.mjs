// SPDX-License-Identifier: MIT
// The computer at the other end of the USB cable: it sets the device up and carries its serial line.

import { USBCDC } from 'rp2040js';

export class UsbHost {
    constructor(mcu) {
        this.usb = mcu.usbCtrl;
        this.queue = []; // for the board; the FIFO of rp2040js would drop what goes beyond 512
        this.waiting = null; // a request of the board for octets
        this.connected = false;
        this.onData = () => {};
        this.onConnect = () => {};
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

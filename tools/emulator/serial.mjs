// SPDX-License-Identifier: MIT
// A serial line of the board on a TCP port of this computer, for one client at a time.

import net from 'node:net';

const KEPT = 65536; // octets that wait for a client
const PATIENCE_MS = 5000; // for a client that does not read, at the end

export class SerialPort {
    // `input(octets)` gets what the client sends.
    constructor(port, input) {
        this.input = input;
        this.client = null;
        this.early = []; // what the board said before there was a client
        this.pending = [];
        this.lost = 0;
        this.server = net.createServer((socket) => this.accept(socket));
        this.listening = new Promise((resolve, reject) => {
            this.server.once('error', reject);
            this.server.listen(port, '127.0.0.1', () => resolve(this.server.address().port));
        });
    }

    // A new client takes the line from the one before, which may hang for ever.
    accept(socket) {
        this.client?.destroy();
        this.client = socket;
        socket.setNoDelay(true);
        socket.on('data', (octets) => this.input(octets));
        socket.on('close', () => {
            if (this.client === socket) this.client = null;
        });
        socket.on('error', () => {});
        if (this.early.length) socket.write(Buffer.from(this.early.splice(0)));
    }

    // Octets of one turn of the event loop go out together.
    output(octets) {
        if (!this.pending.length) setImmediate(() => this.flush());
        for (const octet of octets) this.pending.push(octet);
    }

    flush() {
        const octets = this.pending.splice(0);
        if (this.client) {
            this.client.write(Buffer.from(octets));
            return;
        }
        for (const octet of octets) this.early.push(octet);
        if (this.early.length > KEPT) this.lost += this.early.splice(0, this.early.length - KEPT).length;
    }

    // Resolves when the client was given all that the board said, or is gone, or does not take it.
    end() {
        this.flush();
        const { client } = this;
        if (!client) return Promise.resolve();
        return new Promise((resolve) => {
            client.once('close', resolve);
            client.end(resolve);
            setTimeout(resolve, PATIENCE_MS).unref();
        });
    }
}

// SPDX-License-Identifier: MIT
// A serial line on a TCP port: what the board said last is read by the client, also where the emulator ends at once.

import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';

import { SerialPort } from '../../../../tools/emulator/serial.mjs';

async function connected(line) {
    const client = net.connect(await line.listening, '127.0.0.1');
    const pieces = [];
    client.on('data', (octets) => pieces.push(octets));
    const said = new Promise((resolve) => client.on('end', () => resolve(Buffer.concat(pieces).toString())));
    await new Promise((resolve) => line.server.once('connection', resolve));
    return { said };
}

test('what was said before the end is there, all of it', async () => {
    const line = new SerialPort(0, () => {});
    const { said } = await connected(line);
    line.output(Buffer.from('first '));
    await new Promise(setImmediate);
    line.output(Buffer.from('last')); // still waits for the end of this turn of the event loop
    await line.end();
    line.server.close();
    assert.equal(await said, 'first last');
});

test('without a client there is nothing to wait for', async () => {
    const line = new SerialPort(0, () => {});
    await line.listening;
    line.output(Buffer.from('to nobody'));
    await line.end();
    line.server.close();
});

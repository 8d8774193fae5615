// SPDX-License-Identifier: MIT
// A request of node-coap: node client.mjs URI [JSON of its own request options, and of these: payload, a text; octets, so
// many of them as payload; block, the exponent of the size of block that it goes in; options, {name: hex};
// notifications, how many to wait for]. It prints one JSON line for each response: code, payload in hex, options.
import { request } from "coap";

const [uri, text = "{}"] = process.argv.slice(2);
const { payload, octets, block, options = {}, notifications = 0, ...wanted } = JSON.parse(text);
const url = new URL(uri);
const sent = request({
    hostname: url.hostname,
    port: Number(url.port),
    pathname: url.pathname,
    query: url.search.slice(1),
    observe: notifications > 0,
    ...wanted,
});
for (const [name, value] of Object.entries(options)) sent.setOption(name, Buffer.from(value, "hex"));
if (block !== undefined) sent.setOption("Block1", Buffer.of(block));

const say = (response, body) =>
    console.log(
        JSON.stringify({
            code: response.code,
            payload: body.toString("hex"),
            options: response.options.map(({ name, value }) => [name, Buffer.isBuffer(value) ? value.toString("hex") : value]),
        }),
    );

sent.on("error", (error) => {
    console.log(JSON.stringify({ error: String(error) }));
    process.exit(1);
});
sent.on("response", (response) => {
    if (notifications === 0) {
        const parts = [];
        response.on("data", (part) => parts.push(part));
        response.on("end", () => say(response, Buffer.concat(parts)));
        return;
    }
    let left = notifications;
    response.on("data", (body) => {
        say(response, body);
        left -= 1;
        if (left === 0) response.close();
    });
});
sent.end(octets === undefined ? payload : Buffer.alloc(octets, "0123456789abcdef"));

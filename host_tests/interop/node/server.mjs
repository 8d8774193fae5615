// SPDX-License-Identifier: MIT
// A server of node-coap on 127.0.0.1: node server.mjs PORT. /hello answers at once, /async after a second, /example_data
// has 64 KiB, or what was put there, /time is observed and has a new value each 100 ms.
import { createServer } from "coap";

let stored = Buffer.alloc(65536, "0123456789abcdef");

const server = createServer({ type: "udp4" }, (request, response) => {
    const [path] = request.url.split("?");
    if (path === "/hello") {
        response.setOption("Content-Format", "text/plain");
        response.end("hello");
    } else if (path === "/async") {
        setTimeout(() => response.end("at last"), 1000);
    } else if (path === "/example_data" && request.method === "PUT") {
        stored = request.payload;
        response.code = "2.04";
        response.end();
    } else if (path === "/example_data") {
        response.end(stored);
    } else if (path === "/time" && request.headers.Observe === 0) {
        let count = 0;
        const timer = setInterval(() => response.write(String(++count)), 100);
        response.write("0");
        response.on("finish", () => clearInterval(timer));
    } else if (path === "/time") {
        response.end("now");
    } else {
        response.code = "4.04";
        response.end();
    }
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));

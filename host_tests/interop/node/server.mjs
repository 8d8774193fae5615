// SPDX-License-Identifier: MIT
// A server of node-coap on 127.0.0.1: node server.mjs PORT. /hello answers at once, /slow after a second, /large?SIZE with
// so many octets, /length says how long a payload was, /time is observed and has a new value each 100 ms, /echo gives
// back what came.
import { createServer } from "coap";

const pattern = (size) => Buffer.alloc(size, "0123456789abcdef");

const server = createServer({ type: "udp4" }, (request, response) => {
    const [path, query] = request.url.split("?");
    if (path === "/hello") {
        response.setOption("Content-Format", "text/plain");
        response.end("hello");
    } else if (path === "/slow") {
        setTimeout(() => response.end("at last"), 1000);
    } else if (path === "/large") {
        response.end(pattern(Number(query)));
    } else if (path === "/length") {
        response.code = "2.04";
        response.end(`${request.payload.length} octets`);
    } else if (path === "/echo") {
        response.end(request.payload);
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

# SPDX-License-Identifier: MIT
"""What --print-nginx prints: the configuration of an NGINX before several servers that share a store, whole."""

import argparse
import math

from tools.gateway.running.serving import Mistake
from tools.gateway.values import endpoint, host
from tools.server.settings import PORT

# After its registration has ended a device is not looked for; until then it is, and as long as it takes to say that it
# stays: a request and all its repeats, EXCHANGE_LIFETIME of RFC 7252.
_GRACE = 250  # s
_HTTP = 8065
# Between two datagrams of a request: ACK_TIMEOUT * ACK_RANDOM_FACTOR * 2^3 = 24 s as they come, and a little more.
_LONGEST_PAUSE = 30  # s

_MAIN = """\
# Before the nodes of an MSGin5G Server: one address for devices (CoAP over UDP), one for Application Servers (HTTP).
# Printed by `msgin5g server --print-nginx`. It is a whole nginx.conf: `nginx -t` checks it.
{main}worker_processes auto;
# A device whose session lives takes two connections, one file and one port of this machine, of which there are as many
# as net.ipv4.ip_local_port_range says.
worker_rlimit_nofile 65536;
events {{
    worker_connections 32768;
}}

stream {{
    # A device keeps its node as long as its address and port stay what they are. A node that is gone loses its devices
    # to the others, and no others theirs: three datagrams of each are lost by that, which a device repeats. It pauses
    # up to 24 s between them (RFC 7252 section 4.2): a node tried again sooner than that would lose them all.
    upstream msgin5g_coap {{
        hash $remote_addr:$remote_port consistent;
{coap_nodes}
    }}
    server {{
        # reuseport: one socket for each worker, so that all datagrams of a device come to the same one.
        listen {coap} udp reuseport rcvbuf=4m;
        proxy_pass msgin5g_coap;
        # What goes to a device goes through its session: that has to live as long as a device may be silent, its
        # registration (--lifetime {lifetime:g}), and a little more. No proxy_responses: most of what goes to a device
        # answers nothing that it has asked.
        proxy_timeout {timeout}s;
    }}
}}

http {{
{folders}    # An Application Server keeps its node: by its token, or by its address where it has none.
    map $http_authorization $msgin5g_caller {{
        default $http_authorization;
        "" $remote_addr;
    }}
    upstream msgin5g_http {{
        hash $msgin5g_caller consistent;
{http_nodes}
        keepalive 32;
    }}
    access_log off;
    server_tokens off;
    server {{
        listen {http}{ssl};
        server_name {names};
{tls}        client_max_body_size {body};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        # A node trusts who is on its own machine. By this it sees that somebody else asks.
        proxy_set_header X-Forwarded-For $remote_addr;
        # What a node has not been sent goes to the next one; what it may have taken does not.
        proxy_next_upstream error timeout;
        proxy_connect_timeout 2s;
{redirect}        location / {{
            proxy_pass http://msgin5g_http;
        }}
        # Server-sent events: each as it comes, for as long as somebody reads.
        location = /live {{
            proxy_pass http://msgin5g_http;
            proxy_buffering off;
            proxy_read_timeout 1d;
        }}
    }}
}}
"""
_SYSTEM = """\
# Where modules are files, as in Debian's libnginx-mod-stream. No such folder is no mistake.
include /etc/nginx/modules-enabled/*.conf;
"""
_OWN = """\
pid {folder}/nginx.pid;
error_log {folder}/error.log;
"""
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def add_arguments(parser):
    add = parser.add_argument_group("an address before several servers").add_argument
    add(
        "--print-nginx",
        action="store_true",
        help="print the configuration of an NGINX that listens where --coap and --http say, before the servers that"
        " --node-at names, and end",
    )
    add(
        "--node-at",
        metavar="COAP[,HTTP]",
        type=_node,
        action="append",
        default=[],
        help="where one of them listens, 10.0.0.1:%d,10.0.0.1:%d; several times" % (PORT, _HTTP),
    )
    add(
        "--nginx-tls",
        metavar="CERT,KEY",
        type=_files,
        help="files of a certificate and its key, for NGINX: HTTP with TLS",
    )
    add(
        "--nginx-folder",
        metavar="FOLDER",
        type=_folder,
        help="of an NGINX without root: whatever it writes is in there",
    )


def _node(text):
    coap, comma, http = text.partition(",")
    found = endpoint(coap)
    return found, endpoint(http) if comma else (found[0], _HTTP)


def _word(text):
    """A path as NGINX takes it without quotes."""
    if not text or any(letter in text for letter in " \t\r\n;{}'\"\\$#"):
        raise argparse.ArgumentTypeError("%r: a path without spaces, quotes and any of ;{}\\$#" % text)
    return text


def _folder(text):
    if not text.startswith("/"):
        raise argparse.ArgumentTypeError("%r does not begin with /: NGINX looks for it elsewhere" % text)
    return _word(text.rstrip("/"))


def _files(text):
    certificate, comma, key = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError("%r is not CERT,KEY: two files with a comma between them" % text)
    return _word(certificate), _word(key)


def check(args):
    """Raises Mistake for options that mean nothing, or nothing good."""
    if not args.print_nginx:
        for option in ("node_at", "nginx_tls", "nginx_folder"):
            if getattr(args, option):
                raise Mistake("--%s means nothing without --print-nginx" % option.replace("_", "-"))
        return
    if not args.node_at:
        raise Mistake("--print-nginx needs --node-at COAP,HTTP: where a server listens, once for each")
    for place, name in enumerate(("coap", "http")):
        nodes = [node[place] for node in args.node_at]
        for address in (*nodes, getattr(args, name)):
            _must_be_one(address)
        twice = next((node for node in nodes if nodes.count(node) > 1), None)
        if twice:
            raise Mistake("--node-at %s is given twice: each server has an address of its own" % _text(twice))
        if getattr(args, name) in nodes:
            raise Mistake(
                "--node-at %s is where NGINX listens: give --%s HOST:PORT, another one"
                % (_text(getattr(args, name)), name)
            )


def _must_be_one(address):
    try:
        host(_host(address[0]))
    except argparse.ArgumentTypeError as error:
        raise Mistake(str(error)) from None
    if not address[1]:
        raise Mistake("%s: NGINX needs the number of a port" % _text(address))


def configuration(args):
    """The text. Raises Mistake."""
    check(args)
    folder, tls = args.nginx_folder, args.nginx_tls
    folders = "".join("    %s_temp_path %s/%s;\n" % (name, folder, name) for name in _TEMPORARY if folder)
    certificate = "        ssl_certificate %s;\n        ssl_certificate_key %s;\n" % tls if tls else ""
    return _MAIN.format(
        main=_OWN.format(folder=folder) if folder else _SYSTEM,
        coap=_text(args.coap),
        http=_text(args.http),
        coap_nodes=_servers([node for node, _ in args.node_at], _LONGEST_PAUSE),
        http_nodes=_servers([node for _, node in args.node_at], 5),
        lifetime=args.lifetime,
        timeout=math.ceil(args.lifetime) + _GRACE,
        folders=folders,
        names=" ".join(map(_host, args.http_host)) or "_",
        ssl=" ssl" if tls else "",
        tls=certificate,
        redirect="        proxy_redirect http:// https://;\n" if tls else "",
        body=2 * args.max_message + 4096,
    )


def _servers(nodes, seconds):
    """`seconds`: how long one that has failed is left alone."""
    return "\n".join(
        "        server %s max_fails=1 fail_timeout=%ds;" % (_text(node), seconds) for node in nodes
    )


def _host(name):
    return "[%s]" % name if ":" in name else name


def _text(address):
    return "%s:%d" % (_host(address[0]), address[1])

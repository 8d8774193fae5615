# SPDX-License-Identifier: MIT
"""What the --help of each command ends with: lines that can be typed as they stand. A test parses each of them, and
asks for some of each command."""

_UE, _AS = "ue:sensor-1@example.org", "as:weather@example.org"

# {what stands behind msgin5g: its examples}. Commands on a store are the same for `server` (`of`).
_EXAMPLES = {
    "": ("msgin5g gateway --security none --open", "msgin5g doctor", "msgin5g flash --help"),
    "gateway": (
        "msgin5g gateway --coap 0.0.0.0:65401           # for devices that `msgin5g provision` gave a key",
        "msgin5g gateway --security none --open         # for any device, in the clear",
        "msgin5g gateway --serial /dev/ttyUSB0 --baudrate 115200",
    ),
    "gateway device add": (
        f"msgin5g gateway device add {_UE} --key sensor-1.json",
        "msgin5g gateway device add ue:hall@example.org --gateway --key hall.json",
    ),
    "gateway device remove": (f"msgin5g gateway device remove {_UE}",),
    "gateway device list": ("msgin5g gateway device list --store gateway.db",),
    "gateway ue add": (
        f"msgin5g gateway ue add urn:imei:35-209900-176148-0 --ue {_UE}",
        "msgin5g gateway ue add --csv ues.csv --domain example.org",
    ),
    "gateway ue remove": ("msgin5g gateway ue remove urn:imei:35-209900-176148-0",),
    "gateway ue rekey": (f"msgin5g gateway ue rekey {_UE}", "msgin5g gateway ue rekey --all"),
    "gateway ue list": ("msgin5g gateway ue list --store gateway.db",),
    "gateway group add": (
        f"msgin5g gateway group add group:garden@example.org {_UE} {_AS}",
        f"msgin5g gateway group add group:garden@example.org {_UE} --administrator {_UE}",
    ),
    "gateway group remove": (
        "msgin5g gateway group remove group:garden@example.org",
        f"msgin5g gateway group remove group:garden@example.org {_UE}   # this member only",
    ),
    "gateway group list": ("msgin5g gateway group list --store gateway.db",),
    "gateway as add": (f"msgin5g gateway as add {_AS}",),
    "gateway as remove": (f"msgin5g gateway as remove {_AS}",),
    "gateway as list": ("msgin5g gateway as list --store gateway.db",),
    "gateway l3g add": (
        "msgin5g gateway l3g add l3g:sms@example.org ue:phone@example.org --uri http://192.0.2.1:8000/l3g",
    ),
    "gateway l3g remove": ("msgin5g gateway l3g remove l3g:sms@example.org",),
    "gateway l3g list": ("msgin5g gateway l3g list --store gateway.db",),
    "gateway n3g add": (
        "msgin5g gateway n3g add n3g:lora@example.org ue:meter@example.org --uri http://192.0.2.1:8000/n3g",
    ),
    "gateway n3g remove": ("msgin5g gateway n3g remove n3g:lora@example.org",),
    "gateway n3g list": ("msgin5g gateway n3g list --store gateway.db",),
    "gateway area add": (
        f"msgin5g gateway area add area:north {_UE}",
        "msgin5g gateway area add area:all '*'",
    ),
    "gateway area remove": ("msgin5g gateway area remove area:north",),
    "gateway area list": ("msgin5g gateway area list --store gateway.db",),
    "gateway peer add": (
        "msgin5g gateway peer add example.net --uri https://server.example.net",
        "msgin5g gateway peer add example.net --token -          # reads what it printed there",
    ),
    "gateway peer remove": ("msgin5g gateway peer remove example.net",),
    "gateway peer list": ("msgin5g gateway peer list --store gateway.db",),
    "gateway quarantine list": ("msgin5g gateway quarantine list --store gateway.db",),
    "gateway quarantine retry": (
        "msgin5g gateway quarantine retry 3",
        "msgin5g gateway quarantine retry --all",
    ),
    "gateway quarantine drop": ("msgin5g gateway quarantine drop 3 4",),
    "gateway application add": (
        f"msgin5g gateway application add 7 --ue {_UE} --credential-file credential.hex",
    ),
    "gateway application remove": ("msgin5g gateway application remove 7",),
    "gateway application list": ("msgin5g gateway application list --store gateway.db",),
    "gateway target add": (f"msgin5g gateway target add 192.0.2.7 {_UE}",),
    "gateway target remove": ("msgin5g gateway target remove 192.0.2.7",),
    "gateway target list": ("msgin5g gateway target list --store gateway.db",),
    "server": (
        "msgin5g server --coap 0.0.0.0:5683             # for gateways with --upstream",
        "msgin5g server --assign example.org --store server.db",
        "msgin5g server --print-nginx --coap 0.0.0.0:65401 --http 0.0.0.0:8065 --node-at 10.0.0.1:65401,10.0.0.1:8065",
    ),
    "relay": (
        "msgin5g relay --server 192.0.2.1:65401",
        "msgin5g relay --listen 0.0.0.0:65401 --server server.example.org:5683",
    ),
    "as listen": (
        f"msgin5g as listen {_AS}",
        f"msgin5g as listen {_AS} --topic alerts --save received",
        f"msgin5g as listen {_AS} --json --count 10",
    ),
    "as send": (
        f'msgin5g as send --from {_AS} --to {_UE} --report "21.5"',
        f"msgin5g as send --from {_AS} --group group:garden@example.org --file update.bin",
        f"msgin5g as send --from {_AS} --topic alerts -      # reads standard input",
    ),
    "device": (
        "msgin5g device --state sensor-1 --config msgin5g.json",
        "msgin5g device --state sensor-1 examples/sensor.py",
        "msgin5g device --state sensor-1 --restart examples/sensor.py",
    ),
    "demo": ("msgin5g demo", "msgin5g demo --link serial", "msgin5g demo --nodes 3"),
    "impair": (
        "msgin5g impair --profile lossy-20              # the device's peer is coap://127.0.0.1:65402 then",
        "msgin5g impair --listen 0.0.0.0:65402 --server 127.0.0.1:65401 --seed 7",
    ),
    "store copy": (
        "msgin5g store copy sqlite:server.db postgresql://msgin5g@db.example.org/msgin5g",
        "msgin5g store copy postgresql://msgin5g@db.example.org/msgin5g sqlite:server.db",
    ),
    "store restored": ("msgin5g store restored postgresql://msgin5g@db.example.org/msgin5g",),
    "store take-back": ("msgin5g store take-back server.db",),
    "image": ("msgin5g image rp2040", "msgin5g image esp32 --base ESP32_GENERIC.bin --layout 4MiB"),
    "emulate": ("msgin5g emulate rp2040", "msgin5g emulate rp2040 --repl 5901 --uart0 5902"),
    "provision": (
        f"msgin5g provision --ue {_UE} --peer coap://192.0.2.1",
        f"msgin5g provision --board esp32 --ue {_UE} --peer coap://192.0.2.1 --wifi ask",
        "msgin5g provision --show",
    ),
    "keys make": (
        "msgin5g keys make updates.key                  # and updates.key.pub, for devices",
        "msgin5g keys make updates.key --signatures 32768",
    ),
    "keys show": ("msgin5g keys show updates.key", "msgin5g keys show updates.key --public"),
    "keys take": ("msgin5g keys take updates.key --skip 0",),
    "update send": (
        f"msgin5g update send garden-1.4.bundle --ue {_UE}",
        "msgin5g update send garden-1.4.bundle --all --first 5 --then 10% --pause-on-failures 2",
    ),
    "update list": ("msgin5g update list --store server.db",),
    "update show": ("msgin5g update show 3 --state rolled-back",),
    "update pause": ("msgin5g update pause 3",),
    "update resume": ("msgin5g update resume 3",),
    "update stop": ("msgin5g update stop 3",),
    "update again": (f"msgin5g update again 3 --ue {_UE}",),
    "flash": ("msgin5g flash rp2040", "msgin5g flash esp32 --port /dev/ttyUSB0 --baudrate 115200"),
    "bundle": (
        "msgin5g bundle app.py --board rp2040 --version 1.4",
        "msgin5g bundle garden --firmware firmware/msgin5g/rules/steps.py --board esp32 --version 1.5 --confirm",
        "msgin5g bundle --config changes.json --version 2",
        "msgin5g bundle --show garden-1.5.bundle --public updates.key.pub",
    ),
    "repl": ("msgin5g repl", "msgin5g repl --port /dev/ttyACM0"),
    "board": ("msgin5g board mine", "msgin5g board mine --like rp2040"),
    "trace": (
        "msgin5g trace --from /dev/ttyACM0",
        "msgin5g trace --from demo.pcapng --svg demo.svg",
        "msgin5g trace --from demo.pcapng --lines --store gateway.db --payload",
    ),
    "doctor": ("msgin5g doctor", "msgin5g doctor --board rp2040 --port /dev/ttyACM0"),
    "bench": (
        "msgin5g bench instructions",
        "msgin5g bench --json",
        "msgin5g bench --against earlier/bench.json",
    ),
    "completion": ('eval "$(msgin5g completion bash)"      # in ~/.bashrc', "msgin5g completion fish"),
}


def of(command):
    """The examples of a command, "gateway device add"; of one that has none of its own the first of each below it."""
    found = _EXAMPLES.get(command)
    if found is None and command.startswith("server "):
        return [line.replace("msgin5g gateway", "msgin5g server", 1) for line in of(f"gateway{command[6:]}")]
    if found is None:
        return [lines[0] for below, lines in _EXAMPLES.items() if below.startswith(f"{command} ")]
    return found

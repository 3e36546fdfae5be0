#!/usr/bin/env python3
"""Compares the payload of each connection as gofollow and tshark reassemble it.

    tools/compare_tshark.py [CAPTURE...]      default: the captures of tests/data
    tools/compare_tshark.py --encapsulated    a conversation in every link type and tunnel, as the Go tests write it

Needs a Python in which gofollow is installed, and tshark on PATH. A connection with gaps is named and not compared, because
tshark writes a remark into its payload.
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import tempfile

import gofollow

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
COMPRESSED = {".gz", ".zst", ".xz", ".bz2", ".lz4"}
NO_CAPTURE = "isn't a capture file"

# tshark does not recognise pseudowires and has to be told.
PSEUDOWIRES = {"mpls-ethernet": "pwethnocw", "mpls-control": "pwethcw", "mpls-vlan": "pwethcw", "mpls-pppoe": "pwethcw"}

# What tshark 4.0 does not read; the names are those of gofollow/internal/encaptest.
NOT_READ_BY_TSHARK = {
    "802-11-decrypted": "it takes the protected bit at its word",
    "arista-48-bits-utc-r3": "it does not know that version",
    "capwap-802-11": "it has to be told that the frame control is not swapped",
    "cisco-metadata-two-options": "it reads one option only",
    "cooked-802-11": "it takes the protocol field for an EtherType",
    "cooked-prism": "it takes the protocol field for an EtherType",
    "cooked-radiotap": "it takes the protocol field for an EtherType",
    "cooked-2-radiotap": "it takes the protocol field for an EtherType",
    "dsa-": "it does not know the link type",
    "edsa-": "it does not know switch tags",
    "erspan-3-ip-": "it reads only Ethernet there",
    "fabricpath-": "it takes the last four bytes for a check sequence",
    "frame-relay-with-direction": "it does not know the link type",
    "gre-cisco-metadata": "it reads the header without its version there",
    "gre-vlan": "it does not read a VLAN there",
    "hdlc-of-cisco-with-direction": "it does not know the link type",
    "juniper-pppoe-over-atm": "it does not know the link type",
    "lisp-gpe-nsh": "it does not read NSH there",
    "l2tp-3": "it has to be told how long the cookie is",
    "mpls-the-link": "it does not know the link type",
    "nflog-big-endian": "it takes the byte order from its own host",
    "pktap-big-endian": "it reads little-endian ones only",
    "pppd": "it does not know the link type",
    "prism-big-endian": "it reads little-endian ones only",
    "tag-of-broadcom": "it does not know switch tags",
    "tags-of-all-types": "it does not know 0x9200",
    "vlan-0x8200": "it does not know 0x8200",
    "vlan-0x9300": "it does not know 0x9300",
    "vxlan-gpe-on-vxlan-s-port": "it reads Ethernet on that port",
    "vxlan-gpe-without-its-bit": "it reads Ethernet on that port",
    "vxlan-linux-port": "it has to be told the port",
}

Payloads = tuple[bytes, bytes]


def tshark(*arguments: str) -> str:
    return subprocess.run(["tshark", *arguments], check=True, capture_output=True, text=True).stdout


def follow_tshark(path: pathlib.Path) -> dict[str, Payloads]:
    """Return tshark's payloads (of the side that sent first, of the other) by 'address:port address:port'."""
    # A node is written address:port, with or without brackets around IPv6.
    found: dict[str, Payloads] = {}
    numbers = {line for line in tshark("-r", str(path), "-T", "fields", "-e", "tcp.stream").split() if line.isdigit()}
    for number in sorted(numbers, key=int):
        text = tshark("-r", str(path), "-q", "-z", f"follow,tcp,raw,{number}")
        nodes = re.findall(r"^Node [01]: (.*)$", text, re.MULTILINE)
        sides = (bytearray(), bytearray())
        for indent, digits in re.findall(r"^(\t?)((?:[0-9a-f]{2})+)$", text, re.MULTILINE):
            sides[1 if indent else 0].extend(bytes.fromhex(digits))
        names = [endpoint(*node.replace("[", "").replace("]", "").rsplit(":", 1)) for node in nodes]
        found[" ".join(names)] = (bytes(sides[0]), bytes(sides[1]))
    return found


def endpoint(address: object, port: object) -> str:
    return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"


def payloads_of_tshark(path: pathlib.Path) -> set[bytes]:
    """Return the payloads of the innermost TCP segments."""
    told = next((["-d", f"mpls.label==16,{how}"] for name, how in PSEUDOWIRES.items() if path.name.startswith(name)), [])
    try:
        digits = tshark("-r", str(path), *told, "-T", "fields", "-E", "occurrence=l", "-e", "tcp.payload").split()
    except subprocess.CalledProcessError:  # a link type that it does not know
        return set()
    return {bytes.fromhex(line) for line in digits}


def compare_encapsulated() -> int:
    equal, passed_over, different = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        test = ["go", "test", "./gofollow", "-count=1", "-run", "^TestEncapsulations$", "-encapsulated", folder]
        subprocess.run(test, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        for path in sorted(pathlib.Path(folder).iterdir()):
            if path.name.endswith("-ipv6.pcap") and path.with_name(path.name.replace("-ipv6", "-ipv4")).exists():
                continue  # so that it does not take twice as long
            reason = next((why for name, why in NOT_READ_BY_TSHARK.items() if path.name.startswith(name)), None)
            ours = {event.data for event in gofollow.events(path) if event.data}
            if reason:
                passed_over += 1
                print(f"{path.name}: not compared with tshark: {reason}")
            elif ours and payloads_of_tshark(path) == ours:
                equal += 1
            else:
                different += 1
                print(f"{path.name}: tshark says something else", file=sys.stderr)
    print(f"tshark: {equal} encapsulations equal, {passed_over} not compared, {different} different")
    return 1 if different or not equal else 0


def main(names: list[str]) -> int:
    if names == ["--encapsulated"]:
        return compare_encapsulated()
    ours_all = (p for p in DATA.iterdir() if ".pcap" in p.name and p.suffix != ".events")
    paths = [pathlib.Path(name) for name in names] or sorted(ours_all)
    equal, passed_over, different = 0, 0, 0
    for path in paths:
        try:
            theirs = follow_tshark(path)
        except subprocess.CalledProcessError as error:
            if path.suffix in COMPRESSED and NO_CAPTURE in error.stderr:
                passed_over += 1
                print(f"{path.name}: not compared, this tshark does not decompress it")
                continue
            raise
        for stream in gofollow.follow(path):
            client = endpoint(stream.client_addr, stream.client_port)
            server = endpoint(stream.server_addr, stream.server_port)
            ours = (stream.client_payload, stream.server_payload)
            name = f"{path.name} {client} {server}"
            said = theirs.get(f"{client} {server}")
            if said is None and f"{server} {client}" in theirs:
                said = theirs[f"{server} {client}"][::-1]
            if stream.client_gaps or stream.server_gaps:
                passed_over += 1
                print(f"{name}: bytes are missing, not compared")
            elif said == ours:
                equal += 1
            elif said is None and ours == (b"", b""):
                passed_over += 1
                print(f"{name}: no payload, and tshark names no stream")
            else:
                different += 1
                print(f"{name}: tshark says something else", file=sys.stderr)
    print(f"tshark: {equal} connections equal, {passed_over} not compared, {different} different")
    return 1 if different or not equal else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

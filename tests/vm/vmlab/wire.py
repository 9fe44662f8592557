#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Looks at the frames of a network device, and is the neighbour that this machine's kernel cannot be.

It answers who looks for one of the addresses in a VLAN, or by IPv6, and prints each datagram to the port: when it came, where
to, from where, its bytes.  Needs neither VLANs nor IPv6 in the kernel.

usage: wire.py DEVICE PORT ADDRESS...
"""
import ipaddress
import socket
import struct
import sys
import time

ALL, AUXDATA, SOL_PACKET = 3, 8, 263
TP_STATUS_VLAN_VALID = 1 << 4
ARP, IPV4, IPV6, VLAN = 0x0806, 0x0800, 0x86dd, 0x8100
UDP, ICMPV6 = 17, 58
SOLICITATION, ADVERTISEMENT = 135, 136
MAC = bytes.fromhex("525400bada55")


def checksum(data):
    """Of the Internet protocols (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(to, tag, kind, payload):
    """An Ethernet frame of ours."""
    return to + MAC + (struct.pack("!HH", VLAN, tag) if tag else b"") + struct.pack("!H", kind) + payload


def answer_arp(data, tag, ours):
    """Only in a VLAN: else the kernel answers."""
    source, asked = data[8:18], data[24:28]
    if not tag or data[6:8] != b"\0\1" or ipaddress.ip_address(asked) not in ours:
        return None
    return frame(data[8:14], tag, ARP, data[:6] + b"\0\2" + MAC + asked + source)


def answer_solicitation(data, sender, tag, ours):
    """RFC 4861: who looks for a neighbour is told our address."""
    asked = data[48:64]
    if data[40] != SOLICITATION or ipaddress.ip_address(asked) not in ours:
        return None
    source = data[8:24]
    body = struct.pack("!BBHI", ADVERTISEMENT, 0, 0, 0x60000000) + asked + b"\2\1" + MAC
    pseudo = asked + source + struct.pack("!II", len(body), ICMPV6)
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    return frame(sender, tag, IPV6,
                 struct.pack("!IHBB", 6 << 28, len(body), ICMPV6, 255) + asked + source + body)


def datagram(kind, data):
    """Source, target, port and bytes of a UDP datagram; None of anything else."""
    if kind == IPV4 and data[9] == UDP:
        source, target, rest = data[12:16], data[16:20], data[(data[0] & 15) * 4:]
    elif kind == IPV6 and data[6] == UDP:
        source, target, rest = data[8:24], data[24:40], data[40:]
    else:
        return None
    _, port, length, _ = struct.unpack("!HHHH", rest[:8])
    return ipaddress.ip_address(source), ipaddress.ip_address(target), port, rest[8:length]


def tag_of(ancillary):
    """The number of the VLAN, which the kernel takes out of the frame; 0: none."""
    for level, kind, data in ancillary:
        if level == SOL_PACKET and kind == AUXDATA:
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", data[:20])
            return tci & 0xfff if status & TP_STATUS_VLAN_VALID else 0
    return 0


def main():
    device, port, ours = sys.argv[1], int(sys.argv[2]), {ipaddress.ip_address(text) for text in sys.argv[3:]}
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL)) as wire:
        wire.setsockopt(SOL_PACKET, AUXDATA, 1)
        wire.bind((device, ALL))
        while True:
            data, ancillary, _, (_, _, outgoing, *_) = wire.recvmsg(65536, 256)
            tag, kind, payload = tag_of(ancillary), struct.unpack("!H", data[12:14])[0], data[14:]
            if kind == VLAN:
                tag, kind = struct.unpack("!HH", payload[:4])
                payload = payload[4:]
            if outgoing == socket.PACKET_OUTGOING:
                continue
            answer = None
            if kind == ARP:
                answer = answer_arp(payload, tag, ours)
            elif kind == IPV6 and payload[6] == ICMPV6:
                answer = answer_solicitation(payload, data[6:12], tag, ours)
            if answer:
                wire.send(answer)
            found = datagram(kind, payload)
            if found and found[2] == port:
                print(time.monotonic(), found[1], found[0], found[3].hex(), flush=True)


if __name__ == "__main__":
    main()

"""Programs of every family, as small as their loaders allow or nearly so."""

import marshal
import struct
from importlib.util import MAGIC_NUMBER

from .made_ole import MSI_CLASS, compound_file


def windows_program() -> bytes:
    stub = b"MZ" + bytes(58) + (0x80).to_bytes(4, "little") + b"\x0e\x1f\xba\x0e" + bytes(60)
    header = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x22)
    optional = struct.pack("<HBBIII", 0x20B, 14, 0, 512, 0, 0) + bytes(220)
    return stub + header + optional + b".text\0\0\0" + bytes(32) + b"\xc3" * 512


def dos_program() -> bytes:
    return (
        b"MZ"
        + struct.pack("<13H", 64, 1, 0, 4, 0, 0xFFFF, 0, 0xB8, 0, 0, 0, 0x40, 0)
        + b"\xcd\x20" * 40
    )


def linux_program() -> bytes:
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 200, 200, 4096)
    return ident + header + segment + b"\xb8\x3c\0\0\0\x31\xff\x0f\x05" + bytes(60)


def mac_program() -> bytes:
    return struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 2, 1, 24, 0x85, 0) + bytes(400)


def mac_program_big_endian() -> bytes:
    return struct.pack(">7I", 0xFEEDFACE, 18, 0, 2, 1, 24, 0x85) + bytes(400)


def universal_program(architectures: int = 2) -> bytes:
    thin = mac_program()
    table = b"".join(
        struct.pack(">5I", 0x01000007 + 5 * n, 3, 4096 * (n + 1), len(thin), 12)
        for n in range(architectures)
    )
    return struct.pack(">2I", 0xCAFEBABE, architectures) + table + bytes(4096) + thin


def java_class(major: int = 61) -> bytes:
    return struct.pack(">IHHH", 0xCAFEBABE, 0, major, 5) + b"\x07\0\x02\x01\0\x01A" + bytes(40)


def web_assembly() -> bytes:
    return b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0"


def shortcut() -> bytes:
    class_id = bytes.fromhex("0114020000000000c000000000000046")
    return struct.pack("<I", 76) + class_id + struct.pack("<II", 0x81, 0x20) + bytes(48)


def compiled_python() -> bytes:
    code = compile("print('hello')", "a.py", "exec")
    return MAGIC_NUMBER + struct.pack("<III", 0, 1_700_000_000, 14) + marshal.dumps(code)


def debian_package() -> bytes:
    member = b"debian-binary   1700000000  0     0     100644  4         `\n2.0\n"
    return b"!<arch>\n" + member


def rpm_package() -> bytes:
    return (
        b"\xed\xab\xee\xdb\x03\0\0\0\0\x01"
        + b"tool-1.0-1".ljust(66, b"\0")
        + b"\0\x01\0\x05"
        + bytes(16)
    )


def mac_disk_image() -> bytes:
    return b"x\x9c" + bytes(range(256)) * 8 + b"koly" + struct.pack(">II", 4, 512) + bytes(500)


def mac_installer() -> bytes:
    return b"xar!\0\x1c\0\x01" + bytes(20) + b"x\x9c" + bytes(100)


def windows_installer() -> bytes:
    tables = {"\u4840\u3f7f\u4164\u422f\u4836": b"\0" * 64, "\u4840\u3b3f\u43f2\u4438": b"\1" * 64}
    return compound_file({**tables, "\u4840\u4559\u44f2\u4568\u4737": b"\2" * 64}, MSI_CLASS)


def installer_of_no_class() -> bytes:
    tables = {"\u4840\u3f7f\u4164\u422f\u4836": b"\0" * 64, "\u4840\u3b3f\u43f2\u4438": b"\1" * 64}
    return compound_file({**tables, "\u4840\u4559\u44f2\u4568\u4737": b"\2" * 64})


def android_code() -> bytes:
    return b"dex\n035\0" + bytes(24) + struct.pack("<III", 112, 112, 0x12345678) + bytes(60)


def flash_program() -> bytes:
    return b"FWS\x0a" + struct.pack("<I", 200) + bytes(192)


def compiled_help() -> bytes:
    return b"ITSF\x03\0\0\0" + struct.pack("<I", 96) + bytes(200)


def browser_extension() -> bytes:
    return b"Cr24" + struct.pack("<II", 3, 16) + bytes(16) + b"PK\x03\x04"


def registry_entries() -> bytes:
    return b"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Software\\A]\r\n"


def registry_entries_utf16() -> bytes:
    return b"\xff\xfe" + registry_entries().decode().encode("utf-16-le")


def internet_shortcut() -> bytes:
    return b"[InternetShortcut]\r\nURL=file://server/share/a.exe\r\n"


def desktop_entry() -> bytes:
    return b"[Desktop Entry]\nType=Application\nName=Report\nExec=sh -c 'id'\n"


def scanner_test_file() -> bytes:
    # In two pieces, so that no virus scanner finds it in this source.
    return b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def shell_script() -> bytes:
    return b'#!/bin/sh\nrm -rf "$HOME"\n'


def python_script() -> bytes:
    return b"#!/usr/bin/env python3\nprint('hello')\n"

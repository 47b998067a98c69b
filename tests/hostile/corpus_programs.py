# ruff: noqa: E501 - one row a case reads better than five lines
"""Programs, under their own names and under those of documents."""

from collections.abc import Callable
from functools import partial

from . import made_media as m
from . import made_ole as o
from . import made_programs as p
from . import made_zips as z
from .case import PROGRAM, Case, of

FAMILIES: dict[str, Callable[[], bytes]] = {
    "pe": p.windows_program, "dos": p.dos_program, "elf": p.linux_program, "macho": p.universal_program,
    "class": p.java_class, "wasm": p.web_assembly, "lnk": p.shortcut, "pyc": p.compiled_python,
    "deb": p.debian_package, "rpm": p.rpm_package, "dmg": p.mac_disk_image, "pkg": p.mac_installer,
    "msi": p.windows_installer, "dex": p.android_code, "swf": p.flash_program, "chm": p.compiled_help,
    "crx": p.browser_extension, "registry": p.registry_entries, "launcher": p.internet_shortcut,
    "eicar": p.scanner_test_file, "jar": z.java_archive, "apk": z.android_package, "script": p.shell_script,
}  # fmt: skip

# Texts: what runs them is their name, and a note may quote one.
WRITTEN = ("registry", "launcher", "script")
# Every family under the names of documents.
RENAMED = [
    Case(f"{kind} report.{ending}", make, kind, PROGRAM)
    if ending != "txt" or kind not in WRITTEN
    else Case(f"{kind} report.txt", make, "text", None)
    for kind, make in FAMILIES.items()
    for ending in ("pdf", "docx", "txt", "jpg")
]
PROGRAMS = [
    Case("setup.exe", p.windows_program, "pe", PROGRAM),
    Case("no ending", p.linux_program, "elf", PROGRAM),
    Case("a.mp4", p.mac_program, "macho", PROGRAM),
    Case("b.mp4", p.mac_program_big_endian, "macho", PROGRAM),
    Case("universal of 30.png", partial(p.universal_program, 30), "macho", PROGRAM),
    Case("old class.png", partial(p.java_class, 45), "class", PROGRAM),
    Case("installer of no class.doc", p.installer_of_no_class, "msi", PROGRAM),
    Case("utf-16 registry.txt", p.registry_entries_utf16, "text", None),
    Case("desktop entry.txt", p.desktop_entry, "text", None),
    Case("desktop entry.png", p.desktop_entry, "launcher", PROGRAM),
    Case("tool.sh", p.shell_script, "script", PROGRAM),
    Case("bom script.txt", lambda: b"\xef\xbb\xbf" + p.shell_script(), "text", None),
    Case("script and pdf.pdf", lambda: b"#!/bin/sh\necho\nexit\n" + m.pdf(), "script", PROGRAM),
    Case("pe and pdf.pdf", lambda: m.pdf(before=p.windows_program()[:900]), "pe", PROGRAM),
    Case("self-extracting.docx", lambda: p.windows_program() + z.office("docx"), "pe", PROGRAM),
    Case("ios.docx", partial(z.zipped, {"Payload/A.app/Info.plist": b"x"}), "ipa", PROGRAM),
    Case("app.docx", partial(z.zipped, {"AppxManifest.xml": b"<Package/>"}), "appx", PROGRAM),
    Case("jar and docx.docx", lambda: z.office("docx", {"A.class": p.java_class()}), "jar", PROGRAM),
    Case("with program.docx", lambda: z.office("docx", {"word/embeddings/a.exe": b"MZ"}), "docx", PROGRAM),
    Case("with package.docx",
         lambda: z.office("docx", {"word/embeddings/oleObject1.bin": o.compound_file({"\x01Ole10Native": o.package("a.exe")})}),
         "docx", PROGRAM),
    Case("with package.doc", lambda: o.word(0x1200, {"ObjectPool/_1/\x01Ole10Native": o.package("b.scr")}), "doc", PROGRAM),
    Case("batch.bat", of(b"@echo off\r\ndel *.*\r\n"), "text", PROGRAM),
    Case("macro.vbs", of(b'MsgBox "hello"\r\n'), "text", PROGRAM),
    Case("power.ps1", of(b"Remove-Item *\r\n"), "text", PROGRAM),
    Case("invoice.pdf.exe", m.pdf, "pdf", PROGRAM),
    Case("archive.jar", z.java_archive, "jar", PROGRAM),
]  # fmt: skip

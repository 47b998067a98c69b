"""Hostile names: some are spelled out, most are every ending in every disguise."""

from typing import NamedTuple

from .case import DECEPTIVE, PROGRAM

ENDINGS = [
    "exe",
    "com",
    "scr",
    "pif",
    "bat",
    "cmd",
    "msi",
    "dll",
    "vbs",
    "vbe",
    "jse",
    "wsf",
    "hta",
    "ps1",
    "lnk",
    "url",
    "scf",
    "reg",
    "cpl",
    "jar",
    "apk",
    "sh",
    "command",
    "app",
    "pkg",
    "dmg",
    "deb",
    "rpm",
    "desktop",
    "msix",
    "chm",
    "xll",
]
# Every one of them must end as the same program.
DISGUISES = (
    "tool.{}",
    "TOOL.{upper}",
    "invoice.pdf.{}",
    "photo.jpg                                        .{}",
    "tool.{}.",
    "tool.{} ",
    "tool.{} . . ",
    "tool.{}\u3000",
    "tool.{}\u200b",
    "to\u202eol\u202c.{}",
    "invoice\u202efdp.{}",
    "tool.{}\n",
    "tool.\u200d{}",
    "tool.{wide}",
    "tool\uff0e{}",
    "notes.txt:tool.{}",
    "tool.{}::$DATA",
    "tool.{}:$DATA",
)

# Names that must be taken as they are: a refusal here would be a nuisance to honest people.
HONEST = (
    "report.pdf",
    "www.example.com.pdf",
    "setup.exe.txt",
    "install.sh.md",
    "Meeting 10:30.txt",
    "10:30 meeting: notes.md",
    "a.b:c.txt",
    "Q3: results v1.2: final.docx",
    "con.txt",
    "aux.c",
    "nul.pdf",
    "COM1.csv",
    "lpt9.log",
    "console.log",
    "connection.txt",
    ".hidden.txt",
    "..double.txt",
    "...pdf",
    "name with spaces.pdf",
    "季度报告 第三季度.docx",
    "团队 🎉.md",
    "مستند.pdf",
    "שלום.txt",
    "Cafe\u0301.txt",
    "Café.txt",
    "x" * 250 + ".pdf",
    "文" * 80 + ".pdf",
    "a'b\"c.txt",
    "a;rm -rf ~.txt",
    "$(id).txt",
    "`id`.txt",
    "%41%00.txt",
    "-rf.txt",
    "--help.md",
    "<script>alert(1)</script>.txt",
    "a\tb.txt",
    "a\x1b[31mb.txt",
    "a\x07.txt",
    "a\nb.txt",
    "a\udcff\udcfe.txt",
    "..\\..\\windows\\a.txt",
    "C:notes.txt",
    "\\\\server\\share.txt",
    "a|b>c.txt",
    "a?b*c.txt",
    "txt",
    "exe",
    ".exe",
    "exe.",
    "bat.pdf",
    "app.json",
    "package.json",
    "command.md",
    "a.executable",
    "a.exe1",
    "a.js",
    "a.ts",
    "Makefile",
    "LICENSE",
    "a.PDF",
    "a..pdf",
    "a.pdf.",
    "a.pdf ",
)
DECEIVING = (
    "report\u202etxt.pdf",
    "report\u202dtxt.pdf",
    "\u202eslx.pdf",
    "a\u2066b\u2069.pdf",
    "a\u2067b.pdf",
    "a\u2068b.txt",
    "a\u202ab.txt",
    "a\u202bb.txt",
    "notes.txt:hidden",
    "notes.txt:Zone.Identifier",
    "report.pdf::$DATA",
    "report.pdf:a:$DATA",
    "no ending::$DATA",
    "a.docx:b.txt",
)


class NameCase(NamedTuple):
    name: str
    code: str | None


def _wide(ending: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) for c in ending)


NAMES = [
    *(
        NameCase(how.format(ending, upper=ending.upper(), wide=_wide(ending)), PROGRAM)
        for ending in ENDINGS
        for how in DISGUISES
    ),
    *(NameCase(name, None) for name in HONEST),
    *(NameCase(name, DECEPTIVE) for name in DECEIVING),
]

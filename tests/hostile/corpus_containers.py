# ruff: noqa: E501 - one row a case reads better than five lines
"""Zip and OLE containers: documents, bombs, ruins."""

from functools import partial

from . import made_ole as o
from . import made_zips as z
from .case import ARCHIVE, BOMB, DAMAGED, LOCKED, MACROS, MISMATCH, Case, of, sample

ZIPS = [
    Case("flat bomb.docx", z.flat_bomb, "zip", BOMB),
    Case("declared bomb.docx", z.declared_bomb, "zip", BOMB),
    Case("overlapping bomb.docx", z.overlapping_bomb, "zip", BOMB),
    Case("lying bomb.docx", z.lying_bomb, "docx", BOMB),
    Case("lying packed bomb.docx", z.lying_packed_bomb, "zip", BOMB),
    Case("nested bomb.docx", z.nested_bomb, "docx", BOMB),
    Case("nested sum bomb.docx", z.nested_sum_bomb, "docx", BOMB),
    Case("100,000 entries.docx", partial(z.many_entries, 100_000), "zip", BOMB),
    Case("70,000 entries.docx", partial(z.many_entries, 70_000), "zip", BOMB),
    Case("10,001 entries.docx", partial(z.many_entries, 10_001), "zip", BOMB),
    Case("nested bomb.zip", lambda: z.zipped({"a.zip": z.nested_bomb()}), "zip", ARCHIVE),
    Case("truncated.docx", lambda: sample("季度报告 第三季度.docx")[:20_000], "zip", DAMAGED),
    Case("first part only.docx", lambda: z.office("docx")[:300], "zip", DAMAGED),
    Case("four bytes.docx", of(b"PK\x03\x04"), "zip", DAMAGED),
    Case("cut zip.zip", lambda: z.office("docx")[:300], "zip", ARCHIVE),
    Case("wrong offset.docx", lambda: z.office("docx")[:-6] + b"\xff\xff\0\0\0\0", "zip", DAMAGED),
    Case("wrong count.docx", lambda: z.office("docx")[:-12] + b"\x09\0" + z.office("docx")[-10:], "zip", DAMAGED),
    Case("bad sums.docx", lambda: z.docx_with(("a.xml", z.deflated(b"a"), 1, 99)), "docx", DAMAGED),
    Case("bad stream.docx", lambda: z.docx_with(("a.xml", b"\xff" * 90, 100, 9)), "docx", DAMAGED),
    Case("plain.docx", partial(z.zipped, {"a.txt": b"hello"}), "zip", ARCHIVE),
    Case("empty zip.docx", partial(z.zipped, {}), "zip", ARCHIVE),
    Case("types only.docx", partial(z.zipped, {"[Content_Types].xml": b"<Types/>"}), "zip", ARCHIVE),
    Case("with junk before.docx", lambda: z.zipped({"a": b"b"}) + z.office("docx"), "docx", MISMATCH),
    Case("says it twice.docx", lambda: z.handmade([z.honest(n, c) for k in ("docx", "xlsx") for n, c in z.office_parts(k).items()]), "docx", MISMATCH),
    Case("xlsm.xlsx", lambda: z.office("xlsm", {"xl/vbaProject.bin": b"\xd0"}), "xlsm", MISMATCH),
    Case("macros.xlsm", lambda: z.office("xlsm", {"xl/vbaProject.bin": b"\xd0"}), "xlsm", MACROS),
    Case("hidden macros.docx", lambda: z.office("docx", {"word/vbaProject.bin": b"\xd0"}), "docm", MISMATCH),
    Case("renamed macros.docx", lambda: z.office("docx", {"customXml/VBAPROJECT.BIN": b"\xd0"}), "docm", MISMATCH),
    Case("macro sheet.xlsx", lambda: z.office("xlsx", {"xl/macrosheets/sheet1.xml": b"<a/>"}), "xlsx", MACROS),
    Case("pptm.pptx", lambda: z.office("pptm"), "pptm", MISMATCH),
    Case("binary.xlsx", lambda: z.office("xlsb"), "xlsb", MISMATCH),
    Case("template.docx", lambda: z.office("dotx"), "dotx", MISMATCH),
    Case("xlsx.docx", lambda: z.office("xlsx"), "xlsx", MISMATCH),
    Case("docx.pdf", lambda: z.office("docx"), "docx", MISMATCH),
    Case("password.odt", lambda: z.open_document("text", {"META-INF/manifest.xml": b"<manifest:encryption-data/>"}), "odt", LOCKED),
    Case("macros.ods", lambda: z.open_document("spreadsheet", {"Basic/Standard/Module1.xml": b"<a/>"}), "ods", MACROS),
    Case("protected.epub", lambda: z.book({"META-INF/encryption.xml": b"<enc:EncryptedKey/>"}), "epub", LOCKED),
    Case("hidden fonts.epub", lambda: z.book({"META-INF/encryption.xml": b"<EncryptedData/>"}), "epub", None),
    *(Case(f"true.{kind}", partial(z.office, kind), kind, None) for kind in ("docx", "xlsx", "pptx")),
    Case("with a sheet inside.docx", lambda: z.office("docx", {"word/embeddings/a.xlsx": z.office("xlsx")}), "docx", None),
    Case("true.odt", partial(z.open_document, "text"), "odt", None),
    Case("true.ods", partial(z.open_document, "spreadsheet"), "ods", None),
    Case("true.odp", partial(z.open_document, "presentation"), "odp", None),
    Case("true.epub", z.book, "epub", None),
]  # fmt: skip


def _corrupted(content: bytes, place: int, value: bytes) -> bytes:
    return content[:place] + value + content[place + len(value) :]


OLE = [
    Case("true.doc", o.word, "doc", None),
    Case("true.xls", o.workbook, "xls", None),
    Case("true.ppt", o.slides, "ppt", None),
    Case("password.doc", partial(o.word, 0x1300), "doc", LOCKED),
    Case("password.xls", partial(o.workbook, password=True), "xls", LOCKED),
    Case("password.ppt", partial(o.slides, password=True), "ppt", LOCKED),
    Case("macros.doc", lambda: o.word(0x1200, {"Macros/VBA/dir": b"\1" * 99}), "doc", MACROS),
    Case("macros.ppt", partial(o.slides, macros=True), "ppt", MACROS),
    Case("macro sheet.xls", partial(o.workbook, macro_sheet=True), "xls", MACROS),
    Case("encrypted.docx", o.encrypted_office, "ooxml-encrypted", LOCKED),
    Case("encrypted.xlsx", o.encrypted_office, "ooxml-encrypted", LOCKED),
    Case("encrypted.pdf", o.encrypted_office, "ooxml-encrypted", MISMATCH),
    Case("doc.docx", o.word, "doc", MISMATCH),
    Case("xls.doc", o.workbook, "xls", MISMATCH),
    Case("nothing known.doc", lambda: o.compound_file({"Contents": b"hello"}), "ole", MISMATCH),
    Case("deep.doc", lambda: o.compound_file({"/".join("abcdefghij" * 40) + "/WordDocument": b"x"}), "ole", MISMATCH),
    Case("wide.doc", lambda: o.compound_file({"WordDocument": b"\xec\xa5".ljust(99, b"\0"), **{f"s{n}": b"" for n in range(9000)}}), "ole", DAMAGED),
    Case("header only.doc", lambda: o.word()[:512], "ole", DAMAGED),
    Case("eight bytes.doc", lambda: o.word()[:8], "ole", DAMAGED),
    Case("cut.doc", lambda: o.word()[:3000], "ole", DAMAGED),
    Case("without text.doc", lambda: o.compound_file({"WordDocument": bytes(5000)}), "doc", DAMAGED),
    Case("without sheets.xls", lambda: o.compound_file({"Workbook/a": bytes(50)}), "xls", DAMAGED),
    Case("wrong sector size.doc", lambda: _corrupted(o.word(), 30, b"\x1f\0"), "ole", DAMAGED),
    Case("directory in a circle.doc", lambda: _corrupted(o.word(), 512 + 16 * 512 + 128 + 68, b"\1\0\0\0\1\0\0\0"), "ole", DAMAGED),
    Case("no table.doc", lambda: _corrupted(o.word(), 44, b"\0\0\0\0"), "ole", DAMAGED),
    Case("huge table.doc", lambda: _corrupted(o.word(), 44, b"\xff\xff\xff\x7f"), "ole", DAMAGED),
]  # fmt: skip

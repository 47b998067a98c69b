# ruff: noqa: E501 - one row a case reads better than five lines
"""Texts, what only looks like text, and names that lie."""

import struct
from functools import partial

from . import made_media as m
from . import made_ole as o
from . import made_programs as p
from .case import DECEPTIVE, EMPTY, MISMATCH, NO_KIND, Case, noise, of

_GBK = "第三季度报告：中国市场增长最快，上海和深圳的销售额最高。请在周五之前提交。\r\n".encode(
    "gbk"
)
_WIDE = "Notes of the meeting\r\nEverybody was there.\r\n"
_KOREAN = "제3분기 보고서: 한국 시장이 가장 빠르게 성장했습니다. 금요일까지 제출하십시오.\n"
_CHINESE = "第三季度报告：中国市场增长最快，上海和深圳的销售额最高。\n一　北京\n"
_JAPANESE = "第三四半期の報告書：日本市場は最も速く成長しました。\n"
_SHIFTED = b"\x1b$)A\x0e" + bytes(c & 0x7F for c in "第三季度报告".encode("gb2312")) + b"\x0f\n"
_EUC_TW = b"\xc4\xe3\xd7\xa5\x8e\xa2\xd1\xe4\xc8\xf2, 1\n"
FAR_EAST = [
    *(Case(f"{name} {encoding}.txt", of((text * 5).encode(encoding)), "text", None)
      for name, text, encodings in (
          ("korean", _KOREAN, "johab cp949 euc_kr iso2022_kr utf-16-le utf-16-be utf-32-le utf-32-be utf-32"),
          ("chinese", _CHINESE, "hz gb18030 utf-16-le utf-16-be utf-32-le utf-32-be"),
          ("japanese", _JAPANESE, "iso2022_jp shift_jis euc_jp utf-16-le utf-16-be utf-32-be"),
          ("without line ends", _CHINESE.replace("\n", ""), "utf-16-le utf-16-be"))
      for encoding in encodings.split()),
    Case("iso2022-cn.txt", of(_SHIFTED * 9), "text", None),
    Case("euc-tw.txt", of(_EUC_TW * 9), "text", None),
    Case("finance.log", of(b"8=FIX.4.2\x019=178\x0135=8\x0149=PHLX\x0156=PERS\x01\n" * 9), "text", None),
    Case("export.csv", of("北京\x01上海\x01深圳\n".encode() * 50), "text", None),
    Case("export gbk.csv", of("北京上海\x01上海很大\x01深圳很好\n".encode("gbk") * 50), "text", None),
    Case("records.txt", of(b"a name\x1fa place\x1e" * 50), "text", None),
    Case("names.txt", of(b"./a/b/c.txt\0./d/e.txt\0" * 90), "text", None),
    Case("after a crash.log", of(b"line one\nline two\n" * 90 + bytes(300)), "text", None),
    Case("numbers of four bytes.txt", of(struct.pack("<500I", *range(0, 500_000, 1000))), "unknown", MISMATCH),
    Case("sound.txt", of(struct.pack("<900H", *(n * n % 6000 for n in range(900)))), "unknown", MISMATCH),
]  # fmt: skip


TEXTS = [
    *FAR_EAST,
    Case("utf-16.txt", of(_WIDE.encode("utf-16")), "text", None),
    Case("utf-16 be.txt", of(b"\xfe\xff" + _WIDE.encode("utf-16-be")), "text", None),
    Case("utf-16 without mark.txt", of(_WIDE.encode("utf-16-le")), "text", None),
    Case("utf-16 be without mark.txt", of(_WIDE.encode("utf-16-be")), "text", None),
    Case("utf-32.txt", of(_WIDE.encode("utf-32")), "text", None),
    Case("utf-8 mark.csv", of(b"\xef\xbb\xbfa,b\r\n1,2\r\n"), "text", None),
    Case("gbk.txt", of(_GBK * 3), "text", None),
    Case("gbk one line.txt", of(_GBK.strip() * 400), "text", None),
    Case("big5.txt", of("第三季報告：台灣市場成長最快。\n請在週五之前提交。\n".encode("big5") * 3), "text", None),
    Case("shift-jis.txt", of("第三四半期の報告書：日本市場は最も速く成長しました。\n".encode("shift_jis") * 3), "text", None),
    Case("latin.txt", of("Größe, Straße, café, naïve: über alles.\n".encode("cp1252") * 4), "text", None),
    Case("huge line.txt", of(b"x" * 3_000_000), "text", None),
    Case("huge line.json", of(b"[" + b"1," * 500_000 + b"1]"), "text", None),
    Case("deep.json", of(b"[" * 200_000), "text", None),
    Case("colours.log", of(b"\x1b[31mred\x1b[0m\n" * 99), "text", None),
    Case("one byte.txt", of(b"a"), "text", None),
    Case("MZ company.txt", of(b"MZ Company\nYearly report, which is long enough to be a header.\n"), "text", None),
    Case("BZh.txt", of(b"BZh is no archive.\n"), "text", None),
    Case("zeros.txt", of(bytes(5000)), "unknown", MISMATCH),
    Case("zeros.pdf", of(bytes(5000)), "unknown", MISMATCH),
    Case("zeros", of(bytes(5000)), "unknown", NO_KIND),
    Case("noise.txt", partial(noise, 5000), "unknown", MISMATCH),
    Case("noise.docx", partial(noise, 5000), "unknown", MISMATCH),
    Case("noise.xyz", partial(noise, 5000), "unknown", NO_KIND),
    Case("one zero.txt", of(b"text\0text\n" * 9), "text", None),
    Case("zeros behind.log", of(b"line\n" * 90_000 + bytes(500_000)), "unknown", MISMATCH),
    Case("zeros within.log", of(b"line\n" * 9000 + bytes(200_000) + b"line\n" * 9000), "unknown", MISMATCH),
    Case("numbers.txt", of(struct.pack("<500H", *range(500))), "unknown", MISMATCH),
    Case("mark and noise.txt", lambda: b"\xff\xfe" + noise(999), "unknown", MISMATCH),
    Case("controls.txt", of(bytes(range(1, 32)) * 40), "unknown", MISMATCH),
    Case("page.txt", of(b"<!DOCTYPE html><html><body>hello</body></html>"), "html", MISMATCH),
    Case("page.csv", of(b"\n <html><table></table></html>"), "html", MISMATCH),
    Case("page.xls", of(b"<html><table><tr><td>1</td></tr></table></html>"), "html", MISMATCH),
    Case("page.pdf", of(b"<!-- a -->\n<script>location='x'</script>"), "html", MISMATCH),
    Case("page.html", of(b"<!DOCTYPE html><html></html>"), "html", None),
    Case("template.php", of(b"<html><?php echo 1 ?></html>"), "html", None),
    Case("text.pdf", of(b"Only text.\n"), "text", MISMATCH),
    Case("text.docx", of(b"Only text.\n"), "text", MISMATCH),
    Case("text.jpg", of(b"Only text.\n"), "text", MISMATCH),
    Case("text.mp4", of(b"Only text.\n"), "text", MISMATCH),
    Case("spreadsheet.xls", of(b"<?xml version='1.0'?><Workbook/>"), "text", MISMATCH),
    Case("rich.doc", of(b"{\\rtf1\\ansi hello}"), "rtf", MISMATCH),
    Case("rich.txt", of(b"{\\rtf1\\ansi hello}"), "rtf", MISMATCH),
    Case("rich.rtf", of(b"{\\rtf1\\ansi hello}"), "rtf", None),
    Case("postscript.txt", of(b"%!PS-Adobe-3.0\n(r) file\n"), "postscript", MISMATCH),
    Case("script.csv", p.python_script, "text", None),
    Case("script.md", p.python_script, "text", None),
    Case("script.py", p.python_script, "script", None),
    Case("script.js", of(b"#!/usr/bin/env node\nconsole.log(1)\n"), "script", None),
    Case("code.ts", of(b"export const a: number = 1;\n"), "text", None),
    Case("hash.md", of(b"# A title\n\n#!not a script\n"), "text", None),
    Case("bang.md", of(b"#! a title that only looks like one\n"), "text", None),
    Case("graph.dot", of(b"digraph { a -> b }\n"), "text", None),
    Case("template.dot", o.word, "doc", None),
    Case("batch requests.jsonl", of(b'{"custom_id": "1"}\n' * 99), "text", None),
    Case("empty.txt", of(b""), "empty", EMPTY),
    Case("report\u202etxt.pdf", m.pdf, "pdf", DECEPTIVE),
    Case("notes.txt:hidden", of(b"Only text.\n"), "text", DECEPTIVE),
    Case("con.txt", of(b"Only text.\n"), "text", None),
    Case("unknown ending.xyz", m.pdf, "pdf", None),
]  # fmt: skip

"""libmagic as the oracle: it agrees about every kind, or the reason is written here."""

import shutil
import subprocess
from pathlib import Path

import pytest

from .corpus import CASES

_OFFICE = "application/vnd.openxmlformats-officedocument."
_WORD = _OFFICE + "wordprocessingml.document"
_SHEET = _OFFICE + "spreadsheetml.sheet"
_SLIDES = _OFFICE + "presentationml.presentation"
_OPEN = "application/vnd.oasis.opendocument."
_OLE = "application/x-ole-storage"
_DATA = "application/octet-stream"

# What libmagic calls a kind; several names where its versions differ.
SAME = {
    "pe": "application/vnd.microsoft.portable-executable application/x-dosexec",
    "dos": "application/x-dosexec",
    "elf": "application/x-executable application/x-pie-executable application/x-sharedlib",
    "macho": "application/x-mach-binary",
    "class": "application/x-java-applet",
    "wasm": "application/wasm",
    "lnk": "application/x-ms-shortcut",
    "pyc": "application/x-bytecode.python text/x-bytecode.python",
    "deb": "application/vnd.debian.binary-package",
    "rpm": "application/x-rpm",
    "pkg": "application/x-xar",
    "chm": "application/vnd.ms-htmlhelp",
    "crx": "application/x-chrome-extension",
    "registry": "text/x-ms-regedit",
    "launcher": "application/x-mswinurl",
    "jar": "application/java-archive",
    "apk": "application/vnd.android.package-archive",
    "ipa": "application/x-ios-app",
    "script": "text/x-shellscript text/x-script.python application/javascript",
    "docx": _WORD,
    "xlsx": _SHEET,
    "pptx": _SLIDES,
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "msg": "application/vnd.ms-outlook",
    "ole": _OLE,
    "ooxml-encrypted": "application/encrypted",
    "pdf": "application/pdf",
    "zip": "application/zip",
    "odt": _OPEN + "text",
    "ods": _OPEN + "spreadsheet",
    "odp": _OPEN + "presentation",
    "odg": "application/vnd.oasis.opendocument.graphics",
    "epub": "application/epub+zip",
    "mobi": "application/x-mobipocket-ebook",
    "postscript": "application/postscript",
    "rtf": "text/rtf",
    "html": "text/html",
    "text": "text/plain text/csv text/xml text/x-msdos-batch application/javascript"
    " application/json application/x-ndjson",
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
    "ico": "image/vnd.microsoft.icon",
    "svg": "image/svg+xml",
    "svgz": "application/gzip",
    "heic": "image/heic image/heif",
    "avif": "image/avif image/heif",
    "wav": "audio/x-wav audio/vnd.wave",
    "mp3": "audio/mpeg",
    "aac": "audio/x-hx-aac-adts",
    "flac": "audio/flac audio/x-flac",
    "ogg": "audio/ogg",
    "m4a": "audio/x-m4a",
    "amr": "audio/amr",
    "aiff": "audio/x-aiff",
    "midi": "audio/midi",
    "avi": "video/x-msvideo",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "mpeg": "video/mpeg",
    "mpegts": "video/MP2T",
    "wmv": "video/x-ms-asf",
    "flv": "video/x-flv",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "3gp": "video/3gpp",
    "gzip": "application/gzip",
    "tar": "application/x-tar",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "7z": "application/x-7z-compressed",
    "rar": "application/x-rar",
    "zstd": "application/zstd",
    "ar": "application/x-archive",
    "iso": "application/x-iso9660-image",
    "cpio": "application/x-cpio",
    "lz4": "application/x-lz4",
    "lzh": "application/x-lzh-compressed",
    "unknown": _DATA,
    "empty": "inode/x-empty",
}

# Where we say something else for a whole kind: what libmagic says, and why we do not.
OTHER_KINDS = {
    "dmg": ("application/zlib", "its mark is at the end, where libmagic does not look"),
    "msi": (_OLE, "told by the class of its root; libmagic knows only some"),
    "dex": (_DATA, "our sample has no true checksums; a program all the same"),
    "swf": (_DATA, "our sample has no true frame; a program all the same"),
    "eicar": ("text/plain", "it is text, and every virus scanner refuses it"),
    "jar": (f"application/zip {_WORD}", "libmagic asks for the manifest as first entry"),
    "xpi": ("application/zip", "libmagic takes any zip with these two files for a zip"),
    "iwork": ("application/zip", "libmagic asks for another first entry"),
    "vsd": (_OLE, "libmagic asks for a class in the root"),
    "appx": ("application/zip", "app packages are unknown to libmagic"),
    "docm": (_WORD, "libmagic does not look for macros"),
    "xlsm": (_SHEET, "libmagic does not look for macros"),
    "pptm": (_SLIDES, "libmagic does not look for macros"),
    "xlsb": (_SHEET, "libmagic goes by the folder xl/"),
    "dotx": (_WORD, "libmagic goes by the folder word/"),
    "ppt": (_OLE, "libmagic asks for a class in the root that PowerPoint does not need"),
    "zip": (f"{_WORD} {_DATA}", "bombs and ruins: we stop before we believe them"),
    "ole": (f"application/msword {_DATA}", "ruins: a name in a broken directory is no document"),
    "cab": ("text/plain application/vnd.ms-cab-compressed", "our sample is only a header"),
    "squashfs": ("text/plain application/octet-stream", "libmagic has no type for disc images"),
}  # fmt: skip

# Single files.
OTHER_CASES = {
    "self-extracting.docx": "a program with a zip behind it is a program",
    "universal of 30.png": "libmagic takes up to 20 architectures for Mach-O, we take 32",
    "desktop entry.png": "libmagic 5.44 calls launchers of Linux desktops text",
    "registry report.txt": "entries in a note are a note",
    "utf-16 registry.txt": "entries in a note are a note",
    "launcher report.txt": "a link in a note is a note",
    "script report.txt": "a script in a note is a note",
    "bom script.txt": "a script in a note is a note",
    "script.csv": "nothing runs it under this name",
    "script.md": "nothing runs it under this name",
    "chrome.log": "libmagic goes by four letters",
    "cpio.log": "libmagic goes by six letters",
    "picture.txt": "libmagic goes by six letters",
    "export le.csv": "libmagic asks for a byte order mark",
    "export be.csv": "libmagic asks for a byte order mark",
    "with junk before.docx": "libmagic sees the first archive, Office the last",
    "utf-16 without mark.txt": "libmagic asks for a byte order mark",
    "utf-16 be without mark.txt": "libmagic asks for a byte order mark",
    "one byte.txt": "libmagic wants more than one byte",
    "BZh.txt": "libmagic goes by three letters",
    "junk of 1,000 bytes.pdf": "libmagic looks at fewer bytes than PDF readers do",
    "without sheets.xls": "the name of the sheets is there, the sheets are not",
    "rare brand.mp4": "libmagic ignores compatible brands",
    "almost.mp3": "libmagic goes by two bytes",
    "words.mp3": "libmagic goes by two bytes",
    "korean utf-16-le.txt": "libmagic asks for a byte order mark",
    "korean utf-16-be.txt": "libmagic asks for a byte order mark",
    "korean utf-32-le.txt": "libmagic asks for a byte order mark",
    "korean utf-32-be.txt": "libmagic asks for a byte order mark",
    "chinese utf-16-le.txt": "libmagic asks for a byte order mark",
    "chinese utf-16-be.txt": "libmagic asks for a byte order mark",
    "chinese utf-32-le.txt": "libmagic asks for a byte order mark",
    "chinese utf-32-be.txt": "libmagic asks for a byte order mark",
    "japanese utf-16-le.txt": "libmagic asks for a byte order mark",
    "japanese utf-16-be.txt": "libmagic asks for a byte order mark",
    "japanese utf-32-be.txt": "libmagic asks for a byte order mark",
    "without line ends utf-16-le.txt": "libmagic asks for a byte order mark",
    "without line ends utf-16-be.txt": "libmagic asks for a byte order mark",
    "korean iso2022_kr.txt": "libmagic takes the signs that switch alphabets for data",
    "iso2022-cn.txt": "libmagic takes the signs that switch alphabets for data",
    "finance.log": "libmagic takes no control character in a text",
    "export.csv": "libmagic takes no control character in a text",
    "export gbk.csv": "libmagic takes no control character in a text",
    "records.txt": "libmagic takes no control character in a text",
    "names.txt": "libmagic takes no control character in a text",
    "one zero.txt": "libmagic takes no control character in a text",
    "locked without mimetype.epub": "libmagic asks for the mimetype as first entry",
    "pages.ogg": "libmagic asks for a codec it knows",
    "cut.ogg": "libmagic asks for a codec it knows",
    "random rest.ogg": "libmagic asks for a codec it knows",
    "zeros behind.log": "libmagic reads the beginning only",
    "large fields and junk.docx": "libmagic sees the first archive, Office the last",
    "no local part.docx": "libmagic follows the local parts, which are not there",
    "no mimetype.epub": "libmagic asks for the mimetype as first entry",
    "absurd brand.mp4": "libmagic does not ask whether the first box can hold its brand",
    "cut tag.mp3": "libmagic asks for a tag that ends",
    "one frame.aac": "libmagic is content with one frame",
    "reserved rate.mp3": "libmagic calls text what has zeros behind four bytes",
    "almost magic.txt": "libmagic takes no control character in a text, we two",
    "begins with an odd byte.txt": "libmagic calls Windows' own letters data",
    "almost.ico": "libmagic guesses at a resource fork",
    "endless rules.svg": "libmagic goes by the document type, we by the first tag",
    "endless type.svg": "libmagic goes by the document type, we by the first tag",
    "many comments.txt": "libmagic searches for a tag anywhere at the beginning",
    "numbers.txt": "libmagic sees a picture in any row of small numbers",
}


def _answers(folder: Path) -> list[str]:
    program = shutil.which("file")
    if program is None:
        pytest.fail("file not found: install the system package `file`", pytrace=False)
    for number, case in enumerate(CASES):
        (folder / f"{number:04}").write_bytes(case.make())
    paths = [str(path) for path in sorted(folder.iterdir())]
    done = subprocess.run(
        [program, "--brief", "--mime-type", *paths], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_libmagic_agrees_or_the_reason_is_known(tmp_path: Path) -> None:
    unexplained = []
    for case, answer in zip(CASES, _answers(tmp_path), strict=True):
        same = SAME.get(case.kind, "").split()
        other = OTHER_KINDS.get(case.kind, ("", ""))[0].split()
        if answer not in same and answer not in other and case.name not in OTHER_CASES:
            unexplained.append(f"{case.id}: {answer}")
    assert not unexplained, "\n".join(unexplained)


def test_the_reasons_are_about_what_is_there() -> None:
    assert set(OTHER_CASES) <= {case.name for case in CASES}
    assert set(OTHER_KINDS) | set(SAME) >= {case.kind for case in CASES}

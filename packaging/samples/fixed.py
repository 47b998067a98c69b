"""Archives that do not depend on the moment they were made."""

import io
import re
import zipfile

EPOCH = (2026, 10, 2, 9, 30, 0)
MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")


def zip_of(parts: dict[str, bytes]) -> bytes:
    """A zip with these parts in this order, all of the same age."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def fixed_zip(made: bytes) -> bytes:
    """The same office document without the time of its making."""
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    # openpyxl writes the present moment whatever its properties say.
    core = "docProps/core.xml"
    parts[core] = MODIFIED.sub(rb"\g<1>2026-10-02T09:30:00Z\g<2>", parts[core])
    return zip_of(parts)

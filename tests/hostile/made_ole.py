"""A writer of OLE compound files: enough to be read by others, and to be written wrongly."""

import struct

MSI_CLASS = struct.pack("<IHH", 0x000C1084, 0, 0) + bytes.fromhex("c000000000000046")
_FREE, _END, _TABLE, _NOBODY = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
_SECTOR, _MINI, _CUTOFF = 512, 64, 4096


def compound_file(streams: dict[str, bytes], class_id: bytes = bytes(16)) -> bytes:
    """Streams by path ("Macros/VBA/dir"); the short ones go to the mini stream."""
    tree = _tree(streams)
    sectors: list[bytes] = []
    table: list[int] = []

    def store(content: bytes) -> int:
        if not content:
            return _END
        first, count = len(sectors), -(-len(content) // _SECTOR)
        for n in range(count):
            sectors.append(content[n * _SECTOR : (n + 1) * _SECTOR].ljust(_SECTOR, b"\0"))
            table.append(first + n + 1 if n + 1 < count else _END)
        return first

    mini, mini_table = b"", list[int]()
    places: dict[str, tuple[int, int]] = {}
    for path, content in streams.items():
        if len(content) >= _CUTOFF:
            places[path] = (store(content), len(content))
            continue
        count = -(-len(content) // _MINI)
        first = len(mini_table)
        mini += content.ljust(count * _MINI, b"\0")
        mini_table += [first + n + 1 for n in range(count - 1)] + ([_END] if count else [])
        places[path] = (first if count else _END, len(content))
    mini_start = store(mini)
    mini_table += [_FREE] * (-len(mini_table) % 128)
    mini_table_start = store(struct.pack(f"<{len(mini_table)}I", *mini_table))
    directory = _directory(tree, places, (mini_start, len(mini)), class_id)
    directory_start = store(directory)
    return _with_header(sectors, table, directory_start, mini_table_start)


def _tree(streams: dict[str, bytes]) -> list[tuple[str, bool]]:
    """All storages and streams in an order in which children follow their parents."""
    found: dict[str, bool] = {}
    for path in streams:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            found.setdefault("/".join(parts[:depth]), False)
        found[path] = True
    return list(found.items())


def _directory(
    tree: list[tuple[str, bool]],
    places: dict[str, tuple[int, int]],
    mini: tuple[int, int],
    class_id: bytes,
) -> bytes:
    numbers = {path: n for n, (path, _) in enumerate(tree, 1)}
    children: dict[str, list[str]] = {}
    for path, _ in tree:
        children.setdefault(path.rpartition("/")[0], []).append(path)

    def first_child(path: str) -> int:
        return numbers[children[path][0]] if path in children else _NOBODY

    def right(path: str) -> int:
        siblings = children[path.rpartition("/")[0]]
        place = siblings.index(path) + 1
        return numbers[siblings[place]] if place < len(siblings) else _NOBODY

    rows = [_row("Root Entry", 5, _NOBODY, first_child(""), class_id, *mini)]
    for path, is_stream in tree:
        start, size = places[path] if is_stream else (0, 0)
        kind = 2 if is_stream else 1
        name = path.rpartition("/")[2]
        rows.append(_row(name, kind, right(path), first_child(path), bytes(16), start, size))
    rows += [_row("", 0, _NOBODY, _NOBODY, bytes(16), 0, 0)] * (-len(rows) % 4)
    return b"".join(rows)


def _row(
    name: str, kind: int, right: int, child: int, class_id: bytes, start: int, size: int
) -> bytes:
    raw = name.encode("utf-16-le")
    length = len(raw) + 2 if name else 0
    links = struct.pack("<HBBIII", length, kind, 1, _NOBODY, right, child)
    return raw.ljust(64, b"\0") + links + class_id + bytes(20) + struct.pack("<IQ", start, size)


def _with_header(sectors: list[bytes], table: list[int], directory: int, mini_table: int) -> bytes:
    count = 1
    while count * 128 < len(table) + count:
        count += 1
    where = list(range(len(sectors), len(sectors) + count))
    full = table + [_TABLE] * count
    full += [_FREE] * (-len(full) % 128)
    raw = struct.pack(f"<{len(full)}I", *full)
    mini_sectors = 0 if mini_table == _END else table[mini_table:].index(_END) + 1
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<4I", 0, count, directory, 0)
    header += struct.pack("<5I", _CUTOFF, mini_table, mini_sectors, _END, 0)
    header += struct.pack("<109I", *(where + [_FREE] * (109 - count)))
    return header + b"".join(sectors) + raw


def word(flags: int = 0x1200, extra: dict[str, bytes] | None = None) -> bytes:
    start = struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0x409, 0, flags)
    streams = {"WordDocument": start.ljust(4096, b"\0"), "1Table": bytes(4096)}
    return compound_file(streams | (extra or {}))


def workbook(*, password: bool = False, macro_sheet: bool = False) -> bytes:
    begin = struct.pack("<HHHHHHII", 0x809, 16, 0x600, 5, 0xDBB, 0x7CC, 0, 6)
    lock = struct.pack("<HHHHH", 0x2F, 6, 0, 0x1234, 0x5678) if password else b""
    sheet = struct.pack("<HHIBBBB", 0x85, 10, 200, 0, int(macro_sheet), 2, 0) + b"S1"
    part = begin + lock + sheet + struct.pack("<HH", 0x0A, 0)
    return compound_file({"Workbook": part.ljust(4096, b"\0")})


def slides(*, password: bool = False, macros: bool = False) -> bytes:
    token = 0xF3D1C4DF if password else 0xE391C05F
    user = struct.pack("<HHIIIIHHBBH", 0, 0xFF6, 32, 20, token, 0, 0, 0x3F4, 3, 0, 0) + b"user"
    info = struct.pack("<HHIIII", 0xF, 0x3FF, 20, 0, 0, 0)[:8]
    info += struct.pack("<HHIIII", 2, 0x400, 12, 7, int(macros), 2)
    document = struct.pack("<HHI", 0xF, 0x3E8, 4000) + info
    return compound_file({"Current User": user, "PowerPoint Document": document.ljust(4096, b"\0")})


def encrypted_office() -> bytes:
    info = struct.pack("<HHI", 4, 4, 0x40) + b"<encryption/>".ljust(200)
    package = struct.pack("<Q", 8000) + bytes(range(256)) * 32
    spaces = {"\x06DataSpaces/Version": bytes(76), "\x06DataSpaces/DataSpaceMap": bytes(112)}
    return compound_file({"EncryptionInfo": info, "EncryptedPackage": package, **spaces})


def package(label: str) -> bytes:
    """What Office makes of a file dragged into a document."""
    inner = struct.pack("<H", 2) + label.encode() + b"\0C:\\" + label.encode() + b"\0" + bytes(40)
    return struct.pack("<I", len(inner)) + inner

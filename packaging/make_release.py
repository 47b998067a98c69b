"""What a release needs besides its packages: notes, checksums, the list of parts, the signed list.

    .venv/bin/python packaging/make_release.py new-key FILE --address https://…/releases.json
    .venv/bin/python packaging/make_release.py check 1.2.0
    .venv/bin/python packaging/make_release.py files 1.2.0 --page https://…

`new-key` makes the private key in FILE, for its owner alone, and puts the public one into
resources/releases.json: the next build believes it. `files` (`make release VERSION=1.2.0`) signs
with the key in the file that EXAI_RELEASE_KEY_FILE names, or with EXAI_RELEASE_KEY itself. Without
either it says what is missing; everything else is made all the same.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

from release import ROOT, commit_time, version

sys.path.insert(0, str(ROOT))  # for the program itself

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exai_desktop.config.installation.release_feed import PURPOSE

DIST = ROOT / "dist"
PLACE = ROOT / "resources" / "releases.json"
KEY, KEY_FILE = "EXAI_RELEASE_KEY", "EXAI_RELEASE_KEY_FILE"
# A list that is older is refused: it has to be signed anew before.
VALID_S = 400 * 86_400
NOTES, SUMS, LIST = "RELEASE-NOTES.md", "SHA256SUMS", "releases.json"


def main() -> int:
    parser = argparse.ArgumentParser(description="Make what a release needs.")
    orders = parser.add_subparsers(dest="order", required=True)
    new_key = orders.add_parser("new-key")
    new_key.add_argument("file", type=Path)
    new_key.add_argument("--address", required=True)
    check = orders.add_parser("check")
    check.add_argument("version")
    files = orders.add_parser("files")
    files.add_argument("version")
    files.add_argument("--page", default="", help="where users find the packages")
    options = parser.parse_args()
    if options.order == "new-key":
        make_key(options.file, options.address)
    elif options.order == "check":
        notes_of(options.version)
    else:
        make_files(options.version, options.page)
    return 0


def make_key(file: Path, address: str) -> None:
    """Raises FileExistsError: a key that is in use is never replaced."""
    if not address.startswith("https://"):
        raise SystemExit("the address must begin with https://")
    key = Ed25519PrivateKey.generate()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as written:
        written.write(key.private_bytes_raw().hex() + "\n")
    place = json.loads(PLACE.read_text(encoding="utf-8"))
    # The former one stays: versions that know both are a bridge from one to the other.
    keys = [key.public_key().public_bytes_raw().hex(), *place["keys"]]
    PLACE.write_text(json.dumps({"address": address, "keys": keys}, indent=2) + "\n", "utf-8")
    print(f"The private key is in {file}: keep it, and a copy elsewhere. Commit {PLACE.name}.")


def notes_of(number: str) -> str:
    """The section of this version in CHANGELOG.md. Raises SystemExit."""
    if number != version():
        raise SystemExit(f"exai_desktop/__init__.py says {version()}, not {number}")
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[?{re.escape(number)}\b.*?\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not found or not found.group(1).strip():
        raise SystemExit(f"CHANGELOG.md has no section {number}")
    return found.group(1).strip() + "\n"


def make_files(number: str, page: str) -> None:
    """Into dist/, beside the packages."""
    (DIST / NOTES).write_text(notes_of(number), encoding="utf-8")
    bill = ROOT / "build" / "frozen" / "exai-desktop" / "licences" / "sbom.cdx.json"
    if bill.exists():
        shutil.copy(bill, DIST / f"exai-desktop-{number}.cdx.json")
    packages = sorted(one for one in DIST.iterdir() if number in one.name and one.is_file())
    if not packages:
        raise SystemExit("dist/ has no packages of this version: make package")
    sums = [f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in packages]
    (DIST / SUMS).write_text("".join(sums), encoding="utf-8")
    secret = _secret()
    left = []
    if not page:
        left.append("say PAGE=https://… where users find the packages, for the signed list")
    if not secret:
        left.append(f"name the key of releases in {KEY_FILE}, for the signed list")
    if page and secret:
        (DIST / LIST).write_bytes(signed_list(number, page, secret))
    left += ["sign SHA256SUMS", "upload the packages", f"upload {LIST} last", "push the tag"]
    made = ", ".join(one.name for one in packages)
    print(f"Made in dist/: {NOTES}, {SUMS} of {made}")
    print("Left to do by hand:", *(f"- {each}" for each in left), sep="\n")


def signed_list(number: str, page: str, secret: str) -> bytes:
    """What the program reads. Its number grows with the time of the commit."""
    fields = {
        "product": "exai-desktop",
        "number": commit_time(),
        "valid_until": commit_time() + VALID_S,
        "version": number,
        "page": page,
        "notes": "",
    }
    text = json.dumps(fields)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    known = json.loads(PLACE.read_text(encoding="utf-8"))["keys"]
    if key.public_key().public_bytes_raw().hex() not in known:
        raise SystemExit(f"{PLACE.name} does not have the public half of this key")
    signature = key.sign(PURPOSE + text.encode("ascii")).hex()
    return (json.dumps({"signed": text, "signature": signature}, indent=1) + "\n").encode("ascii")


def _secret() -> str:
    """Never in a command line: other users see those."""
    if given := os.environ.get(KEY):
        return given.strip()
    if not (place := os.environ.get(KEY_FILE)):
        return ""
    file = Path(place)
    if file.stat().st_mode & 0o077:
        raise SystemExit(f"{file} can be read by others: chmod 600")
    return file.read_text(encoding="ascii").strip()


if __name__ == "__main__":
    sys.exit(main())

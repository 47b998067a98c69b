"""What other devices of the user have told the Supabase project, and how far it was read.

Tables of their own: what is in `copies` this profile has sent, seen or imported itself.

Released: never changed, only followed by further steps.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "other_devices_schema"

STATEMENTS: Final = (
    # The profile that the device id was given to: a copy of it is another device.
    "ALTER TABLE mirror_targets ADD COLUMN profile TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE mirror_targets ADD COLUMN pulled_to INTEGER NOT NULL DEFAULT 0",
    # The newest operation that was answered: if it is not there, the project was put back.
    "ALTER TABLE mirror_targets ADD COLUMN witness TEXT",
    "ALTER TABLE mirror_targets ADD COLUMN synced_at REAL",
    "CREATE INDEX mirror_ids_uuid ON mirror_ids (target, kind, uuid)",
    # Devices and accounts by their ids there.
    """
CREATE TABLE remote_names (
    target INTEGER NOT NULL REFERENCES mirror_targets (id) ON DELETE CASCADE,
    uuid TEXT NOT NULL,
    provider TEXT,
    name TEXT,
    PRIMARY KEY (target, uuid)
) STRICT, WITHOUT ROWID""",
    """
CREATE TABLE remote_copies (
    id INTEGER PRIMARY KEY,
    target INTEGER NOT NULL REFERENCES mirror_targets (id) ON DELETE CASCADE,
    uuid TEXT NOT NULL,
    account_id TEXT NOT NULL,
    device_id TEXT,
    purpose TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    remote_id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    usable INTEGER NOT NULL,
    recorded_at REAL,
    expires_at REAL,
    UNIQUE (target, uuid)
) STRICT""",
    "CREATE INDEX remote_copies_content ON remote_copies (target, sha256)",
)

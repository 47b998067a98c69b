"""The hostile files: what each is called, what it is, and what must follow."""

from .case import Case
from .corpus_agreed import AGREED
from .corpus_containers import OLE, ZIPS
from .corpus_corners import CORNERS
from .corpus_cut import CUT_MEDIA
from .corpus_media import ARCHIVES, MEDIA, PDF
from .corpus_members import MEMBERS
from .corpus_programs import PROGRAMS, RENAMED
from .corpus_texts import TEXTS

CASES: list[Case] = [
    *RENAMED,
    *PROGRAMS,
    *ZIPS,
    *OLE,
    *PDF,
    *MEDIA,
    *ARCHIVES,
    *TEXTS,
    *CORNERS,
    *AGREED,
    *MEMBERS,
    *CUT_MEDIA,
]

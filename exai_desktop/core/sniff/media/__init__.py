"""Pictures, sound, film and books: which they are, whether they are whole, what hides behind them.

Nothing is decoded: a file is walked from part to part by the rules of its format. What is only odd
is no damage, and where there is no time for all of it nothing is said.
"""

from exai_desktop.core.sniff.media.attached import attached_archive
from exai_desktop.core.sniff.media.books import book_findings
from exai_desktop.core.sniff.media.recognising import media, walk

__all__ = ["attached_archive", "book_findings", "media", "walk"]

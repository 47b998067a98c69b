"""What the window says of problems that begin or are over, and of batches that have ended."""

from __future__ import annotations

from exai_desktop.core.events import BatchFinished, ProblemRaised
from exai_desktop.gui.bridge import News
from exai_desktop.gui.notice_bar import NoticeBar
from exai_desktop.gui.state_look import Tone
from exai_desktop.gui.wording import count_text


def tell(news: News, bar: NoticeBar) -> None:
    """In the order they happened; the end of one that is still shown takes it away."""
    for event in news.problems:
        if isinstance(event, ProblemRaised):
            bar.show_error(event.error, event.account or "")
        elif bar.take_back(event.error, event.account or ""):
            title = f"{event.account}: it is over" if event.account else "It is over"
            bar.show_notice(title, event.error.title, Tone.GOOD)
    for batch in news.finished:
        _tell_batch(batch, bar)


def _tell_batch(batch: BatchFinished, bar: NoticeBar) -> None:
    """Once per batch, and only when somebody has to look."""
    missed = batch.refused + batch.failed + batch.review
    if missed == 0:
        return
    title = f"{count_text(missed, 'file was', 'files were')} not uploaded"
    good = batch.done + batch.duplicate
    text = f"{count_text(good, 'file is', 'files are')} at the provider. " if good else ""
    text += "The filter Needs attention shows the others with the reasons."
    bar.show_notice(title, text, Tone.CARE)

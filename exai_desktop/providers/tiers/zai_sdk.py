"""zai-sdk, the SDK of GLM's company: for both of GLM's hosts."""

from __future__ import annotations

from typing import Any

from exai_desktop.providers.tiers.sdk import SdkTier
from exai_desktop.providers.tiers.tier import Question, TierUnavailableError


class ZaiTier(SdkTier):
    name = "native"
    package = "zai-sdk"

    def _files(self, http_client: Any) -> Any:
        import zai  # late: half a second

        return zai.ZaiClient(**self._options(http_client)).files

    def _ask(self, files: Any, question: Question) -> object:
        if question.verb == "list":
            return files.list(**question.params)
        if question.verb == "delete":
            return files.delete(question.file_id)
        if question.verb == "content":
            return files.content(question.file_id)
        raise TierUnavailableError("zai-sdk has no question for one file")

"""The openai SDK: for every provider with OpenAI's files API."""

from __future__ import annotations

from typing import Any

from exai_desktop.providers.tiers.sdk import SdkTier
from exai_desktop.providers.tiers.tier import Question


class OpenAiTier(SdkTier):
    name = "openai"
    package = "openai"

    def _files(self, http_client: Any) -> Any:
        import openai  # late: more than a second

        # The SDK reads settings (organization, headers) from the environment; `net` drops them.
        return openai.OpenAI(**self._options(http_client)).files

    def _ask(self, files: Any, question: Question) -> object:
        if question.verb == "list":
            return files.list(extra_query=dict(question.params))
        if question.verb == "find":
            return files.retrieve(question.file_id)
        if question.verb == "delete":
            return files.delete(question.file_id)
        return files.content(question.file_id)

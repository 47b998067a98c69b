"""The openai SDK: any provider with files in OpenAI's form."""

from __future__ import annotations

from typing import Any

from exai_desktop.providers.tiers.sdk import SdkTier
from exai_desktop.providers.tiers.tier import Question


class OpenAiTier(SdkTier):
    name = "openai"
    package = "openai"

    def _files(self, client: Any) -> Any:
        import openai  # late: more than a second

        # What it finds in the environment (organization, headers) is left out in `net`.
        return openai.OpenAI(
            api_key=self._key, base_url=str(self._line.base_url), http_client=client, max_retries=0
        ).files

    def _call(self, files: Any, question: Question) -> object:
        if question.verb == "list":
            return files.list(extra_query=dict(question.params))
        if question.verb == "find":
            return files.retrieve(question.file_id)
        if question.verb == "delete":
            return files.delete(question.file_id)
        return files.content(question.file_id)

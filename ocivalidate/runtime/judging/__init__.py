"""Judging the facts of a probe against the ``config.json`` of its container. Pure, so it is tested without root.

Cases judge their own observations with it, and ``ocivalidate judge`` facts observed anywhere, so both agree.
"""

from __future__ import annotations

from ocivalidate.runtime.judging.judgements import Judgement, property_of
from ocivalidate.runtime.judging.rules import judge, wanted_paths

__all__ = ["Judgement", "judge", "property_of", "wanted_paths"]

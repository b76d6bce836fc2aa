"""Judging facts that a probe saw against the ``config.json`` of its container: pure, so that it is tested without root.

Cases judge with it what they observe, and ``ocivalidate judge`` what was observed anywhere: both agree.
"""

from __future__ import annotations

from ocivalidate.runtime.judging.judgements import Judgement, property_of
from ocivalidate.runtime.judging.rules import judge, wanted_paths

__all__ = ["Judgement", "judge", "property_of", "wanted_paths"]

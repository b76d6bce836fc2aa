"""The language server: findings, explanations, completion and fixes while one types.

What it says of a text is pure (``documents``, ``cursor``, ``saying``); ``server`` alone speaks the protocol.
"""

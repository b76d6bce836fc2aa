"""What a clause is, what can break it, and how violations become results and findings.

Everything that judges stands on this room. Here belongs what holds for every kind of document: clauses, schemas, checks,
witnesses. What one specification or one document says belongs to ``bundle``, ``image`` or ``runtime``.
"""

"""What a clause is, what can break it, and how violations become results and findings.

Every other part that judges is built on this package. What holds for every kind of document belongs here: clauses,
schemas, checks and witnesses. What one specification or one document says belongs to ``bundle``, ``image`` or
``runtime``.
"""

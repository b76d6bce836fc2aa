"""The small grammars of the field: digests, versions, platform names, formats, licenses, spelling.

Each module is a table or a grammar, and a function or two over plain text. Nothing here knows documents, clauses
or files.
"""

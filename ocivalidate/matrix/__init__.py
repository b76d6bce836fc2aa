"""What many reports come to together: which runtime, bundle or image keeps which clause, and what changed.

Reports and kept records become :mod:`subjects <ocivalidate.matrix.subjects>`, which are one
:mod:`model <ocivalidate.matrix.model>`; :mod:`changes <ocivalidate.matrix.changes>` compares two. Everything foreign
is made visible, and bounded, where it is read, so that no renderer meets anything else. The same input gives the same
bytes, in whatever order it comes.
"""

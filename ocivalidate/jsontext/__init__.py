"""Reading a JSON text strictly, and saying where everything in it stands.

Here belongs what RFC 8259 and RFC 6901 speak of, and nothing that knows OCI documents.
"""

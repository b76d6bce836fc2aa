"""What the machine that we run on offers, and how we use it safely.

It holds what differs between systems, and how untrusted files are opened. Nothing here knows OCI.
"""

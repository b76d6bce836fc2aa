"""What the machine that we run on offers, and how we use it safely.

Here belongs what differs between systems, and how files of strangers are opened. Nothing here knows what OCI is.
"""

"""Layers: how they are compressed, what their tars hold, and what stands upon what.

Here belongs what reads the bytes of a blob and gives facts; ``judging`` says which clause each problem breaks.
"""

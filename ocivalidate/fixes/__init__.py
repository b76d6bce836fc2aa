"""Fixes: which of the candidates that findings carry are safe, and what a document becomes with them."""

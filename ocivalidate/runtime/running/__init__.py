"""A run: cases are planned, tried concurrently, kept, and reported as events."""

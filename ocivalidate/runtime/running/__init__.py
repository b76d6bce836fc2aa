"""A run: what is planned, tried beside each other, kept, and told as events."""

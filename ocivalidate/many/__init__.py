"""Many inputs: which ones a path means, patterns for paths, and judging them in several processes."""

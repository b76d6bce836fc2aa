"""What an exploration has judged so far, in a file, so that it can go on where it was stopped."""

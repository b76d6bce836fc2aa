"""From what happened in a case to ``reproduce.sh``: a shell script that does it again with the runtime alone."""

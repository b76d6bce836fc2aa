"""What runs inside containers, the root filesystem that carries it, and the facts that it reports."""

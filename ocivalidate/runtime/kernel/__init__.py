"""What the kernel of this host offers and shows: control groups, namespaces, locks, seccomp, system calls."""

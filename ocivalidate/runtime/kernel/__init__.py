"""What the kernel of this host offers and reports: control groups, namespaces, locks, seccomp, system calls."""

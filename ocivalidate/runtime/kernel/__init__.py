"""What the kernel of this host offers and shows: control groups, namespaces, mounts, seccomp, system calls."""

"""The values that Go gives GOOS and GOARCH (https://go.dev/doc/install/source#environment): OCI documents name them."""

from __future__ import annotations

GOOS = frozenset(
    "aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris wasip1 windows zos".split()
)
GOARCH = frozenset("386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm".split())

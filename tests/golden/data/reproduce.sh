#!/bin/sh
# names.hostname, on runc 1.1.5:
#   runtime/runtime.create.applies-config
#     hostname is not applied it's $(touch /tmp/x) `id` "\ \n end\n'; exit 9; '\x1b[31m
#       got second, wanted first
#
# sh reproduce.sh [RUNTIME]: calls the runtime as the run did; shows what it does, and what was wanted.
# Exit status: 1 the failure shows, 0 it does not, 3 only a reader can tell, 2 it cannot be tried here.
# It needs a shell, the runtime, the usual programs and python3, of which the container gets a copy. As root
# it runs in namespaces of its own (unshare). It makes a folder and control groups, and removes them.

RUNTIME=${1:-${RUNTIME:-/usr/sbin/runc}}
ROOTFS=${ROOTFS:-}
COVERED=''
CASE=names.hostname
AS_ROOT=1

story() {
folder bundle-1 755 0:0
tree bundle-1/rootfs
cat <<'END_0' | file bundle-1/config.json 644 0:0
{"hostname": "first",
 "x": "'$(id)`"}
END_0
call 0 / c1.out @RUNTIME@ --root @WORK@/root create --bundle @WORK@/bundle-1 --pid-file @WORK@/c1.pid @NAME@-names-1
state created @RUNTIME@ --root @WORK@/root state @NAME@-names-1
call 0 / '' @RUNTIME@ --root @WORK@/root start @NAME@-names-1
printed c1 1 ''

fact_holds c1 '{"step":"uname","args":[]' '"second"'
verdict runtime/runtime.create.applies-config 'hostname is not applied it'\''s $(touch /tmp/x) `id` "\ \n end\n'\''; exit 9; '\''\x1b[31m' second first sure
fresh
call 0 / '' @RUNTIME@ --root @WORK@/root kill @NAME@-names-1 KILL
end c1 ended
call 'an error' / '' @RUNTIME@ --root @WORK@/root delete @NAME@-names-1

left c1 @NAME@-names-1 bundle-1 '' state
verdict runtime/runtime.create.applies-config 'delete leaves things' '["state @WORK@/root/@NAME@-names-1"]' '[]' sure
fresh
}

delete_again() { ran / /dev/null /dev/null @RUNTIME@ --root @WORK@/root delete --force "$1"; }
helpers() { :; }

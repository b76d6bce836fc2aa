# ---------------------------------------------------------------------------------------------------------------------
# The machinery: how what is above is done. Nothing outside of a folder and control groups of its own is touched.

SEEN=0 DIFFERENT=0 ASTRAY=0 DECIDED='' SHOWN=0 UNSURE=0 CALLS=0

clean() { LC_ALL=C tr -c '\n -~' '?' | cut -c 1-2000 | head -n 60; }
say() { printf '%s\n' "$*" | clean; }
give_up() {
    say "reproduce.sh: cannot be tried here: $*" >&2
    exit 2
}

main() {
    umask 022
    unset NOTIFY_SOCKET LISTEN_FDS LISTEN_PID LISTEN_FDNAMES LD_PRELOAD _LIBCONTAINER_LOGLEVEL
    if [ -n "${REPRODUCE_INSIDE:-}" ]; then
        inside
        exit $?
    fi
    case $RUNTIME in
        */*) RUNTIME=$(cd -- "$(dirname -- "$RUNTIME")" 2>/dev/null && pwd)/$(basename -- "$RUNTIME") ;;
        *) RUNTIME=$(command -v "$RUNTIME") || give_up "there is no such program in PATH" ;;
    esac
    [ -x "$RUNTIME" ] || give_up "there is no program $RUNTIME"
    [ -f "$0" ] || give_up "call it by its path: sh reproduce.sh"
    # What is in PATH may be a script that looks for one.
    PYTHON=$("${PYTHON:-python3}" -c 'import os, sys; print(os.path.realpath(sys.executable))') ||
        give_up "there is no python3: the program in the container is run by it"
    if [ "$AS_ROOT" = 1 ] && [ "$(id -u)" != 0 ]; then give_up "the run was root's, and so must this be"; fi
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/reproduce-XXXXXXXX") || give_up "cannot make a folder"
    case $WORK in *[!A-Za-z0-9/_.-]*) give_up "the path of the folder for temporary files is too strange: $WORK" ;; esac
    NAME=$(basename "$WORK")
    chmod 711 "$WORK"
    trap clean_up EXIT
    trap 'exit 130' INT TERM HUP
    export RUNTIME PYTHON WORK NAME REPRODUCE_INSIDE=plain
    set -- sh "$0"
    if [ "$(id -u)" = 0 ] && unshare -m -p -f --kill-child --propagation private true 2>/dev/null; then
        REPRODUCE_INSIDE=private
        set -- unshare -m -p -f --kill-child --mount-proc --propagation private "$@"
    fi
    if command -v timeout >/dev/null; then set -- timeout -k 10 "${REPRODUCE_SECONDS:-180}" "$@"; fi
    "$@"
    code=$?
    case $code in 124 | 137) give_up "it took too long" ;; esac
    [ "$code" -le 3 ] || give_up "it broke off, exit status $code"
    exit "$code"
}

# Every folder below which control groups are: those of version 1, and that of version 2.
hierarchies() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts; }

clean_up() {
    trap - EXIT
    for tries in 1 2 3 4 5 6 7 8; do
        left=0
        for top in $(hierarchies); do
            [ -d "$top/$NAME" ] || continue
            find "$top/$NAME" -depth -type d -exec rmdir {} \; 2>/dev/null
            [ ! -d "$top/$NAME" ] || left=1
        done
        [ "$left" = 1 ] || break
        sleep "0.$tries"
    done
    rm -rf --one-file-system "$WORK" 2>/dev/null || rm -rf "$WORK"
}

inside() {
    if [ "$REPRODUCE_INSIDE" = private ]; then
        # A runtime that takes a number inside of a container for one outside must not meet us.
        echo 3000 2>/dev/null >/proc/sys/kernel/ns_last_pid
        mount -t tmpfs -o mode=711,size=1g "$NAME" "$WORK" || give_up "cannot mount a file system for it"
        cover_devices
        banner=$("$RUNTIME" --version 2>/dev/null | head -n 1)
        for entry in $COVERED; do
            case $banner in "${entry%%:*} "*) [ ! -d "${entry#*:}" ] || mount -t tmpfs none "${entry#*:}" ;; esac
        done
        for top in $(hierarchies); do
            mkdir "$top/$NAME" 2>/dev/null || continue
            for file in cpuset.cpus cpuset.mems; do
                [ ! -f "$top/$NAME/$file" ] || cat "$top/$file" 2>/dev/null >"$top/$NAME/$file"
            done
        done
    elif [ "$AS_ROOT" = 1 ]; then
        say "(without namespaces of its own: unshare is missing, or not allowed)"
    fi
    BASE=$WORK/root-filesystem
    # shellcheck disable=SC2153  # it stands at the top
    DID=$WORK/cases/$CASE
    mkdir -m 711 "$WORK/cases"
    mkdir -m 755 "$DID" "$WORK/shown"
    fetch_base
    helpers
    known self ours
    story
    end_containers
    say
    if [ "$SHOWN" = 1 ]; then
        say "The failure shows."
        return 1
    fi
    if [ "$UNSURE" = 1 ]; then
        say "Look at what is above: nobody but a reader can tell whether the failure shows."
        return 3
    fi
    say "The failure does not show."
}

# The runtime must not reach the nodes of the host.
cover_devices() {
    mkdir "$WORK/dev" && mount -t tmpfs -o mode=755,size=1m,nosuid,noexec ocivalidate "$WORK/dev" || return
    while read -r name kind major minor mode; do
        case $name in */*) mkdir -p "$WORK/dev/${name%/*}" ;; esac
        [ ! -e "/dev/$name" ] || { mknod "$WORK/dev/$name" "$kind" "$major" "$minor" && chmod "$mode" "$WORK/dev/$name"; }
    done <<EOF_NODES
null c 1 3 666
zero c 1 5 666
full c 1 7 666
random c 1 8 666
urandom c 1 9 666
kmsg c 1 11 600
tty c 5 0 666
console c 5 1 600
fuse c 10 229 666
net/tun c 10 200 666
EOF_NODES
    mkdir "$WORK/dev/pts" "$WORK/dev/shm" "$WORK/dev/mqueue"
    mount --bind /dev/pts "$WORK/dev/pts"
    ln -s pts/ptmx "$WORK/dev/ptmx"
    ln -s /proc/self/fd "$WORK/dev/fd"
    ln -s fd/0 "$WORK/dev/stdin" && ln -s fd/1 "$WORK/dev/stdout" && ln -s fd/2 "$WORK/dev/stderr"
    mount --move "$WORK/dev" /dev
}

fetch_base() {
    if [ -n "$ROOTFS" ]; then
        cp -a "$ROOTFS" "$BASE" || give_up "cannot copy the root filesystem $ROOTFS"
        mkdir -p "$BASE/usr/lib/ocivalidate"
    else
        "$PYTHON" -I -S -c "$(copy_of_python)" "$BASE" || give_up "cannot make a root filesystem from $PYTHON"
    fi
    probe >"$BASE/usr/lib/ocivalidate/probe"
}

# What the story says is written with marks for what differs here.
filled() {
    # shellcheck disable=SC2086  # words of sed
    LC_ALL=C sed -e "s|@WORK@|$DID|g" -e "s|@NAME@|$NAME|g" -e "s|@PYTHON@|$(meant "$PYTHON")|g" -e "s|@RUNTIME@|$(meant "$RUNTIME")|g" $HELD
}
# A path, as sed puts in its place: any path may be the runtime's, and sed runs commands, too.
meant() {
    case $1 in *[!A-Za-z0-9/_.+-]*) printf '%s\n' "$1" | LC_ALL=C sed -e 's/[\\|&]/\\&/g' -e '$!s/$/\\/' ;; *) printf '%s' "$1" ;; esac
}
HELD=
marked() (
    set -f
    # shellcheck disable=SC2086  # words of sed
    LC_ALL=C sed -e "s|$DID|@WORK@|g" -e "s|$NAME|@NAME@|g" $LINKS
)
LINKS=
# known PID NAME: call the namespaces of a process by a name.
known() {
    for file in "/proc/$1/ns/"*; do
        link=$(readlink "$file") || continue
        number=${link#*\[}
        LINKS="$LINKS -e s|${link%%:*}:\[${number%]}\]|${link%%:*}:[$2]|g"
    done
}

# file PATH MODE OWNER: its content is standard input.
file() {
    rm -rf "${DID:?}/$1"
    filled >"$DID/$1"
    owned "$@"
}
folder() {
    mkdir -p "$DID/$1"
    owned "$@"
}
owned() {
    [ "$(id -u)" != 0 ] || chown -h "$3" "$DID/$1" 2>/dev/null
    [ -h "$DID/$1" ] || chmod "$2" "$DID/$1"
}
link() {
    rm -rf "${DID:?}/$1"
    ln -s "$(printf '%s' "$2" | filled)" "$DID/$1"
}
node() {
    rm -rf "${DID:?}/$1"
    # shellcheck disable=SC2086  # kind, major and minor number are three words
    mknod "$DID/$1" $4
    owned "$@"
}
fifo() {
    rm -rf "${DID:?}/$1"
    mkfifo "$DID/$1"
    owned "$@"
}
tree() {
    rmdir "$DID/$1" 2>/dev/null
    cp -al "$BASE" "$DID/$1" 2>/dev/null || cp -a "$BASE" "$DID/$1"
}
gone() { rm -rf "${DID:?}/$1"; }
# mounted PATH KIND OPTIONS PROPAGATION SOURCE
mounted() {
    if [ "$2" = bind ]; then
        mount --bind "$DID/$5" "$DID/$1" && mount -o "remount,bind,$3" "$DID/$1"
    else
        mount -t "$2" -o "$3" ocivalidate "$DID/$1"
    fi || say "(cannot mount $2 at $1)"
    mount "--make-$4" "$DID/$1"
}
unmounted() { umount -l "$DID/$1" 2>/dev/null || say "(cannot unmount $1)"; }
made_readonly() { mount -o remount,bind,ro "$DID/$1"; }
# holder PID UID_MAP GID_MAP OPTION...: namespaces for a config to join, held by a process as in the run.
holder() {
    was=$1 users=$2 groups=$3
    shift 3
    # Who makes a PID or time namespace is not in it: its child is.
    case " $* " in *" --pid "* | *" --time "*) set -- "$@" --fork --kill-child ;; esac
    unshare "$@" sleep 600 &
    above=$! pid=$! waited=0
    until [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = sleep ] || [ "$waited" -ge 50 ]; do
        waited=$((waited + 1))
        sleep 0.1
        pid=$(cut -d' ' -f1 "/proc/$above/task/$above/children" 2>/dev/null)
        pid=${pid:-$above}
    done
    [ -z "$users" ] || printf '%s' "$users" >"/proc/$pid/uid_map"
    [ -z "$groups" ] || printf '%s' "$groups" >"/proc/$pid/gid_map"
    known "$pid" held
    HELD="$HELD -e s|/proc/$was/ns/|/proc/$pid/ns/|g"
}
# group PATH [CONTROLLER FILE TEXT]
group() {
    path=$(printf '%s' "$1" | filled)
    for top in $(hierarchies); do
        if [ ! -d "$top/$NAME" ] || ! mkdir -p "$top$path"; then continue; fi
        [ ! -f "$top$path/cpuset.cpus" ] || cat "$top/$NAME/cpuset.cpus" 2>/dev/null >"$top$path/cpuset.cpus"
        [ ! -f "$top$path/cpuset.mems" ] || cat "$top/$NAME/cpuset.mems" 2>/dev/null >"$top$path/cpuset.mems"
        [ $# -lt 4 ] || [ ! -f "$top$path/$3" ] || printf '%s' "$4" >"$top$path/$3"
    done
}

# ------------------------------------------------------------------------------------------------- calls of the runtime

# fresh: what is seen from here on is what the next verdicts rest on.
fresh() { SEEN=0 DIFFERENT=0 DECIDED=''; }
# observe LABEL IN_THE_RUN NOW [decisive|astray]: where a call goes another way, so may all that follows.
observe() {
    SEEN=$((SEEN + 1))
    if [ "$2" = "$3" ]; then
        say "   $1: $3 (as in the run)"
        [ "${4:-}" != decisive ] || DECIDED=same
    else
        say "   $1: $3"
        say "   in the run: $2"
        DIFFERENT=1
        case ${4:-} in decisive) DECIDED=different ;; astray) ASTRAY=1 ;; esac
    fi
}

# call IN_THE_RUN FOLDER OUTPUT WORD...: output is that of the container, or empty.
call() {
    recorded=$1 here=$(printf '%s' "$2" | filled) output=$3
    shift 3
    CALLS=$((CALLS + 1))
    said=$WORK/shown/$CALLS
    say
    printf '%s\n' "\$ $*" | filled | clean
    ran "$here" "${output:+$DID/}${output:-$said}" "$said.errors" "$@"
    [ ! -s "$said.errors" ] || tail -n 5 "$said.errors" | clean | sed 's/^/   | /'
    now=$(class_of "$code")
    for word in "$@"; do
        case $word in create | start | kill | delete | features) break ;; esac
    done
    complaint=$(sed -e '/Stack backtrace:/,$d' -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$said.errors" |
        tail -n 1 | cut -c 1-500 | marked | LC_ALL=C sed -E 's/[0-9]+/#/g')
    printf '%s: %s\n' "$now" "$complaint" >"$WORK/shown/$(basename -- "$word").came"
    observe "exit status" "$recorded" "$now" astray
}
# came_to COMMAND IN_THE_RUN: how the last call of a command ended.
came_to() { observe "$1 came to" "$2" "$(cat "$WORK/shown/$1.came" 2>/dev/null)" decisive; }
class_of() {
    case $1 in 0) echo 0 ;; 124 | 137) echo "none, it hangs" ;; *) if [ "$1" -gt 128 ]; then echo "a signal"; else echo "an error"; fi ;; esac
}
# ran FOLDER OUTPUT ERRORS WORD...
ran() {
    where=$1 out=$2 errors=$3
    shift 3
    count=$#
    while [ "$count" -gt 0 ]; do
        word=$1
        shift
        case $word in *@*) word=$(printf '%s.' "$word" | filled) && word=${word%.} ;; esac
        set -- "$@" "$word"
        count=$((count - 1))
    done
    (
        cd "${where:-/}" || exit 126
        if command -v timeout >/dev/null; then exec timeout -k 5 30 "$@"; fi
        exec "$@"
    ) </dev/null >>"$out" 2>>"$errors"
    code=$?
}

# state IN_THE_RUN WORD...: asked again until it is as in the run, for some seconds.
state() {
    recorded=$1
    shift
    tries=0
    say
    printf '%s\n' "\$ $*" | filled | clean
    while :; do
        : >"$WORK/shown/state"
        : >"$WORK/shown/state.errors"
        ran / "$WORK/shown/state" "$WORK/shown/state.errors" "$@"
        now="an error"
        [ "$code" != 0 ] || now=$(status_in "$WORK/shown/state")
        tries=$((tries + 1))
        if [ "$now" = "$recorded" ] || [ "$tries" -gt 20 ]; then break; fi
        sleep 0.1
    done
    [ "$code" = 0 ] || tail -n 2 "$WORK/shown/state.errors" | clean | sed 's/^/   | /'
    observe "status" "$recorded" "$now" astray
}
status_in() { tr -d '\n' <"$1" | sed -n 's/.*"status"[ ]*:[ ]*"\([^"]*\)".*/\1/p'; }
# told TEXT [decisive]: what state printed, without spaces and numbers that differ each time.
told() { observe "it printed" "$1" "$(plain <"$WORK/shown/state")" "${2:-}"; }
holds() { has "what state printed" "$1" "$(plain <"$WORK/shown/state")"; }
plain() { marked | tr -d ' \n\t' | masked; }
masked() {
    LC_ALL=C sed -E -e 's/"(pid|ppid|sid|id|parent|device|inode|links|size|[acm]time|created)":("[^"]*"|[0-9]+)/"\1":#/g' \
        -e 's/"(FDSize|(Vm|Rss)[A-Za-z]+|SigQ|(non)?voluntary_ctxt_switches)":("[^"]*"|[0-9]+)/"\1":#/g' \
        -e 's/"(shared|master|propagate_from):[0-9]+/"\1:#/g' -e 's/[0-9]{5,}/#/g'
}

process_of() { cat "$DID/$1.pid" 2>/dev/null; }
alive() {
    pid=$(process_of "$1")
    # One look: what is reaped between two of them is not alive.
    case ${pid:+$(sed -n 's/^State:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)} in '' | [ZX]*) return 1 ;; esac
}
# end ID IN_THE_RUN: wait for the end of the container process.
end() {
    tries=0
    while alive "$1" && [ "$tries" -lt 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    now=ended
    ! alive "$1" || now="still there"
    observe "the container process" "$2" "$now" astray
}
# is_alive ID IN_THE_RUN
is_alive() {
    now=yes
    alive "$1" || now=no
    observe "the container process is alive" "$2" "$now" decisive
}
# death ID: end the container process without the runtime.
death() {
    if [ "$REPRODUCE_INSIDE" = private ] && alive "$1"; then
        kill -9 "$(process_of "$1")" 2>/dev/null
        end "$1" ended
    fi
}
# printed ID LINES IN_THE_RUN: wait for so many lines of output.
printed() {
    lines_of "$1" "$2"
    now=$(grep -vF '"ocivalidate-probe":' "$DID/$1.out" 2>/dev/null | marked | masked | tr '\n' ';')
    [ -z "$3$now" ] || observe "it printed" "$3" "$now" astray
}
lines_of() {
    tries=0
    while [ "$(wc -l <"$DID/$1.out" 2>/dev/null || echo 0)" -lt "$2" ] && [ "$tries" -lt 50 ]; do
        alive "$1" || break
        tries=$((tries + 1))
        sleep 0.1
    done
}
# silent ID: in the run, the program reported nothing.
silent() {
    lines_of "$1" 1
    now=nothing
    ! grep -q '"ocivalidate-probe":' "$DID/$1.out" 2>/dev/null || now="what it had to"
    observe "the program reported" nothing "$now"
}

# The records of the probe, one a line.
records() {
    grep -F '{"ocivalidate-probe":[' "$DID/$1.out" 2>/dev/null | head -n 1 |
        awk '{ sub(/^.*\{"ocivalidate-probe":\[/, ""); sub(/\]\}$/, ""); gsub(/,?\{"step":/, "\n{\"step\":"); print }' | marked
}
record() { records "$1" | KEY=$2 awk 'index($0, ENVIRON["KEY"]) == 1 { print; exit }'; }
# fact ID KEY RECORD [decisive]: the record of a step, as it was in the run.
fact() { observe "the probe saw" "$3" "$(record "$1" "$2" | masked)" "${4:-}"; }
# fact_holds ID KEY TEXT: in the run, the record of a step had this text in it.
fact_holds() { has "what the probe saw" "$3" "$(record "$1" "$2")"; }
has() {
    say "   $1: $3"
    case $3 in
        *"$2"*) observe "it has" "$2" "$2" decisive ;;
        *) observe "it has" "$2" "something else" decisive ;;
    esac
}
# left ID STATE BUNDLE GROUP IN_THE_RUN
left() {
    found=
    sleep 0.3
    ! alive "$1" || found=process
    if [ -n "$4" ]; then
        path=$(printf '%s' "$4" | filled)
        for top in $(hierarchies); do
            [ ! -d "$top$path" ] || { found="$found${found:+, }control group" && break; }
        done
    fi
    ! grep -qF " $DID/$3/" /proc/self/mountinfo || found="$found${found:+, }mount"
    name=$(printf '%s' "$2" | filled)
    [ ! -e "$DID/root/$name" ] || found="$found${found:+, }state"
    observe "left behind" "$5" "${found:-nothing}" decisive
}
# value ID CONTROLLER FILE IN_THE_RUN: what stands in a file of the group of the container process.
value() {
    now="no such file"
    if [ -n "$2" ]; then
        path=$(awk -F : -v name="$2" '("," $2 ",") ~ ("," name ",") { print $3 }' "/proc/$(process_of "$1")/cgroup" 2>/dev/null)
        tops=$(awk -v name="$2" '$3 == "cgroup" && ("," $4 ",") ~ ("," name ",") { print $2 }' /proc/mounts)
    else
        path=$(sed -n 's/^0:://p' "/proc/$(process_of "$1")/cgroup" 2>/dev/null)
        tops=$(awk '$3 == "cgroup2" { print $2 }' /proc/mounts)
    fi
    for top in $tops; do [ ! -f "$top$path/$3" ] || now=$(cat "$top$path/$3"); done
    observe "$3" "$4" "$now" decisive
}
# names FILE KINDS IN_THE_RUN: who left a trace in a file, in order.
names() {
    now=$(sed -n "s/^{'name': '\([^']*\)'.*/\1/p" "$DID/$1" 2>/dev/null | grep -E "^($2)/" | tr '\n' ' ')
    observe "ran" "$3" "${now:-nothing}" decisive
}
# mounts IN_THE_RUN: what is mounted there now, for us.
mounts() {
    now=$(awk -v "top=$DID/" 'index($5, top) == 1 { print substr($5, length(top) + 1) }' /proc/self/mountinfo | LC_ALL=C sort | uniq |
        marked | tr '\n' ' ')
    observe "mounts" "$1" "$now"
}
# files IN_THE_RUN: which files there are now.
files() {
    now=$(cd "$DID" && find . -mindepth 1 \( -path ./root -o -path ./runtime.log -o -name '*.out' -o -name '*.err' -o -name '*.pid' -o \
        -path '*/rootfs/usr' \) -prune -o -print | sed 's|^\./||' | marked | LC_ALL=C sort | tr '\n' ' ')
    observe "files" "$1" "$now"
}
terminal() {
    "$PYTHON" -I -S -c "$(console)" "$(printf '%s' "$1" | filled)" "$DID/$2.out" &
    tries=0
    while [ ! -e "$(printf '%s' "$1" | filled)" ] && [ "$tries" -lt 50 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
}

# verdict CLAUSE MESSAGE GOT WANT SURE: what the run said of this, and whether it is so here.
verdict() {
    say
    say "== $1"
    say "   $2"
    [ -z "$3" ] || say "   in the run: $3"
    [ -z "$4" ] || say "   wanted:     $4"
    if [ -z "$DECIDED" ] && [ "$5" != sure ]; then
        say "   -> compare with what is above: the run looked where this cannot look"
        UNSURE=1
    elif [ "$DECIDED" = same ] || { [ -z "$DECIDED" ] && [ "$SEEN" -gt 0 ] && [ "$DIFFERENT$ASTRAY" = 00 ]; }; then
        say "   -> it shows"
        SHOWN=1
    else
        say "   -> it does not show"
    fi
    DECIDED=''
}

end_containers() {
    for name in "$DID"/root/*; do
        [ -d "$name" ] || continue
        delete_again "$(basename -- "$name")" >/dev/null 2>&1
    done
}

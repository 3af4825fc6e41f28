#!/bin/sh
# Boots a machine alternately into two kernels, measures in each boot, and compares.  Run it on another machine:
#
#   sh measure.sh root@MACHINE [BOOTS [OPTION OF gcproto bench]...]
#
# BOOTS of each kernel, 5 by default, at least 2.  On the machine both packages, kexec-tools and gcproto must be
# installed.  ssh must log in without a question.  The order changes each time (A B, B A, ...), so a drift of the machine
# hits both kernels.  The machine stays in the last kernel.  A plain reboot goes back to the one that its boot loader
# chooses.
#
# Results come here after each boot: FOLDER/KERNEL/boot-N-*.json, whole or not at all.  They say which boots are done.
# So the same command goes on after Ctrl-C, a lost connection or a full disk, and with more BOOTS it adds some.
set -eu

BASE=@BASE@
NEW=@NEW@
FOLDER=gcproto-boots
PART=$FOLDER.part  # on the machine: results of the boot that is measured
BOOT_SECONDS=900   # limit of a boot
SETTLE_SECONDS=60  # services of a fresh boot end in them

fail() {
    echo "measure.sh: $*" >&2
    exit 3
}

# full WHAT: exit code 4, as of gcproto, and no half result.
full() {
    rm -rf "$FOLDER/.part" "$FOLDER.new"
    echo "measure.sh: $1: is the disk full?  Free some space and run the same command again: it goes on where it stopped" >&2
    exit 4
}

if [ $# -lt 1 ]; then
    echo "usage: sh measure.sh root@MACHINE [BOOTS [OPTION OF gcproto bench]...]" >&2
    exit 2
fi
machine=$1
boots=${2:-5}
case $boots in
'' | *[!0-9]* | 0* | 1 | ????*)
    echo "measure.sh: $boots is no number of boots from 2 to 999: one boot does not show how boots differ" >&2
    exit 2
    ;;
esac
if [ $# -gt 1 ]; then shift 2; else shift; fi
options= # quoted once more, for the shell of the machine
for word in "$@"; do
    options="$options '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"
done

there() {
    # ssh must not read the input of this script.
    ssh -n -o BatchMode=yes -o ConnectTimeout=10 "$machine" "$@"
}

boot_id() {
    there cat /proc/sys/kernel/random/boot_id 2>/dev/null || true
}

# enter RELEASE: boots into a kernel, also if it runs already.
enter() {
    before=$(boot_id)
    [ -n "$before" ] || fail "$machine does not answer"
    there "test -f /boot/vmlinuz-$1" || fail "$1 is not installed on $machine"
    there "if [ -f /boot/initrd.img-$1 ]; then with=--initrd=/boot/initrd.img-$1; else with=; fi
        kexec -l /boot/vmlinuz-$1 \$with --reuse-cmdline" || fail "kexec refuses $1 (Secure Boot? kexec-tools?)"
    there "nohup sh -c 'sleep 1; systemctl kexec || kexec -e' >/dev/null 2>&1 &" || true
    waited=0
    while now=$(boot_id); [ -z "$now" ] || [ "$now" = "$before" ]; do
        [ "$waited" -lt "$BOOT_SECONDS" ] || fail "$machine is not back after $BOOT_SECONDS s; was $1 to boot"
        sleep 5
        waited=$((waited + 5))
    done
    release=$(there uname -r)
    [ "$release" = "$1" ] || fail "$machine runs $release instead of $1"
    sleep "$SETTLE_SECONDS"
}

# see: that nothing is missing, before hours are spent.
see() {
    command -v gcproto >/dev/null || fail "gcproto is not installed here, to compare: pip install gcproto"
    [ ! -e "$FOLDER" ] || [ "$(cat "$FOLDER/asked" 2>/dev/null)" = "$asked" ] ||
        fail "the folder $FOLDER here is of another machine, other kernels or other options: move it away"
    other=$(cat "$FOLDER/pid" 2>/dev/null) || other=
    [ -z "$other" ] || ! kill -0 "$other" 2>/dev/null ||
        fail "process $other measures into the folder $FOLDER.  If that is not a measure.sh, delete $FOLDER/pid"
    [ -n "$(boot_id)" ] || fail "$machine does not answer: ssh $machine must log in without a question"
    for kernel in "$BASE" "$NEW"; do
        there "test -f /boot/vmlinuz-$kernel" || fail "$kernel is not installed on $machine: apt-get install its package"
    done
    there "command -v kexec >/dev/null" || fail "kexec is missing on $machine: apt-get install kexec-tools"
    there "command -v gcproto >/dev/null" || fail "gcproto is not installed on $machine: pip install gcproto"
}

# prepare: the folder, with what is measured in it.
prepare() {
    if [ ! -e "$FOLDER" ]; then
        rm -rf "$FOLDER.new"
        mkdir -p "$FOLDER.new/$BASE" "$FOLDER.new/$NEW" && echo "$asked" >"$FOLDER.new/asked" &&
            mv "$FOLDER.new" "$FOLDER" || full "the folder $FOLDER can't be made here"
    fi
    echo $$ >"$FOLDER/pid" || full "the folder $FOLDER can't be written here"
    trap 'rm -f "$FOLDER/pid"' EXIT
    trap 'echo "measure.sh: stopped; run the same command again to go on" >&2; exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
}

# is_done KERNEL BOOT
is_done() {
    set -- "$FOLDER/$1/boot-$2-"*.json
    [ -e "$1" ]
}

# measure KERNEL BOOT: in the kernel that runs; its result comes here.
measure() {
    status=0
    there "rm -rf $PART || exit 4; gcproto bench --out $PART$options" || status=$?
    case $status in
    0 | 1) ;; # 1: some measurements are void, which the comparison omits.
    4) full "gcproto bench can't write on $machine" ;;
    *) fail "gcproto bench failed on $1 (exit code $status); run the same command again to repeat this boot" ;;
    esac
    rm -rf "$FOLDER/.part"
    scp -q -r "$machine:$PART" "$FOLDER/.part" || full "the result of $1 can't be copied from $PART on $machine"
    set -- "$1" "$2" "$FOLDER/.part/"*.json
    [ $# -eq 3 ] && [ -s "$3" ] || fail "gcproto bench left no result on $1, or several: see $FOLDER/.part"
    sync "$3" && mv "$3" "$FOLDER/$1/boot-$2-${3##*/}" || full "the result of $1 can't be written here"
    rm -rf "$FOLDER/.part"
    there "rm -rf $PART" || true
}

asked="$BASE $NEW $machine$options"
see
prepare
boot=1
while [ "$boot" -le "$boots" ]; do
    if [ $((boot % 2)) -eq 1 ]; then order="$BASE $NEW"; else order="$NEW $BASE"; fi
    for kernel in $order; do
        is_done "$kernel" "$boot" && continue
        echo "measure.sh: boot $boot of $boots of $kernel" >&2
        enter "$kernel"
        measure "$kernel" "$boot"
    done
    boot=$((boot + 1))
done
gcproto compare "$FOLDER/$BASE" "$FOLDER/$NEW"

#!/bin/sh
# Boots a machine alternately into two kernels, measures in each boot, and compares.  Run it on another machine:
#
#   sh measure.sh root@MACHINE [BOOTS [OPTION OF gcproto bench]...]
#
# BOOTS of each kernel, 5 by default, at least 2.  On the machine both packages, kexec-tools and gcproto must be
# installed.  ssh must log in without a question.  The order changes each time (A B, B A, ...), so a drift of the machine hits both kernels.
# The machine stays in the last kernel.  A plain reboot goes back to the one that its boot loader chooses.
set -eu

BASE=@BASE@
NEW=@NEW@
FOLDER=gcproto-boots
BOOT_SECONDS=900   # limit of a boot
SETTLE_SECONDS=60  # services of a fresh boot end in them

fail() {
    echo "measure.sh: $*" >&2
    exit 3
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
    [ ! -e "$FOLDER" ] || fail "there is a folder $FOLDER here: move it away, or its results are compared as well"
    [ -n "$(boot_id)" ] || fail "$machine does not answer: ssh $machine must log in without a question"
    for kernel in "$BASE" "$NEW"; do
        there "test -f /boot/vmlinuz-$kernel" || fail "$kernel is not installed on $machine: apt-get install its package"
    done
    there "command -v kexec >/dev/null" || fail "kexec is missing on $machine: apt-get install kexec-tools"
    there "command -v gcproto >/dev/null" || fail "gcproto is not installed on $machine: pip install gcproto"
    there "test ! -e $FOLDER" || fail "there is a folder $FOLDER on $machine: move it away, or it is compared as well"
}

see
boot=1
while [ "$boot" -le "$boots" ]; do
    if [ $((boot % 2)) -eq 1 ]; then order="$BASE $NEW"; else order="$NEW $BASE"; fi
    for kernel in $order; do
        echo "measure.sh: boot $boot of $boots of $kernel" >&2
        enter "$kernel"
        # 1: some measurements are void, which the comparison omits.
        there "gcproto bench --out $FOLDER/$kernel$options" || [ $? -eq 1 ] ||
            fail "gcproto bench failed on $kernel; results so far are in $FOLDER on $machine"
    done
    boot=$((boot + 1))
done
scp -q -r "$machine:$FOLDER" . || fail "the results can't be copied; they are in $FOLDER on $machine"
gcproto compare "$FOLDER/$BASE" "$FOLDER/$NEW"

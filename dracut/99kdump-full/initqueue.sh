#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dracut gives up its queue after a while, and counts rounds for that, not seconds. Disks may come later than that, while kdump-capture
# still waits for them.

# shellcheck source=/dev/null
. /lib/dracut-lib.sh

# A disk that is not there by now may never come: what can do without it is started. KDUMP_LATE_S: seconds since the kernel started.
start_late() {
    while read -r uptime _ < /proc/uptime && [ "${uptime%.*}" -lt "${KDUMP_LATE_S:-40}" ]; do
        sleep 1
    done
    check_finished && return
    echo "kdump: not all disks are there, starting what can do without them" > /dev/kmsg
    # hookdir is dracut's.
    # shellcheck disable=SC2154
    for job in "$hookdir"/initqueue/timeout/*.sh; do
        # shellcheck source=/dev/null
        [ -e "$job" ] && (. "$job")
    done
}

start_late &
while :; do
    /bin/dracut-initqueue
    check_finished && exit 0
    sleep 1
done

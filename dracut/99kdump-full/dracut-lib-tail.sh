# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# At the end of dracut-lib.sh, in place of its functions: nothing of the stack may wait for a human or end the machine.
emergency_shell() {
    echo "kdump: dracut would stop here: $*" > /dev/kmsg
}

die() {
    echo "kdump: dracut would end here: $*" > /dev/kmsg
    exit 1
}

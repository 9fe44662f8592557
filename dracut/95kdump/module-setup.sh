#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The minimal capture initramfs: kdump-capture as /init, the plan, and the kernel modules that the plan lists. No shell, no
# systemd, no udev. Meant to be the only module of an image (dracut --modules kdump).

# Only when it is asked for by name: it is of no use in an image that boots a system.
check() {
    return 255
}

depends() {
    return 0
}

# shellcheck source=dracut/95kdump/plan-lib.sh
. "${BASH_SOURCE[0]%/*}/plan-lib.sh"

install() {
    local -a _files

    kdump_install_program /init
    # A static program alone needs no libgcc_s, which dracut adds at its end from these directories.
    mapfile -t _files < <(kdump_plan_list files)
    # shellcheck disable=SC2154
    if [[ ${#_files[@]} -eq 0 ]] && ! ldd "$initdir/init" > /dev/null 2>&1; then
        # shellcheck disable=SC2034 # dracut reads it
        libdirs=
    fi
    kdump_install_plan
}

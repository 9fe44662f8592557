#!/bin/bash
# shellcheck disable=SC2154 # dracut sets the names of directories
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The full form of the capture initramfs: dracut and systemd bring up what the targets stand on, kdump-capture is a unit beside
# them. Meant to be the only module that is asked for (dracut --modules kdump-full); the others follow from the plan. Its number is
# the last one, since it changes what modules before it have installed.

# Only when it is asked for by name: it is of no use in an image that boots a system.
check() {
    return 255
}

# shellcheck source=dracut/95kdump/plan-lib.sh
. "${BASH_SOURCE[0]%/*}/../95kdump/plan-lib.sh"

depends() {
    echo base udev-rules systemd-initrd dracut-systemd
    kdump_plan_list dracut_modules | tr '\n' ' '
}

# Time of the capture, and of what may come behind its deadline: hooks, the log on the console, a disk that does not sync.
kdump_install_limit() {
    local _deadline_ms _dir="$initdir$systemdsystemunitdir/kdump-capture.service.d"

    _deadline_ms=$(kdump_plan_number deadline_ms)
    [[ ${_deadline_ms:-0} -gt 0 && $(kdump_plan_value failure) != shell ]] || return 0
    mkdir -p "$_dir"
    printf '[Unit]\nJobRunningTimeoutSec=%d\nJobTimeoutAction=reboot-force\n' \
        $((_deadline_ms / 1000 + 300)) > "$_dir/limit.conf"
}

# Loaded by kdump-capture too, which has no decompressor; the image as a whole is compressed.
kdump_unpack_kernel_modules() {
    local _file _plain

    while read -r _file; do
        _plain=${_file%.*}
        if [[ ! -e $_plain ]]; then
            case $_file in
                *.zst) kdump_unpack "$_file" "$_plain" zstd zstd ;;
                *.xz) kdump_unpack "$_file" "$_plain" xz xz-utils ;;
                *.gz) kdump_unpack "$_file" "$_plain" gzip gzip ;;
            esac || kdump_fail "cannot unpack $_file"
        fi
        rm -f -- "$_file"
    done < <(find "$initdir/lib/modules/$kernel/" -name '*.ko.*')
}

# What waits for a human, what the capture system has no use for, and what the host has set for itself.
kdump_remove() {
    local _name

    for _name in emergency.service rescue.service dracut-emergency.service debug-shell.service systemd-journald.service \
        systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket syslog.socket \
        systemd-ask-password-console.path systemd-ask-password-plymouth.path systemd-sysctl.service \
        systemd-modules-load.service systemd-vconsole-setup.service dracut-cmdline-ask.service; do
        ln -sfn /dev/null "$initdir/etc/systemd/system/$_name"
    done
    rm -rf -- "$initdir"/etc/systemd/system/initrd.target.wants "$initdir"/etc/systemd/system/initrd.target \
        "$initdir$systemdutildir"/system-generators "$initdir"/etc/systemd/system-generators "$initdir"/etc/sysctl.d \
        "$initdir"/etc/sysctl.conf "$initdir"/usr/lib/sysctl.d "$initdir"/etc/modules-load.d "$initdir"/usr/lib/modules-load.d \
        "$initdir"/etc/systemd/system.conf.d "$initdir"/etc/shadow "$initdir"/usr/lib/systemd/systemd-journald \
        "$initdir$systemdutildir"/systemd-journald "$initdir$systemdutildir"/systemd-coredump \
        "$initdir"/etc/udev/hwdb.bin "$initdir"/usr/lib/udev/hwdb.bin "$initdir"/lib/udev/hwdb.bin
}

install() {
    local _units=$systemdsystemunitdir _retry_ms _name

    kdump_install_program /usr/lib/kdump/kdump-capture
    kdump_install_plan
    kdump_unpack_kernel_modules
    kdump_remove

    for _name in kdump.target kdump-capture.service kdump-failed.service; do
        inst_simple "$moddir/$_name" "$_units/$_name" || kdump_fail "cannot install $_name"
    done
    kdump_install_limit
    # Of two files with one name systemd reads one only.
    inst_simple "$moddir/service.conf" "$_units/service.d/kdump-log.conf"
    inst_script "$moddir/initqueue.sh" /usr/lib/kdump/initqueue || kdump_fail "cannot install initqueue"
    inst_simple "$moddir/initqueue.conf" "$_units/dracut-initqueue.service.d/kdump-queue.conf"
    rm -f -- "$initdir/etc/systemd/system.conf" "$initdir/etc/udev/udev.conf"
    inst_simple "$moddir/system.conf" /etc/systemd/system.conf
    # In an initramfs systemd starts this one, whatever is the default.
    ln -sfn "$_units/kdump.target" "$initdir/etc/systemd/system/initrd.target"
    # Each worker of udev takes memory.
    mkdir -p "$initdir/etc/udev" "$initdir/etc/cmdline.d"
    printf 'udev_log=err\nchildren_max=4\n' > "$initdir/etc/udev/udev.conf"

    [[ -f $initdir/lib/dracut-lib.sh ]] || kdump_fail "there is no dracut-lib.sh in the image"
    cat "$moddir/dracut-lib-tail.sh" >> "$initdir/lib/dracut-lib.sh"
    _retry_ms=$(kdump_plan_number retry_ms)
    printf '[Service]\nEnvironment=KDUMP_LATE_S=%d\n' $((${_retry_ms:-40000} / 1000)) \
        > "$initdir$_units/dracut-initqueue.service.d/kdump-late.conf"
    echo 'rd.shell=0' > "$initdir/etc/cmdline.d/99-kdump.conf"
}

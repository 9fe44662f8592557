#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A capture as it is usual: dracut, systemd, makedumpfile, fence_kdump_send; only what this guest needs.

check() {
	return 255
}

depends() {
	echo bash systemd systemd-udevd udev-rules base fs-lib
}

installkernel() {
	instmods virtio_blk virtio_pci virtio_net ext4
}

install() {
	inst_multiple makedumpfile fence_kdump_send ip mount umount mkdir mv sync sleep cat reboot
	# shellcheck disable=SC2154 # dracut sets them
	inst_simple "$moddir/save" /usr/bin/save
	# shellcheck disable=SC2154
	inst_simple "$moddir/save.service" "$systemdsystemunitdir/save.service"
	inst_simple "$moddir/save.target" "$systemdsystemunitdir/save.target"
	# 13 MB of names of devices.
	# shellcheck disable=SC2154
	rm -f "$initdir"/{usr/lib,etc,lib}/udev/hwdb.bin
}

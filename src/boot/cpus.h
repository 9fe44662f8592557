// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * How many CPUs the capture kernel starts, and which one it must leave alone.
 *
 * Does not write the command line (boot/cmdline.h).
 */
#ifndef BOOT_CPUS_H
#define BOOT_CPUS_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"

/**
 * What a CPU beyond the first is counted with, in MiB, beside the copier's thread on it. Measured, both together take 1 to 1.5
 * (tests/vm/README.md), and drivers make fewer queues in a capture kernel (is_kdump_kernel(), block/blk-mq.c, v6.1).
 */
enum { CPUS_EACH_MIB = 2 };

/** CPUs of the capture kernel. cpus_deinit() it. */
struct cpus {
	unsigned int count; /**< At least 1. */
	char *parameters; /**< For the kernel's command line. */
	char *reason; /**< Why that many. */
};

/**
 * Choose: no more than KDUMP_CPUS, than the machine has online, and than the reservation has room for.
 *
 * On x86 the CPU that booted must not be started by another one, which is what happens where the kernel crashed on another: it
 * resets the machine. So more than one CPU need its APIC ID. Source: kernel-parameters.txt, disable_cpu_apicid; Linux 6.9 and newer
 * find it themselves.
 *
 * @param[in] host The machine.
 * @param[in] config Checked.
 * @param[in] is_full The form of the capture initramfs is the full one, which leaves less room.
 * @param[out] ret Filled; zeroed on error.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *cpus_choose(const struct host *host, const struct config *config, bool is_full,
                          struct cpus *ret) must_check;

/** Free what cpus_choose() made. @param[in] cpus Filled, or zeroed. */
void cpus_deinit(struct cpus *cpus);

#define _cleanup_cpus_ _cleanup_(cpus_deinit)

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What would make a capture fail in how kernels are set up: parameters of the capture kernel, lockdown, a target that is read-only.
 *
 * A part of checkup.h. Does not look at the image and at the memory, and reads a few files only.
 */
#ifndef BOOT_CHECKUP_KERNEL_H
#define BOOT_CHECKUP_KERNEL_H

#include "base/host.h"
#include "boot/findings.h"
#include "boot/plan.h"

/** Look. @param[in] host The machine. @param[in] plan What would be done after a crash. @param[in,out] findings Findings are added. */
void checkup_kernel(const struct host *host, const struct plan *plan, struct findings *findings);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Kernel modules that a capture needs, and that somebody has forbidden.
 *
 * Does not know whether they are in the image (boot/checkup_image.h).
 */
#ifndef BOOT_CHECKUP_MODULES_H
#define BOOT_CHECKUP_MODULES_H

#include "boot/findings.h"
#include "boot/plan.h"

/** Look at the command line of the capture kernel. @param[in] plan What would be done. @param[in,out] findings Findings are added. */
void checkup_modules(const struct plan *plan, struct findings *findings);

/**
 * Look at a file of modprobe.d(5) that the image has. The full form only: the minimal one has no modprobe, and loads what the plan lists.
 *
 * @param[in] plan What would be done.
 * @param[in] name Of the file, in the image.
 * @param[in] text What is in it.
 * @param[in,out] findings Findings are added.
 */
void checkup_modules_file(const struct plan *plan, const char *name, const char *text, struct findings *findings);

#endif

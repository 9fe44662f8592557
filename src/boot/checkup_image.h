// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What would make a capture fail in the capture initramfs itself: it is missing or stale, or something that the plan needs is not in it.
 *
 * Does not build it (boot/initrd.h).
 */
#ifndef BOOT_CHECKUP_IMAGE_H
#define BOOT_CHECKUP_IMAGE_H

#include "base/host.h"
#include "boot/findings.h"
#include "boot/plan.h"

/** Look. The image is read whole. @param[in] host The machine. @param[in] plan What would be done. @param[in,out] findings Findings are added. */
void checkup_image(const struct host *host, const struct plan *plan, struct findings *findings);

#endif

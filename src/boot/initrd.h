// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The capture initramfs: whether it still fits the plan, and its making by dracut.
 *
 * Does not decide what goes in; that is the plan's and the dracut module's.
 */
#ifndef BOOT_INITRD_H
#define BOOT_INITRD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/plan.h"

/** Where the image is. What it was made from is beside it, in "initrd.inputs". */
#define INITRD_PATH "/var/lib/kdump/initrd"

/** The program that becomes /init, or a unit. */
#define INITRD_CAPTURE_PATH KDUMP_LIBDIR "/kdump-capture"

/**
 * Whether the image is the one that the plan needs: same plan, same program, kernel and modules, and the image as it
 * was made. Files count by their content.
 *
 * @param[in] host The machine.
 * @param[in] plan The plan.
 * @param[out] cause_ret Why it must be made anew, for a person; NULL if it need not. free() it.
 * @return NULL; ERROR_CONFIG (a file that belongs in it is not there); ERROR_OS; ERROR_NOMEM.
 */
struct error *initrd_check(const struct host *host, const struct plan *plan, char **cause_ret) must_check;

/**
 * The plan that the image was made from, if that is still as it was made and so is all that went into it. Nothing else is looked at: not
 * the configuration, no disk, no network. So it can be asked while the machine starts, before there is anything to make a plan of; what a
 * new plan would say may differ.
 *
 * @param[in] host The machine.
 * @param[out] plan_ret The plan; plan_deinit() it. Zeroed where there is a cause.
 * @param[out] cause_ret Why the image must be made anew, for a person; NULL if it need not. free() it.
 * @return NULL; ERROR_BAD_DATA (what is kept of the plan cannot be read); ERROR_UNSUPPORTED (the plan is of another version); ERROR_OS;
 *	   ERROR_NOMEM.
 */
struct error *initrd_recorded(const struct host *host, struct plan *plan_ret, char **cause_ret) must_check;

/**
 * Make the image. Its name holds either the old or the whole new one.
 *
 * The caller holds the lock: one working directory serves all.
 *
 * @param[in] host The machine.
 * @param[in] plan The plan.
 * @return NULL; ERROR_CONFIG; ERROR_OS (dracut is not there, or failed: its last line);
 *	   ERROR_NOSPC; ERROR_TIMEOUT; ERROR_NOMEM.
 */
struct error *initrd_build(const struct host *host, const struct plan *plan) must_check;

#endif

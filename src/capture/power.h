// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What the machine does last: reboot, halt, power off, or a shell for a human.
 *
 * Does not decide which.
 */
#ifndef CAPTURE_POWER_H
#define CAPTURE_POWER_H

#include "base/host.h"
#include "boot/plan.h"
#include "capture/log.h"

/** Name of an action, as the configuration spells it. @param[in] action Action. @return Static text. */
const char *power_name(enum plan_action action);

/**
 * Do the last action. Does not return if the machine can do any of it.
 *
 * Nothing in here can hang for long: what may wait for a lost disk runs in a child process, and after it the kernel's own
 * emergency key (Documentation/admin-guide/sysrq.rst) is used. A shell that is not in the image becomes a reboot.
 *
 * @param[in] host For its power function.
 * @param[in] action What to do.
 * @param[in,out] log What is told, on the console.
 */
void power_run(const struct host *host, enum plan_action action, struct log *log);

#endif

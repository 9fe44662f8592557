// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What would make a capture fail, as far as it can be seen before a crash.
 *
 * Changes nothing, and does not ask whether the plan can be made: that is plan_make().
 */
#ifndef BOOT_CHECKUP_H
#define BOOT_CHECKUP_H

#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/findings.h"
#include "boot/plan.h"

/**
 * Look at the machine.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[in] plan What would be done after a crash, made of both.
 * @param[in,out] findings Findings are added.
 * @return NULL; ERROR_NOMEM. What cannot be looked at is a finding.
 */
struct error *checkup_run(const struct host *host, const struct config *config, const struct plan *plan,
                          struct findings *findings) must_check;

/** The part of it that is known at once, and does not depend on what is loaded. What the plan warns of is not in it. @param[in] host, config, plan As above. @param[in,out] findings As above. @return As above. */
struct error *checkup_run_quick(const struct host *host, const struct config *config, const struct plan *plan,
                                struct findings *findings) must_check;

#endif

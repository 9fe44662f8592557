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

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/plan.h"

/** How bad it is. */
enum finding_severity {
	FINDING_WARNING, /**< A capture may fail, or not do all that was asked for. */
	FINDING_ERROR, /**< There would be no capture, or no dump. */
};

/** One thing that is not as it should be. */
struct finding {
	const char *name; /**< Of the check, for scripts: one word. Static. */
	enum finding_severity severity;
	char *text; /**< What, and what to do. */
};

/** Findings, in the order of the checks. Zeroed is none; checkup_deinit() it. */
struct checkup {
	struct finding *list;
	size_t count;
	bool is_failed; /**< Memory was exhausted; checkup_run() tells. */
};

/** Add a finding. @param[in,out] checkup The list. @param[in] severity How bad. @param[in] name Static. @param[in] fmt What, and what to do, as printf. */
void checkup_add(struct checkup *checkup, enum finding_severity severity, const char *name, const char *fmt, ...)
	printf_format(4, 5);

/**
 * Look at the machine.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[in] plan What would be done after a crash, made of both.
 * @param[in,out] checkup Findings are added.
 * @return NULL; ERROR_NOMEM. What cannot be looked at is a finding.
 */
struct error *checkup_run(const struct host *host, const struct config *config, const struct plan *plan,
                          struct checkup *checkup) must_check;

/** The part of it that is known at once, and does not depend on what is loaded. What the plan warns of is not in it. @param[in] host, config, plan As above. @param[in,out] checkup As above. @return As above. */
struct error *checkup_run_quick(const struct host *host, const struct config *config, const struct plan *plan,
                                struct checkup *checkup) must_check;

/** Free what a list owns. @param[in] checkup Used, or zeroed. */
void checkup_deinit(struct checkup *checkup);

#define _cleanup_checkup_ _cleanup_(checkup_deinit)

#endif

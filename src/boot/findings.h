// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A list of what is not as it should be.
 *
 * Does not look for it (checkup.h).
 */
#ifndef BOOT_FINDINGS_H
#define BOOT_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

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

/** Findings, in the order of the checks. Zeroed is none; findings_deinit() it. */
struct findings {
	struct finding *list;
	size_t count;
	bool is_failed; /**< Memory was exhausted; checkup_run() tells. */
};

/** Add a finding. @param[in,out] findings The list. @param[in] severity How bad. @param[in] name Static. @param[in] fmt What, and what to do, as printf. */
void findings_add(struct findings *findings, enum finding_severity severity, const char *name, const char *fmt, ...)
	printf_format(4, 5);

/** Free what a list owns. @param[in] findings Used, or zeroed. */
void findings_deinit(struct findings *findings);

#define _cleanup_findings_ _cleanup_(findings_deinit)

#endif

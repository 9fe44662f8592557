// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A plan in the making: what the decisions work on, and how they say why.
 *
 * Decides nothing (plan_make.c, plan_reach.c).
 */
#ifndef BOOT_PLANNER_H
#define BOOT_PLANNER_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/plan.h"
#include "boot/stack.h"
#include "boot/words.h"

/** What the decisions work on. planner_deinit() it. */
struct planner {
	const struct host *host;
	const struct config *config;
	struct plan *plan; /**< Grows; not freed with this. */
	char *place; /**< What the first target is now, for a person: the device; NULL: it is a server. */
	struct stack stack; /**< What all targets stand on. */
	struct words servers; /**< Their addresses. */
	struct words target_files;
	struct words sessions; /**< Of disks that are reached by iSCSI, as they stand in the plan. */
	struct words volumes; /**< Encrypted ones, as they stand in the plan. */
	struct words secrets; /**< Of each target, "" of those without. */
};

/** Free what it owns. @param[in] planner Used, or zeroed. */
void planner_deinit(struct planner *planner);

#define _cleanup_planner_ _cleanup_(planner_deinit)

/** Add a reason. @param[in,out] planner See there. @param[in] key Of the plan, or PLAN_WARNING. @param[in] fmt Why, as printf. @return NULL; ERROR_NOMEM. */
struct error *planner_explain(struct planner *planner, const char *key, const char *fmt, ...)
	printf_format(3, 4) must_check;

/** Add the common reason: the line that set a key. @param[in,out] planner See there. @param[in] plan_key Of the plan. @param[in] key Of the configuration. @return NULL; ERROR_NOMEM. */
struct error *planner_explain_key(struct planner *planner, const char *plan_key, enum config_key key) must_check;

#endif

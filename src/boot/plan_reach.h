// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The part of a plan that says where dumps go, and what reaches these places: drivers, file systems, the network.
 *
 * Decides nothing else (plan_make.c).
 */
#ifndef BOOT_PLAN_REACH_H
#define BOOT_PLAN_REACH_H

#include "boot/planner.h"

/** The first target. @param[in,out] planner See there. @return NULL; as destination_find(). */
struct error *plan_reach_target(struct planner *planner) must_check;

/** The targets behind it, after plan_reach_target(). @param[in,out] planner See there. @return NULL; as destination_find_next(). */
struct error *plan_reach_fallback(struct planner *planner) must_check;

/** Kernel modules of the targets, when these and the kernel are known. @param[in,out] planner See there. @return NULL; as modules_add_device(). */
struct error *plan_reach_modules(struct planner *planner) must_check;

/** The network of servers and notices, when the targets and the kernel are known. @param[in,out] planner See there. @return NULL; as ways_find(). */
struct error *plan_reach_network(struct planner *planner) must_check;

/** Warn of keys without effect: where there is no file system nothing is counted or removed. @param[in,out] planner See there. @return NULL; ERROR_NOMEM. */
struct error *plan_reach_warn(struct planner *planner) must_check;

#endif

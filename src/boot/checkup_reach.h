// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Whether the servers of targets take a connection now.
 *
 * Sends nothing but what TCP sends, and does not log in. Names were resolved by the plan.
 */
#ifndef BOOT_CHECKUP_REACH_H
#define BOOT_CHECKUP_REACH_H

#include <stdint.h>

#include "boot/findings.h"
#include "boot/plan.h"

/** Time that kdumpctl check gives all servers together: a SYN that is lost is sent again after 1 and 3 s (RFC 6298). */
enum { CHECKUP_REACH_TIMEOUT_MS = 4000 };

/**
 * Try each server of the plan, all at once.
 *
 * @param[in] plan What would be done.
 * @param[in] timeout_ms For all of them together.
 * @param[in,out] findings Findings are added, an error where there is no other target.
 */
void checkup_reach(const struct plan *plan, uint64_t timeout_ms, struct findings *findings);

#endif

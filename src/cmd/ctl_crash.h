// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdumpctl test --crash: a panic in earnest, and what came of it, as the next boot sees it.
 *
 * Does not look for dumps (ctl_dumps.h), only at the list of those that were told of.
 */
#ifndef CMD_CTL_CRASH_H
#define CMD_CTL_CRASH_H

#include "cmd/ctl.h"

/** The last test: when it was, in which boot, which dumps were there, and which came. */
#define CTL_CRASH_PATH "/var/lib/kdump/crash-test"

/** Ask, write down that this is a test, and panic. @param[in] ctl The call. @return Only on failure, or under --root NULL: ERROR_CONFIG (nothing is loaded); ERROR_CANCELED (not confirmed); ERROR_OS; ERROR_NOSPC; ERROR_NOMEM. */
struct error *ctl_crash(const struct ctl *ctl) must_check;

/** Print what came of the last test, if there was one before this boot. @param[in] ctl The call. @param[in] is_new All new dumps were told of right now: one that is not among them did not come. @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM. */
struct error *ctl_crash_tell(const struct ctl *ctl, bool is_new) must_check;

#endif

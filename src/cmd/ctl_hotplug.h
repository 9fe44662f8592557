// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdumpctl hotplug: what udev calls for each CPU and each piece of memory that comes or goes.
 *
 * Does not know which of them matter: initscripts/98-kdump.rules.
 */
#ifndef CMD_CTL_HOTPLUG_H
#define CMD_CTL_HOTPLUG_H

#include "cmd/ctl.h"

/** Note it and return, with somebody started who reloads; with --serve be that one. Nothing is done where no capture kernel is loaded. @param[in] ctl The call. @param[out] exit_ret Left alone. @return NULL; an error for a person, of any code. */
struct error *ctl_hotplug(const struct ctl *ctl, int *exit_ret) must_check;

#endif

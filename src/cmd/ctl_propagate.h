// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdumpctl propagate: what a capture needs to reach a server by ssh is made, with the administrator's credentials.
 *
 * Does not change the configuration, and does not write to the server but for the public key.
 */
#ifndef CMD_CTL_PROPAGATE_H
#define CMD_CTL_PROPAGATE_H

#include "cmd/ctl.h"

/** kdumpctl propagate. @param[in] ctl The call. @param[in,out] exit_ret Untouched. @return NULL; ERROR_CONFIG (no target is a server of ssh); ERROR_USAGE (nobody can be asked); ERROR_CANCELED; ERROR_OS; ERROR_TIMEOUT; ERROR_NOMEM. */
struct error *ctl_propagate(const struct ctl *ctl, int *exit_ret) must_check;

#endif

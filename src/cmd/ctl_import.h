// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdumpctl import: the configuration of another distribution's kdump becomes ours.
 *
 * Does not know what their lines mean (boot/import.h).
 */
#ifndef CMD_CTL_IMPORT_H
#define CMD_CTL_IMPORT_H

#include "cmd/ctl.h"

/** kdumpctl import. @param[in] ctl The call. @param[in,out] exit_ret Untouched. @return As import_read() and ctl_settings_write(). */
struct error *ctl_import(const struct ctl *ctl, int *exit_ret) must_check;

#endif

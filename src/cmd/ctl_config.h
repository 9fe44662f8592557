// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdumptool dump_config: the configuration as it is understood, for reports such as those of supportconfig.
 *
 * Does not show passwords.
 */
#ifndef CMD_CTL_CONFIG_H
#define CMD_CTL_CONFIG_H

#include "cmd/ctl.h"

/** kdumptool dump_config: a line KEY="value" for each key, with its default where it is not set. @param[in] ctl The call. @param[in,out] exit_ret Untouched. @return As ctl_load_config(). */
struct error *ctl_config_dump(const struct ctl *ctl, int *exit_ret) must_check;

/**
 * A value as it may be shown: "scheme://user:password@host/…", also of several URLs with blanks between them, without the passwords.
 *
 * @param[in] value The value.
 * @param[out] ret The text; free() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *ctl_config_mask(const char *value, char **ret) must_check;

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Settings that a subcommand writes into the configuration file, which keeps its comments.
 *
 * Does not decide on values.
 */
#ifndef CMD_CTL_SETTINGS_H
#define CMD_CTL_SETTINGS_H

#include "boot/config.h"
#include "cmd/ctl.h"

/** Values to be written. Zeroed is none. */
struct ctl_settings {
	const char *values[KEY_COUNT]; /**< NULL: stays as it is. Borrowed. */
	bool has_secret; /**< One has a password: the file becomes readable for its owner only. */
};

/**
 * The configuration that would be; drop-ins are not read.
 *
 * @param[in] ctl The call.
 * @param[in] settings The values.
 * @param[out] ret Checked; config_deinit() it.
 * @return NULL; ERROR_CONFIG; ERROR_UNSUPPORTED; ERROR_OS; ERROR_NOMEM.
 */
struct error *ctl_settings_preview(const struct ctl *ctl, const struct ctl_settings *settings,
                                   struct config *ret) must_check;

/**
 * Write them into the configuration file. What was there is kept beside it as FILE.old, or FILE.old.N if that is there. The new text is
 * checked first, and nothing is written if we would not take it.
 *
 * @param[in] ctl The call.
 * @param[in] settings The values.
 * @param[out] kept_ret Path of the old one; NULL: there was none, or nothing had to be changed. free() it.
 * @return NULL; ERROR_CONFIG; ERROR_UNSUPPORTED (what is in the file already); ERROR_OS; ERROR_NOSPC; ERROR_NOMEM.
 */
struct error *ctl_settings_write(const struct ctl *ctl, const struct ctl_settings *settings,
                                 char **kept_ret) must_check;

/** Tell of values that a drop-in overrides. @param[in] ctl The call. @param[in] settings What was written. @return NULL; as config_load(). */
struct error *ctl_settings_verify(const struct ctl *ctl, const struct ctl_settings *settings) must_check;

#endif

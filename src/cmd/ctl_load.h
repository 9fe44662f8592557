// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Subcommands of kdumpctl that make the machine ready for a crash, and tell whether it is.
 *
 * Each takes the call, and the exit code of what is no error: it is left alone unless a comment says otherwise. Each returns an error
 * for a person, of any code.
 */
#ifndef CMD_CTL_LOAD_H
#define CMD_CTL_LOAD_H

#include "cmd/ctl.h"

/** Make the plan, build a stale image, load the capture kernel; then take dumps from raw partitions. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_start(const struct ctl *ctl, int *exit_ret) must_check;

/** Unload the capture kernel. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_stop(const struct ctl *ctl, int *exit_ret) must_check;

/** Tell whether one is loaded. @param[in] ctl The call. @param[out] exit_ret EXIT_CONFIG if none is. @return As above. */
struct error *ctl_load_status(const struct ctl *ctl, int *exit_ret) must_check;

/** Print the plan. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_plan(const struct ctl *ctl, int *exit_ret) must_check;

/** Build the image, stale or not. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_rebuild(const struct ctl *ctl, int *exit_ret) must_check;

/** mkdumprd: build the image if it is stale, or with -f. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_mkdumprd(const struct ctl *ctl, int *exit_ret) must_check;

/** Print the size of the reservation. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_showmem(const struct ctl *ctl, int *exit_ret) must_check;

#endif

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

/**
 * Build the image if it must be. The caller holds CTL_LOCK_PATH.
 *
 * @param[in] ctl The call.
 * @param[in] plan The plan.
 * @param[in] is_forced Also if it is fresh.
 * @param[out] words_ret What was done, "rebuilt: …" or "fresh"; free() it.
 * @return As above.
 */
struct error *ctl_load_refresh(const struct ctl *ctl, const struct plan *plan, bool is_forced,
                               char **words_ret) must_check;

/** The same, but what is loaded already and unchanged is left alone, and so are raw partitions. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_reload(const struct ctl *ctl, int *exit_ret) must_check;

/** Unload the capture kernel. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_stop(const struct ctl *ctl, int *exit_ret) must_check;

/** Whether memory is reserved. @param[in] ctl The call. @param[in] config The configuration; NULL if it cannot be read. @param[out] bytes_ret Its size. @return As above; ERROR_CONFIG: there is none, and what to do. */
struct error *ctl_load_check_reservation(const struct ctl *ctl, const struct config *config,
                                         uint64_t *bytes_ret) must_check;

/** Print the plan. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_plan(const struct ctl *ctl, int *exit_ret) must_check;

/** Build the image, stale or not. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_rebuild(const struct ctl *ctl, int *exit_ret) must_check;

/** mkdumprd: build the image if it is stale, or with -f. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_mkdumprd(const struct ctl *ctl, int *exit_ret) must_check;

/** Print the size of the reservation. @param[in] ctl The call. @param[out] exit_ret As above. @return As above. */
struct error *ctl_load_showmem(const struct ctl *ctl, int *exit_ret) must_check;

/** As a reload, but only if something is loaded, or was until a load that has failed. @param[in] ctl The call. @return As above. */
struct error *ctl_load_again(const struct ctl *ctl) must_check;

#endif

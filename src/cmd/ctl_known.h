// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What was told of dumps before: the names of all, and the last one of this machine with what became of it.
 *
 * Does not look at dumps (report/dumps.h), and tells nobody.
 */
#ifndef CMD_CTL_KNOWN_H
#define CMD_CTL_KNOWN_H

#include <stdint.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/words.h"
#include "report/dumps.h"

/** Names of dumps that were told of, one on a line. */
#define CTL_KNOWN_PATH "/var/lib/kdump/known-dumps"

/** Read the names. @param[in] host The machine. @param[in,out] ret Receives them; none if there is no list. @return NULL; ERROR_OS; ERROR_NOMEM. */
struct error *ctl_known_read(const struct host *host, struct words *ret) must_check;

/** Replace the names. @param[in] host The machine. @param[in] names All of them. @return NULL; ERROR_OS; ERROR_NOSPC; ERROR_NOMEM. */
struct error *ctl_known_write(const struct host *host, const struct words *names) must_check;

/** The time that a dump's name has. @param[in] name Of its directory. @return Seconds since 1970; 0: it has none. */
int64_t ctl_known_time(const char *name);

/**
 * Note a dump that was told of; one that is older than the last is not.
 *
 * @param[in] host The machine.
 * @param[in] name Its name. One without a time is not noted.
 * @param[in] state What became of it.
 * @return NULL; ERROR_OS; ERROR_NOSPC; ERROR_NOMEM.
 */
struct error *ctl_known_note_last(const struct host *host, const char *name, enum dumps_state state) must_check;

/**
 * The last dump that was noted.
 *
 * @param[in] host The machine.
 * @param[out] name_ret Its name, NULL: there is none; free() it.
 * @param[out] state_ret What became of it, as dumps_state_name() has it; free() it.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *ctl_known_last(const struct host *host, char **name_ret, char **state_ret) must_check;

#endif

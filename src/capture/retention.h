// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Removes old dumps of this host, after the new one is sealed.
 *
 * Touches nothing that is not named like a dump of this host.
 */
#ifndef CAPTURE_RETENTION_H
#define CAPTURE_RETENTION_H

#include <stddef.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/plan.h"
#include "capture/dumpdir.h"
#include "capture/log.h"

/**
 * Remove the oldest dumps, those that are not whole included.
 *
 * The age of a dump is the time in its name. A directory that is being removed gets DUMPDIR_INCOMPLETE first, so that it never
 * passes for a whole one. A directory with something in it that is not a file is left, and told.
 *
 * @param[in] dir The new dump, sealed; it is never removed and does not count.
 * @param[in] plan How many of them stay, of what size together with the new one, of what age, and how much is to be free.
 * @param[in] now The time of the new one.
 * @param[in,out] log What was removed.
 * @return NULL; ERROR_OS (the directory of dumps cannot be read); ERROR_NOMEM.
 */
struct error *retention_run(const struct dumpdir *dir, const struct plan *plan, time_t now, struct log *log) must_check;

/**
 * Remove parts (DUMPDIR_PART) of dumps that are gone.
 *
 * @param[in] dir A directory beside them.
 * @param[in] host_name Name of a dump of this host; others' parts stay.
 * @param[in] parent_fds Directories of dumps, where the dump may be.
 * @param[in] count Their number.
 * @param[in,out] log What was removed.
 * @return NULL; ERROR_OS (the directory cannot be read).
 */
struct error *retention_remove_parts(const struct dumpdir *dir, const char *host_name, const int *parent_fds,
                                     size_t count, struct log *log) must_check;

/**
 * Count dumps of the same host that were made not long ago, those that are not whole included.
 *
 * @param[in] dir The new dump; it does not count.
 * @param[in] from, to Times in their names, both of them included.
 * @param[out] count_ret Their number.
 * @return NULL; ERROR_OS (the directory of dumps cannot be read); ERROR_NOMEM.
 */
struct error *retention_count(const struct dumpdir *dir, time_t from, time_t to, size_t *count_ret) must_check;

#endif

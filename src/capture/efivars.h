// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The end of a log in variables of the firmware, as the kernel's pstore leaves it there: the next boot finds it like any other
 * record of pstore.
 *
 * Does not read or remove any: pstore does.
 * Source: Linux drivers/firmware/efi/efi-pstore.c (names, 1024 bytes a record), fs/pstore/platform.c (the first line of each record).
 */
#ifndef CAPTURE_EFIVARS_H
#define CAPTURE_EFIVARS_H

#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Where the kernel shows them. */
#define EFIVARS_PATH "/sys/firmware/efi/efivars"

/**
 * Write the end of a log, the last lines first, until it is there or the firmware has no more room.
 *
 * @param[in] directory Where variables are files, usually EFIVARS_PATH.
 * @param[in] fd The log.
 * @param[in] time Of the records.
 * @param[out] count_ret Records that were written.
 * @return NULL (at least one was); ERROR_OS; ERROR_NOSPC.
 */
struct error *efivars_write(const char *directory, int fd, time_t time, unsigned int *count_ret) must_check;

/** Mount EFIVARS_PATH. @return NULL, also if it is mounted; ERROR_OS (ENOENT: the firmware is another). */
struct error *efivars_mount(void) must_check;

#endif

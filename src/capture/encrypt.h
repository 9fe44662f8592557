// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Files of a dump that hold what was in the crashed memory, encrypted to the recipients of the plan.
 *
 * Never writes such a file readable where the plan has recipients. Does not encrypt what others write: programs of the
 * administrator.
 */
#ifndef CAPTURE_ENCRYPT_H
#define CAPTURE_ENCRYPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/plan.h"
#include "dump/sink.h"

/** Ends of names: of all encrypted files; of a dump, which is a flattened stream inside. */
#define ENCRYPT_SUFFIX ".age"
/** See above. */
#define ENCRYPT_FLAT_SUFFIX ".flat" ENCRYPT_SUFFIX

/** Whether the plan has recipients. @param[in] plan The plan. @return See there. */
bool encrypt_is_wanted(const struct plan *plan);

/**
 * Wait until the kernel has random numbers, which it gathers by itself within about a second (since Linux 5.6), if it has not yet.
 *
 * @param[in] end_ms Time to be ready, as clock_now_ms().
 * @return NULL; ERROR_TIMEOUT: nothing can be encrypted; ERROR_OS, ERROR_NOMEM.
 */
struct error *encrypt_wait(uint64_t end_ms) must_check;

/**
 * Make the sink of a file one that encrypts, if the plan has recipients; else leave it as it is.
 *
 * @param[in] plan The plan.
 * @param[in] is_flattened Bytes will come in any order: the encrypted file holds a flattened stream.
 * @param[in,out] sink A sink of a file; on success the one to write to, which has it. Yours on error too.
 * @return NULL; as sink_age_create().
 */
struct error *encrypt_sink(const struct plan *plan, bool is_flattened, struct sink **sink) must_check;

/**
 * Copy a file, encrypted; to the disk.
 *
 * @param[in] plan The plan, with recipients.
 * @param[in] in_fd The file; read from its start.
 * @param[in] out_fd Open for writing, empty; borrowed.
 * @return As sink_age_create(); ERROR_OS; ERROR_NOSPC.
 */
struct error *encrypt_file(const struct plan *plan, int in_fd, int out_fd) must_check;

#endif

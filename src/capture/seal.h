// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The last steps on a dump directory: everything on the disk, a manifest of what is there, the final name.
 *
 * Does not decide whether a dump is whole.
 */
#ifndef CAPTURE_SEAL_H
#define CAPTURE_SEAL_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "capture/dumpdir.h"
#include "base/sha256.h"

/** Name of the manifest: lines as sha256sum(1) writes and checks them. */
#define SEAL_MANIFEST "manifest.sha256"

/** Room for a sum of the manifest as text, with its NUL. */
enum { SEAL_HASH_BYTES = 2 * SHA256_DIGEST_BYTES + 1 };

/**
 * The sum of a file, as the manifest has it. What was read leaves the page cache.
 *
 * @param[in] fd The file.
 * @param[in] end_ms Time to be ready, as clock_now_ms(); 0: none.
 * @param[out] text Hexadecimal digits.
 * @return NULL; ERROR_TIMEOUT; ERROR_OS; ERROR_NOMEM.
 */
struct error *seal_hash(int fd, uint64_t end_ms, char text[SEAL_HASH_BYTES]) must_check;

/**
 * Put all files on the disk, read them back from there, and write the manifest.
 *
 * @param[in] dir The directory; nothing may be written to its files any more.
 * @param[in] more Lines for files that are not in it, behind all others; NULL: there are none.
 * @param[in] end_ms Time to be ready, as clock_now_ms(); 0: none.
 * @param[out] bytes_ret Disk space of all files together, in bytes.
 * @return NULL; ERROR_TIMEOUT (files are on the disk, but there is no manifest); ERROR_OS; ERROR_NOSPC; ERROR_NOMEM.
 */
struct error *seal_manifest(const struct dumpdir *dir, const char *more, uint64_t end_ms,
                            uint64_t *bytes_ret) must_check;

/**
 * Give the directory its final name. From here on it counts as whole.
 *
 * @param[in] dir The directory, after seal_manifest().
 * @return NULL; ERROR_OS (EEXIST: there is one of that name).
 */
struct error *seal_rename(const struct dumpdir *dir) must_check;

#endif

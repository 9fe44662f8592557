// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Writes an archive as the kernel unpacks it into an initramfs (Documentation/driver-api/early-userspace/buffer-format.rst, "newc").
 *
 * Does not compress, and reads no archives. The caller names directories before what is in them.
 */
#ifndef BOOT_CPIO_H
#define BOOT_CPIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

/** An archive that is being written. Filled by the caller: {.fd = …}. */
struct cpio {
	int fd; /**< At a multiple of four bytes of the whole initramfs. Borrowed. */
	uint32_t last_inode; /**< Each entry has one of its own: the kernel would make links of others. */
};

/**
 * Add a file, or a directory.
 *
 * @param[in,out] cpio The archive.
 * @param[in] name Path without a slash at its start.
 * @param[in] mode Type and permission bits, as in struct stat.
 * @param[in] buf Content; NULL for a directory.
 * @param[in] size_bytes Its size.
 * @return NULL; ERROR_OS; ERROR_NOSPC.
 */
struct error *cpio_add(struct cpio *cpio, const char *name, mode_t mode, const void *buf, size_t size_bytes) must_check;

/**
 * Add a file that is made of others, one behind the other. Zeros fill each up to four bytes, as where one initramfs follows another.
 *
 * @param[in,out] cpio The archive.
 * @param[in] name As cpio_add().
 * @param[in] mode As cpio_add().
 * @param[in] fds Files, which are read from their start.
 * @param[in] count Their number.
 * @return NULL; ERROR_OS; ERROR_NOSPC; ERROR_BAD_DATA (a file became shorter while it was read, or is 4 GiB or more).
 */
struct error *cpio_add_files(struct cpio *cpio, const char *name, mode_t mode, const int *fds, size_t count) must_check;

/** Write the end. @param[in,out] cpio The archive. @return NULL; ERROR_OS; ERROR_NOSPC. */
struct error *cpio_finish(struct cpio *cpio) must_check;

#endif

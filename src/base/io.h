// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Whole reads and writes on descriptors, and files that appear complete or not at all.
 *
 * Does not choose paths and does not know about roots; see base/host.h.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

/**
 * Read until @p size_bytes have come or the file ends.
 *
 * @param[in] fd Descriptor.
 * @param[out] buf At least @p size_bytes.
 * @param[in] size_bytes Wanted.
 * @param[out] got_ret Bytes that came; less than wanted only at the end of the file.
 * @return NULL; ERROR_OS.
 */
struct error *io_read(int fd, void *buf, size_t size_bytes, size_t *got_ret) must_check;

/**
 * Read at an offset until @p size_bytes have come or the file ends.
 *
 * @param[in] fd Descriptor.
 * @param[out] buf At least @p size_bytes.
 * @param[in] size_bytes Wanted.
 * @param[in] offset_bytes Where in the file.
 * @param[out] got_ret Bytes that came; less than wanted only at the end of the file.
 * @return NULL; ERROR_OS.
 */
struct error *io_pread(int fd, void *buf, size_t size_bytes, uint64_t offset_bytes, size_t *got_ret) must_check;

/**
 * Write all bytes.
 *
 * @param[in] fd Descriptor.
 * @param[in] buf Bytes.
 * @param[in] size_bytes Their number.
 * @return NULL; ERROR_OS; ERROR_NOSPC.
 */
struct error *io_write(int fd, const void *buf, size_t size_bytes) must_check;

/**
 * Write all bytes at an offset.
 *
 * @param[in] fd Descriptor.
 * @param[in] buf Bytes.
 * @param[in] size_bytes Their number.
 * @param[in] offset_bytes Where in the file.
 * @return NULL; ERROR_OS; ERROR_NOSPC.
 */
struct error *io_pwrite(int fd, const void *buf, size_t size_bytes, uint64_t offset_bytes) must_check;

/**
 * Write all bytes of several pieces, one behind the other, at an offset.
 *
 * @param[in] fd Descriptor.
 * @param[in] parts Pieces.
 * @param[in] count Their number, at most IOV_MAX (1024).
 * @param[in] offset_bytes Where in the file.
 * @return As io_pwrite().
 */
struct error *io_pwritev(int fd, const struct iovec *parts, size_t count, uint64_t offset_bytes) must_check;

/**
 * Read a whole file that may not know its size (proc, sys).
 *
 * @param[in] fd Descriptor, at its start.
 * @param[in] max_bytes A larger file is ERROR_BAD_DATA.
 * @param[out] ret The bytes and a final NUL that is not counted; free() it.
 * @param[out] size_ret Bytes; may be NULL.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *io_read_all(int fd, size_t max_bytes, char **ret, size_t *size_ret) must_check;

/**
 * Write a file under a directory so that its name holds either the old or the whole new content.
 *
 * Writes a temporary file beside it, fsyncs, renames, fsyncs the directory. Symbolic links at @p name are replaced,
 * never followed.
 *
 * @param[in] dir_fd Directory.
 * @param[in] name One path component.
 * @param[in] buf Bytes.
 * @param[in] size_bytes Their number.
 * @param[in] mode Permission bits of the file.
 * @return NULL; ERROR_OS; ERROR_NOSPC. On error the old content stays and no temporary file is left; but where only the directory cannot be synced,
 *	   the new one is there.
 */
struct error *io_replace_at(int dir_fd, const char *name, const void *buf, size_t size_bytes, mode_t mode) must_check;

/**
 * As io_replace_at() for a file that is there, which keeps its permission bits, its owner and its extended attributes: access control
 * lists, labels. Attributes that the file system does not take are left out; so are security.ima and security.evm, which the kernel
 * makes from the content.
 *
 * @param[in] dir_fd Directory.
 * @param[in] name One path component.
 * @param[in] buf Bytes.
 * @param[in] size_bytes Their number.
 * @param[in] like What the file is: st_mode, st_uid, st_gid.
 * @return As io_replace_at(); ERROR_OS also if the owner or an attribute cannot be set; ERROR_NOMEM.
 */
struct error *io_replace_like_at(int dir_fd, const char *name, const void *buf, size_t size_bytes,
                                 const struct stat *like) must_check;

#endif

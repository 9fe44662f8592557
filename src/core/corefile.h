// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * One file of a dump, read at offsets, whether it is flattened or not.
 *
 * Does not know any format of dumps (core/vmcore.h).
 */
#ifndef CORE_COREFILE_H
#define CORE_COREFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct flatfile;

/** An opened file. Read-only after corefile_open(); may be shared by threads. */
struct corefile {
	int fd;
	const char *path; /**< For messages; borrowed. */
	uint64_t size_bytes; /**< Of a flattened file: of what its records make. */
	struct flatfile *flat; /**< NULL: not flattened, offsets are those of fd. */
	uint64_t base_bytes; /**< What struct vmcore adds to its offsets, so that those of several files differ. */
};

/**
 * Open a file.
 *
 * @param[in] path Borrowed.
 * @param[out] ret The file; corefile_close() it. Untouched on error.
 * @return NULL; ERROR_OS; ERROR_NOMEM; as flatfile_create().
 */
struct error *corefile_open(const char *path, struct corefile *ret) must_check;

/** Close. @param[in] file May be zeroed, with fd −1. */
void corefile_close(struct corefile *file);

/** Whether reads miss bytes that the file should have: a flattened stream that was cut. @param[in] file The file. @return See there. */
bool corefile_is_cut(const struct corefile *file);

/**
 * Read at an offset.
 *
 * @param[in] file The file; any thread.
 * @param[out] buf At least @p size_bytes.
 * @param[in] size_bytes Wanted.
 * @param[in] offset_bytes Where.
 * @param[out] got_ret Bytes that came; less than wanted only where the file has no more.
 * @return NULL; ERROR_OS.
 */
struct error *corefile_pread(const struct corefile *file, void *buf, size_t size_bytes, uint64_t offset_bytes,
                             size_t *got_ret) must_check;

/**
 * Read all bytes of something.
 *
 * @param[in] file The file; any thread.
 * @param[out] buf At least @p size_bytes.
 * @param[in] size_bytes Wanted.
 * @param[in] offset_bytes Where.
 * @param[in] what Name of what is read, for messages.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA (the file ends before).
 */
struct error *corefile_read(const struct corefile *file, void *buf, size_t size_bytes, uint64_t offset_bytes,
                            const char *what) must_check;

/**
 * Skip a hole.
 *
 * @param[in] file The file; one thread at a time.
 * @param[in] offset_bytes From where.
 * @return First offset from there on that may hold something else than zeros; the size of the file if none does.
 */
uint64_t corefile_next_data(const struct corefile *file, uint64_t offset_bytes);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Where the bytes of a dump go: a file, or a stream in the flattened format. Sinks may lie upon others: what is encrypted is a
 * stream (sink_stream_create_upon()), upon what encrypts it (sink_age_create()), upon a file.
 *
 * Does not know what the bytes mean. Kinds of sinks are files of their own (sink_file.c, sink_stream.c, sink_age.c).
 */
#ifndef DUMP_SINK_H
#define DUMP_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/age.h"

struct sink;

/** A kind of sink. To add one: these functions, and a create function in sink.h. */
struct sink_ops {
	/** Write pieces, one behind the other, at an offset of the dump. No byte is written twice unless can_rewrite. Called by several threads. */
	struct error *(*write)(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts, size_t count);
	/** Allocate room, so that writing there later cannot fail for want of space. NULL: this kind cannot. */
	struct error *(*reserve)(struct sink *sink, uint64_t offset_bytes, uint64_t size_bytes);
	/** All bytes are written: put them where they outlive a power cut, as far as this kind can. */
	struct error *(*finish)(struct sink *sink, uint64_t file_bytes);
	/** End; does not finish. */
	void (*destroy)(struct sink *sink);
};

/** A sink; kinds embed it as their first member. */
struct sink {
	const struct sink_ops *ops;
	size_t align_bytes; /**< Large writes of memory, at offsets and of sizes that are multiples of it, do not go through the page cache; 0: all do. */
	bool can_rewrite; /**< Bytes may be written a second time, by the thread that wrote them. */
};

/**
 * A sink that is a file.
 *
 * @param[in] fd Open for writing, empty; borrowed. Must be seekable.
 * @param[out] ret The sink; sink_destroy() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *sink_file_create(int fd, struct sink **ret) must_check;

/** Size that suits direct writes to disks of any kind. */
enum { SINK_ALIGN_BYTES = 4096 };

/**
 * Write large pieces of a file past the page cache from now on, where the file system can.
 *
 * @param[in,out] sink Of sink_file_create(); its align_bytes tells whether it can.
 */
void sink_file_set_direct(struct sink *sink);

/**
 * A sink that is a stream: makedumpfile's flattened format. If it goes into a pipe, that is made larger where it may be.
 *
 * @param[in] fd Open for writing; borrowed.
 * @param[out] ret The sink; sink_destroy() it.
 * @return NULL; ERROR_NOMEM; ERROR_OS; ERROR_NOSPC.
 */
struct error *sink_stream_create(int fd, struct sink **ret) must_check;

/**
 * The same, whose bytes go to another sink, one behind the other.
 *
 * Bytes may be written a second time: who puts such a stream in order takes the later record, as makedumpfile -R does.
 *
 * @param[in] under Where it goes, empty; belongs to the stream on success.
 * @param[out] ret The sink; sink_destroy() it.
 * @return NULL; ERROR_NOMEM; errors of @p under.
 */
struct error *sink_stream_create_upon(struct sink *under, struct sink **ret) must_check;

#ifdef HAVE_SODIUM
/**
 * A sink that encrypts: what comes to another sink is a file of age, for any of some recipients.
 *
 * It is written from the start to the end without gaps, by one thread at a time; anything else is ERROR_UNSUPPORTED. After the
 * first error, all is one. Takes 128 KiB of memory.
 *
 * @param[in] under Where it goes, empty; belongs to this one on success.
 * @param[in] recipients To whom.
 * @param[in] count Their number, 1 to AGE_RECIPIENTS_MAX.
 * @param[out] ret The sink; sink_destroy() it.
 * @return NULL; ERROR_NOMEM; ERROR_OS (EAGAIN: the kernel has no random numbers yet); ERROR_BAD_DATA (a recipient to which
 *	   nothing can be encrypted); errors of @p under.
 */
struct error *sink_age_create(struct sink *under, const struct age_recipient *recipients, size_t count,
                              struct sink **ret) must_check;
#else
/** As above, where there is no libsodium. @param[in] under Not used. @param[in] recipients Not. @param[in] count Not. @param[out] ret Not. @return ERROR_UNSUPPORTED. */
static inline must_check struct error *sink_age_create(struct sink *under, const struct age_recipient *recipients,
                                                       size_t count, struct sink **ret)
{
	(void)under, (void)recipients, (void)count, (void)ret;
	return age_missing();
}
#endif

/** Write bytes at an offset of the dump. @param[in] sink Sink; any thread. @param[in] offset_bytes Where. @param[in] buf Bytes. @param[in] size_bytes Their number. @return NULL; ERROR_OS; ERROR_NOSPC. */
static inline must_check struct error *sink_write(struct sink *sink, uint64_t offset_bytes, const void *buf,
                                                  size_t size_bytes)
{
	struct iovec part = {.iov_base = (void *)buf, .iov_len = size_bytes};

	return sink->ops->write(sink, offset_bytes, &part, 1);
}

/** Write pieces one behind the other. @param[in] sink Sink; any thread. @param[in] offset_bytes Where. @param[in] parts Pieces. @param[in] count Their number, at most 1024. @return As sink_write(). */
static inline must_check struct error *sink_writev(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts,
                                                   size_t count)
{
	return sink->ops->write(sink, offset_bytes, parts, count);
}

/** Allocate room where the sink can. @param[in] sink Sink. @param[in] offset_bytes Where. @param[in] size_bytes How much. @return NULL, also where it cannot; ERROR_NOSPC. */
static inline must_check struct error *sink_reserve(struct sink *sink, uint64_t offset_bytes, uint64_t size_bytes)
{
	return sink->ops->reserve ? sink->ops->reserve(sink, offset_bytes, size_bytes) : NULL;
}

/** All is written. @param[in] sink Sink. @param[in] file_bytes Size of the dump; gaps read as zeros. @return NULL; ERROR_OS; ERROR_NOSPC. */
static inline must_check struct error *sink_finish(struct sink *sink, uint64_t file_bytes)
{
	return sink->ops->finish(sink, file_bytes);
}

/** End of a sink; what was not finished may be lost. @param[in] sink May be NULL. */
static inline void sink_destroy(struct sink *sink)
{
	if (sink)
		sink->ops->destroy(sink);
}

/** Guard form of sink_destroy(). @param[in] sink Address of the variable. */
static inline void sink_destroyp(struct sink **sink)
{
	sink_destroy(*sink);
}

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Which pages lose little when they are compressed by a lighter method: guessed from the size of the page before.
 *
 * Some pages are compressed both ways, which tells what the lighter method costs after pages of about this size. Keeps all that it
 * costs within a limit. Does not compress.
 */
#ifndef DUMP_COMPRESS_GUESS_H
#define DUMP_COMPRESS_GUESS_H

#include <stddef.h>
#include <stdint.h>

/** What is to be done with a page. */
enum compress_guess_way {
	/** Compress it by the method that was asked for. */
	COMPRESS_GUESS_FULL,
	/** Compress it by the lighter one. */
	COMPRESS_GUESS_LIGHT,
	/** Compress it by both, tell both sizes, put out the full one. */
	COMPRESS_GUESS_COMPARE,
};

/** Sixteenths of a page, and the page that does not become smaller. */
enum { COMPRESS_GUESS_CLASSES = 17 };

/** What is known of the pages until now; of one thread. Made by compress_guess_init(), nothing to release. */
struct compress_guess {
	size_t page_bytes;
	/** All pages until now: how many, the bytes put out for them, and how many of these a lighter method cost, as guessed. */
	uint64_t pages, bytes;
	int64_t lost;
	/** Of the page before. */
	unsigned int class_index;
	/** Of pages after one of this size, by sixteenths of a page. */
	struct compress_guess_class {
		/** Pages until the next comparison. */
		unsigned int wait;
		/** Pages that were compared, and bytes that the lighter method would have cost them; the older count less. */
		unsigned int compared;
		int64_t lost;
	} classes[COMPRESS_GUESS_CLASSES];
};

/** Begin. @param[out] guess Caller's memory. @param[in] page_bytes Size of every page. */
void compress_guess_init(struct compress_guess *guess, size_t page_bytes);

/** What is to be done with the next page. @param[in] guess The state. @return The way; the same until a page is told. */
enum compress_guess_way compress_guess_next(const struct compress_guess *guess);

/**
 * Tell what became of the page that compress_guess_next() was asked for.
 *
 * @param[in,out] guess The state.
 * @param[in] bytes What the page takes in the dump; of one that did not become smaller, its own size.
 * @param[in] light_bytes The same by the lighter method; looked at after COMPRESS_GUESS_COMPARE only.
 */
void compress_guess_told(struct compress_guess *guess, size_t bytes, size_t light_bytes);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Which pages are compressed the light way: with tables made from a few pages before, where those are alike.
 *
 * Keeps the bytes that this costs within what is allowed, by what it measures: all that is put out may be so much larger than what
 * another compressor, the yardstick, makes of the same pages. Does not compress.
 */
#ifndef DUMP_COMPRESS_LIGHT_H
#define DUMP_COMPRESS_LIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What is to be done with a page. */
enum compress_light_way {
	/** Compress it with tables of its own. */
	COMPRESS_LIGHT_FULL,
	/** The same, and learn from it: it is one of the pages of which the next tables are made. */
	COMPRESS_LIGHT_LEARN,
	/** The same, and make the tables: it is the last of them. */
	COMPRESS_LIGHT_LEARNED,
	/** Compress it both ways, tell both sizes, put out the full one. */
	COMPRESS_LIGHT_COMPARE,
	/** Compress it with the tables that were made last. */
	COMPRESS_LIGHT_LIGHT,
};

/** What is known of the pages until now; of one thread. Made by compress_light_init(), nothing to release. */
struct compress_light {
	/** Of all pages until now: how many, the bytes put out for them, and those that the light way added, as measured. */
	uint64_t pages, bytes, lost;
	/** Of some pages, how many, what they took with tables of their own, and what the yardstick makes of them. */
	uint64_t measured, measured_bytes, yardstick_bytes;
	/** What the last page that was compared lost, in bytes. */
	int64_t last_loss;
	/** Pages until the next decision, pages to learn from before it, pages to wait if it is a no. */
	unsigned int wait, learn, back;
	/** Pages are compressed the light way until the next decision. */
	bool open;
};

/** Begin. @param[out] light Caller's memory. */
void compress_light_init(struct compress_light *light);

/** What is to be done with the next page. @param[in] light The state. @return The way; the same until a page is told. */
enum compress_light_way compress_light_next(const struct compress_light *light);

/**
 * Tell what became of the page that compress_light_next() was asked for.
 *
 * @param[in,out] light The state.
 * @param[in] bytes What the page takes in the dump; of one that did not become smaller, its own size.
 * @param[in] light_bytes The same as if it had been compressed the light way; looked at after COMPRESS_LIGHT_COMPARE only.
 */
void compress_light_told(struct compress_light *light, size_t bytes, size_t light_bytes);

/** Whether it is time to compare with the yardstick: compress_light_measured() a page that is not compressed the light way. @param[in] light The state. @return See there. */
bool compress_light_is_due(const struct compress_light *light);

/** Tell what the yardstick makes of a page. @param[in,out] light The state. @param[in] bytes What it takes with tables of its own. @param[in] yardstick_bytes What it takes by the yardstick. */
void compress_light_measured(struct compress_light *light, size_t bytes, size_t yardstick_bytes);

#endif

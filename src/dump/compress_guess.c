// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/compress_guess.h"

#include <assert.h>
#include <stdbool.h>

enum {
	// Comparisons that must agree before a class goes the light way.
	COMPARED_ENOUGH = 4,
	// The older half is forgotten: memory changes along the way.
	COMPARED_MAX = 64,
	// Pages of a class between comparisons, where it goes the light way, and where it does not.
	WAIT_LIGHT = 32,
	WAIT_FULL = 128,
	// Loss of a page in percent of what pages take on average, not of what this one takes: the time that is won is about the
	// same for each.
	LOSS_PERCENT = 9,
	// Of all that is put out, this may be lost.
	LOST_PERMILLE = 30,
};

static_assert(COMPRESS_GUESS_CLASSES == 16 + 1, "the last class is that of pages that do not become smaller");

void compress_guess_init(struct compress_guess *guess, size_t page_bytes)
{
	*guess = (struct compress_guess){.page_bytes = page_bytes, .class_index = COMPRESS_GUESS_CLASSES - 1};
}

static bool is_cheap(const struct compress_guess *guess, const struct compress_guess_class *class)
{
	return class->lost * (int64_t)guess->pages * 100 <= (int64_t)guess->bytes * class->compared * LOSS_PERCENT;
}

enum compress_guess_way compress_guess_next(const struct compress_guess *guess)
{
	const struct compress_guess_class *class = &guess->classes[guess->class_index];

	if (class->compared < COMPARED_ENOUGH || !class->wait)
		return COMPRESS_GUESS_COMPARE;
	if (guess->lost * 1000 >= (int64_t)guess->bytes * LOST_PERMILLE || !is_cheap(guess, class))
		return COMPRESS_GUESS_FULL;
	return COMPRESS_GUESS_LIGHT;
}

void compress_guess_told(struct compress_guess *guess, size_t bytes, size_t light_bytes)
{
	struct compress_guess_class *class = &guess->classes[guess->class_index];
	enum compress_guess_way way = compress_guess_next(guess);

	guess->pages++;
	guess->bytes += bytes;
	if (way == COMPRESS_GUESS_COMPARE) {
		if (class->compared == COMPARED_MAX) {
			class->compared /= 2;
			class->lost /= 2;
		}
		class->compared++;
		class->lost += (int64_t)light_bytes - (int64_t)bytes;
		class->wait = is_cheap(guess, class) ? WAIT_LIGHT : WAIT_FULL;
	} else {
		class->wait--;
	}
	if (way == COMPRESS_GUESS_LIGHT)
		guess->lost += class->lost / (int64_t) class->compared;
	guess->class_index = (unsigned int)(bytes * (COMPRESS_GUESS_CLASSES - 1) / guess->page_bytes);
}

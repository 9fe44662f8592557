// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/compress_light.h"

enum {
	// Tables of four pages fit their neighbours better than those of one by a fifth, and eight are no better.
	LEARN_PAGES = 4,
	// Between comparisons. Each costs half a page, and what a window loses is known only at its end. Seventeen with the page
	// that is compared: what repeats by powers of two is not always met at the same place.
	WINDOW_PAGES = 16,
	// Where the light way was too large, making tables again costs four pages' time.
	BACK_PAGES = 64,
	BACK_PAGES_MAX = 512,
	// Loss of a page in percent of what pages take on average, not of what this one takes: the time that is won is about the
	// same for each, so that pages which become small may lose more of themselves.
	LOSS_PERCENT = 9,
	// Of all that is put out, this may always be lost: ISA-L's streams are up to 3.5 % larger than those of zlib's fastest
	// level, and 5 % is what we allow.
	LOST_PERMILLE = 10,
	// More, where all is then not larger than by the yardstick by more than so much: what is measured is too little by half a
	// percent at times.
	LARGER_PERMILLE = 35,
	LOST_PERMILLE_MAX = 30,
	MEASURED_ENOUGH = 8,
	// Between two measures. By zlib each takes the time of three to six pages.
	MEASURE_PAGES = 512,
};

void compress_light_init(struct compress_light *light)
{
	*light = (struct compress_light){.learn = LEARN_PAGES, .back = BACK_PAGES};
}

enum compress_light_way compress_light_next(const struct compress_light *light)
{
	if (light->wait)
		return light->open ? COMPRESS_LIGHT_LIGHT : COMPRESS_LIGHT_FULL;
	if (light->learn)
		return light->learn > 1 ? COMPRESS_LIGHT_LEARN : COMPRESS_LIGHT_LEARNED;
	return COMPRESS_LIGHT_COMPARE;
}

// Of all that is put out, what may be lost.
static uint64_t allowed_permille(const struct compress_light *light)
{
	uint64_t most;

	if (light->measured < MEASURED_ENOUGH)
		return LOST_PERMILLE;
	most = light->yardstick_bytes * (1000 + LARGER_PERMILLE) / light->measured_bytes;
	if (most < 1000 + LOST_PERMILLE)
		return LOST_PERMILLE;
	return most < 1000 + LOST_PERMILLE_MAX ? most - 1000 : LOST_PERMILLE_MAX;
}

static void account(struct compress_light *light, int64_t loss)
{
	int64_t lost = loss * WINDOW_PAGES;

	if (lost >= 0)
		light->lost += (uint64_t)lost;
	else
		light->lost -= light->lost < (uint64_t)-lost ? light->lost : (uint64_t)-lost;
}

static void decide(struct compress_light *light, int64_t loss)
{
	int64_t worst = loss;

	if (light->open) {
		// Both ends of the window: it was opened because its first page lost little, so that alone would be too little.
		int64_t mean = (loss + light->last_loss) / 2;

		account(light, mean);
		if (worst < mean)
			worst = mean;
	}
	light->last_loss = loss;
	light->open = false;
	if (worst * (int64_t)light->pages * 100 > (int64_t)light->bytes * LOSS_PERCENT) {
		light->learn = LEARN_PAGES;
		light->wait = light->back;
		if (light->back < BACK_PAGES_MAX)
			light->back *= 2;
	} else if (light->lost * 1000 >= light->bytes * allowed_permille(light)) {
		// The tables are good and stay for later.
		light->wait = BACK_PAGES;
	} else {
		light->open = true;
		light->wait = WINDOW_PAGES;
		light->back = BACK_PAGES;
	}
}

void compress_light_told(struct compress_light *light, size_t bytes, size_t light_bytes)
{
	enum compress_light_way way = compress_light_next(light);

	light->pages++;
	light->bytes += bytes;
	if (light->wait)
		light->wait--;
	else if (light->learn)
		light->learn--;
	if (way == COMPRESS_LIGHT_COMPARE)
		decide(light, (int64_t)light_bytes - (int64_t)bytes);
}

bool compress_light_is_due(const struct compress_light *light)
{
	return light->pages >= light->measured * MEASURE_PAGES;
}

void compress_light_measured(struct compress_light *light, size_t bytes, size_t yardstick_bytes)
{
	light->measured++;
	light->measured_bytes += bytes;
	light->yardstick_bytes += yardstick_bytes;
}

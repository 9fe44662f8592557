// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/copy_fit.h"

#include "base/bitmap.h"

// Pages that are tried: some milliseconds of work, and a guess that is right to some percent.
enum { SAMPLE_PAGES = 256 };

// What is needed to look at some pages and compress them.
struct sample {
	struct vmreader reader;
	const struct compressor *compressor;
	void *state;
	uint8_t *out;
	uint64_t pages, bytes;
};

static void sample_deinit(struct sample *sample)
{
	sample->compressor->destroy(sample->state);
	vmreader_deinit(&sample->reader);
	free(sample->out);
}

static struct error *try_page(struct copy *copy, struct sample *sample, uint64_t pfn)
{
	const uint8_t *page;
	size_t got, size;
	struct error *err =
		vmreader_map(&sample->reader, pfn << vmcore_page_shift(copy->core), copy->page_bytes, &page, &got);

	// What cannot be read now will be missing later, or is odd; the others tell enough.
	if (error_catch(&err, ERROR_FAULT) || error_catch(&err, ERROR_BAD_DATA))
		return NULL;
	if (err || got < copy->page_bytes)
		return err;
	sample->pages++;
	if (copy_is_zero(page, copy->page_bytes))
		return NULL;
	size = sample->compressor->compress(sample->state, page, copy->page_bytes, sample->out);
	sample->bytes += size ? size : copy->page_bytes;
	return NULL;
}

// Frames that are spread over the set evenly; the first of a word stands for it.
static struct error *try_pages(struct copy *copy, struct sample *sample, const uint64_t *set, uint64_t base_pfn,
                               uint64_t frames)
{
	uint64_t count = bitmap_count(set, 0, frames), step = count / SAMPLE_PAGES + 1, rank = 0, next = 0;
	struct error *err = NULL;

	for (uint64_t word = 0; !err && word < bitmap_words(frames); word++) {
		uint64_t bits = bitmap_weight(set[word]);

		if (bits && rank + bits > next) {
			err = try_page(copy, sample, base_pfn + word * 64 + (uint64_t)__builtin_ctzll(set[word]));
			next = rank + bits > next + step ? rank + bits : next + step;
		}
		rank += bits;
	}
	return err;
}

struct error *copy_fit_sample(struct copy *copy, const struct compressor *compressor, const uint64_t *set,
                              uint64_t base_pfn, uint64_t end_pfn, uint64_t *mean_bytes_ret)
{
	struct sample sample = {.compressor = compressor};
	struct error *err = compressor->create(copy->page_bytes, &sample.state);

	if (err)
		return err;
	vmreader_init(&sample.reader, copy->core, VMREADER_WINDOW_DATA_BYTES);
	sample.out = malloc(compressor->bound(copy->page_bytes));
	if (!sample.out)
		err = error_new(ERROR_NOMEM, "no memory for a page");
	else
		err = try_pages(copy, &sample, set, base_pfn, end_pfn - base_pfn);
	if (!err)
		*mean_bytes_ret = sample.pages ? (sample.bytes + sample.pages - 1) / sample.pages : copy->page_bytes;
	sample_deinit(&sample);
	return err;
}

bool copy_fit_denser(struct copy *copy)
{
	static const unsigned int order[] = {FILTER_FREE, FILTER_CACHE, FILTER_CACHE | FILTER_CACHE_PRIVATE,
	                                     FILTER_USER};

	for (size_t i = 0; i < array_size(order); i++) {
		if ((copy->dump_level & order[i]) == order[i])
			continue;
		copy->dump_level |= order[i];
		copy->scan.dump_level = copy->dump_level;
		return true;
	}
	if (copy->is_unused_dropped)
		return false;
	copy->is_unused_dropped = true;
	return true;
}

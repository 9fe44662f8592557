// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/copy_unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/bitmap.h"

// Pieces of one write. Pages that are not compressed are written from where they lie, neighbours as one piece.
enum { PARTS_MAX = 256 };

// What one thread needs.
struct unit_worker {
	struct vmreader reader;
	void *state; // Of the compressor.
	uint8_t *out; // COPY_BUFFER_BYTES, and room for one page that does not compress.
	size_t out_used;
	struct iovec parts[PARTS_MAX]; // What is to be written next, in out or in the reader's window.
	size_t part_count;
	size_t parts_bytes;
	bool is_borrowing; // Some parts are in the reader's window: it must not move.
	uint8_t *bounce; // One page.
	uint64_t zero_count;
	struct fmt_kdump_page_desc descs[COPY_UNIT_PAGES];
	size_t desc_count;
	size_t unclaimed; // First descriptor whose offset still counts from the start of the parts.
};

// A descriptor whose bytes are not yet written carries this mark where the format wants a zero, until it gets its place.
enum { DESC_PENDING = 1 };

static size_t out_bytes(const struct compressor *compressor, uint64_t page_bytes)
{
	size_t bound = compressor->bound(page_bytes);

	return COPY_BUFFER_BYTES + (bound > page_bytes ? bound : page_bytes);
}

uint64_t copy_kdump_memory_bytes(const struct copy_options *options, uint64_t page_bytes)
{
	uint64_t thread = sizeof(struct unit_worker) + page_bytes + COPY_BUFFER_BYTES;

	if (options->format == COPY_KDUMP)
		thread += options->compressor->state_bytes(page_bytes) + options->compressor->bound(page_bytes);
	return thread * options->thread_count;
}

static void worker_destroy(struct unit_worker *worker, const struct compressor *compressor)
{
	if (!worker)
		return;
	compressor->destroy(worker->state);
	vmreader_deinit(&worker->reader);
	free(worker->bounce);
	free(worker->out);
	free(worker);
}

struct error *copy_unit_start(void *context, unsigned int thread, void **state_ret)
{
	struct kdump_copy *kdump = context;
	struct unit_worker *worker = calloc(1, sizeof(*worker));
	struct error *err = NULL;

	(void)thread;
	if (!worker)
		return error_new(ERROR_NOMEM, "no memory for a worker");
	vmreader_init(&worker->reader, kdump->copy->core, VMREADER_WINDOW_DATA_BYTES);
	worker->out = malloc(out_bytes(kdump->compressor, kdump->layout.block_bytes));
	worker->bounce = malloc(kdump->layout.block_bytes);
	if (!worker->out || !worker->bounce)
		err = error_new(ERROR_NOMEM, "no memory for the buffers of a worker");
	if (!err)
		err = kdump->compressor->create(kdump->layout.block_bytes, &worker->state);
	if (err) {
		worker_destroy(worker, kdump->compressor);
		return err;
	}
	*state_ret = worker;
	return NULL;
}

struct error *copy_unit_end(void *context, void *state, bool is_failed)
{
	struct kdump_copy *kdump = context;

	(void)is_failed;
	worker_destroy(state, kdump->compressor);
	return NULL;
}

// Claims room in the dump for the parts, and writes them there. Nobody waits for anybody: units may lie in the dump in any
// order.
static struct error *flush(struct kdump_copy *kdump, struct unit_worker *worker)
{
	uint64_t base = atomic_fetch_add(&kdump->next_data, worker->parts_bytes);
	struct error *err = NULL;

	if (worker->part_count)
		err = copy_writev(kdump->copy, base, worker->parts, worker->part_count, worker->parts_bytes);
	// Bytes that were not written stay without descriptors.
	for (; !err && worker->unclaimed < worker->desc_count; worker->unclaimed++) {
		struct fmt_kdump_page_desc *desc = &worker->descs[worker->unclaimed];

		if (desc->page_flags == DESC_PENDING) {
			desc->page_flags = 0;
			desc->offset += base;
		}
	}
	worker->part_count = worker->parts_bytes = worker->out_used = 0;
	worker->is_borrowing = false;
	return err;
}

static void add_part(struct unit_worker *worker, const uint8_t *bytes, size_t size)
{
	struct iovec *last = worker->part_count ? &worker->parts[worker->part_count - 1] : NULL;

	if (last && (const uint8_t *)last->iov_base + last->iov_len == bytes)
		last->iov_len += size;
	else
		worker->parts[worker->part_count++] = (struct iovec){.iov_base = (void *)bytes, .iov_len = size};
	worker->parts_bytes += size;
}

static void put_data(struct kdump_copy *kdump, struct unit_worker *worker, const uint8_t *page,
                     struct fmt_kdump_page_desc *desc)
{
	uint64_t page_bytes = kdump->layout.block_bytes;
	uint8_t *out = worker->out + worker->out_used;
	size_t size = kdump->compressor->compress(worker->state, page, page_bytes, out);

	*desc = (struct fmt_kdump_page_desc){.offset = worker->parts_bytes, .page_flags = DESC_PENDING};
	desc->size = size ? (uint32_t)size : (uint32_t)page_bytes;
	desc->flags = size ? kdump->compressor->flag : 0;
	// Compressed dumps are gathered in large writes: there a page that does not compress is copied. So is one that had
	// to be expanded: the reader keeps few of them.
	if (!kdump->compressor->flag && page != worker->bounce && !worker->reader.is_expanded) {
		worker->is_borrowing = true;
		add_part(worker, page, page_bytes);
		return;
	}
	if (!size)
		memcpy(out, page, page_bytes);
	worker->out_used += desc->size;
	add_part(worker, out, desc->size);
}

static struct error *put_page(struct kdump_copy *kdump, struct unit_worker *worker, const uint8_t *page)
{
	struct fmt_kdump_page_desc *desc = &worker->descs[worker->desc_count++];
	uint64_t page_bytes = kdump->layout.block_bytes;

	if (copy_is_zero(page, page_bytes)) {
		*desc = (struct fmt_kdump_page_desc){.offset = kdump->layout.zero_page_offset,
		                                     .size = (uint32_t)page_bytes};
		worker->zero_count++;
		return NULL;
	}
	put_data(kdump, worker, page, desc);
	if (worker->parts_bytes < COPY_BUFFER_BYTES && worker->part_count < PARTS_MAX)
		return NULL;
	return flush(kdump, worker);
}

// A page that is not in the dump in one piece.
static struct error *put_odd_page(struct kdump_copy *kdump, struct unit_worker *worker, uint64_t pfn)
{
	const uint8_t *page;
	struct error *err = copy_page(kdump->copy, &worker->reader, pfn, worker->bounce, &page);

	if (!err)
		return put_page(kdump, worker, page);
	// A descriptor of zeros says "not written"; the copier's result says how many there are.
	if (error_catch(&err, ERROR_FAULT))
		worker->descs[worker->desc_count++] = (struct fmt_kdump_page_desc){0};
	return err;
}

// Some pages that follow one another: as many as the reader's window shows at once.
static struct error *put_run(struct kdump_copy *kdump, struct unit_worker *worker, uint64_t pfn, uint64_t count,
                             uint64_t *done_ret)
{
	uint64_t page_bytes = kdump->layout.block_bytes, paddr = pfn * page_bytes;
	struct error *err = NULL;
	const uint8_t *pages;
	size_t got = 0;

	*done_ret = 1;
	if (worker->is_borrowing && !vmreader_holds(&worker->reader, paddr, page_bytes))
		err = flush(kdump, worker);
	if (err)
		return err;
	err = vmreader_map(&worker->reader, paddr, page_bytes, &pages, &got);
	if (err || got < page_bytes) {
		error_free(err);
		err = worker->is_borrowing ? flush(kdump, worker) : NULL;
		return err ? err : put_odd_page(kdump, worker, pfn);
	}
	got = got / page_bytes < count ? got / page_bytes : count;
	for (uint64_t i = 0; !err && i < got; i++)
		err = put_page(kdump, worker, pages + i * page_bytes);
	*done_ret = got;
	return err;
}

static struct error *put_pages(struct kdump_copy *kdump, struct unit_worker *worker, uint64_t pfn, uint64_t count)
{
	uint64_t end = kdump->end_pfn - kdump->base_pfn, at = pfn - kdump->base_pfn;
	struct error *err = NULL;

	while (!err && worker->desc_count < count) {
		uint64_t most, run, done;

		at = bitmap_find(kdump->set, at, end, true);
		most = at + (count - worker->desc_count);
		run = bitmap_find(kdump->set, at, most < end ? most : end, false) - at;
		err = put_run(kdump, worker, kdump->base_pfn + at, run, &done);
		at += done;
	}
	return err;
}

static struct error *write_descs(struct kdump_copy *kdump, struct unit_worker *worker, uint64_t rank, uint64_t count)
{
	struct error *err;

	memset(worker->descs + worker->unclaimed, 0, (count - worker->unclaimed) * sizeof(worker->descs[0]));
	err = copy_write(kdump->copy, kdump->layout.desc_offset + (kdump->base_rank + rank) * sizeof(worker->descs[0]),
	                 worker->descs, count * sizeof(worker->descs[0]));
	if (!err)
		atomic_fetch_add_explicit(&kdump->copy->pages_saved, worker->unclaimed, memory_order_relaxed);
	return err;
}

struct error *copy_unit(void *context, void *state, uint64_t unit)
{
	struct kdump_copy *kdump = context;
	struct unit_worker *worker = state;
	uint64_t rank = unit * COPY_UNIT_PAGES;
	uint64_t count = kdump->page_count - rank < COPY_UNIT_PAGES ? kdump->page_count - rank : COPY_UNIT_PAGES;
	struct error *err;

	worker->desc_count = worker->unclaimed = worker->zero_count = 0;
	err = put_pages(kdump, worker, kdump->unit_pfns[unit], count);
	if (!err)
		err = flush(kdump, worker);
	// On a full disk too: there is room for the descriptors, and pages of this unit may be in the dump.
	if (!err)
		err = write_descs(kdump, worker, rank, count);
	else if (worker->unclaimed)
		error_free(write_descs(kdump, worker, rank, count));
	atomic_fetch_add_explicit(&kdump->copy->pages_zero, worker->zero_count, memory_order_relaxed);
	copy_advance(kdump->copy, count);
	return err;
}

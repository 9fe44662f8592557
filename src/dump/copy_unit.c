// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/copy_unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/clock.h"
#include "dump/parts.h"

// What one thread needs.
struct unit_worker {
	struct vmreader reader;
	struct copy_part *part; // The file that takes the unit …
	uint64_t unit; // … and its index.
	size_t method; // Index of the one that compresses the unit …
	const struct compressor *compressor; // … and itself.
	void *states[METHODS_MAX]; // Of the compressors; some share one.
	unsigned int samples_left; // Pages of the unit on which all methods are tried.
	struct methods_span start; // When the unit began.
	struct methods_span writes; // What its writes took.
	uint64_t data_count; // Pages of the unit that were compressed …
	uint64_t data_bytes; // … and what is left of them.
	uint8_t *out; // COPY_BUFFER_BYTES, and room for one page that does not compress.
	size_t out_used;
	struct parts parts; // What is to be written next, in out or, if it is not compressed, in the reader's window.
	bool is_borrowing; // Some parts are in the reader's window: it must not move.
	uint8_t *bounce; // One page.
	uint64_t zero_count;
	struct fmt_kdump_page_desc descs[COPY_UNIT_PAGES];
	size_t desc_count;
	size_t left_out; // Descriptors that are written when the unit comes again …
	uint64_t is_left_out[COPY_UNIT_PAGES / 64]; // … and which they are.
	size_t unclaimed; // First descriptor whose offset still counts from the start of the parts.
};

// A descriptor whose bytes are not yet written carries this mark where the format wants a zero, until it gets its place.
enum { DESC_PENDING = 1 };

enum {
	// Of so many units, one shows what the other methods would make of it …
	SAMPLE_UNITS = 16,
	// … by so many of its pages.
	SAMPLE_PAGES = 4,
};

static size_t out_bytes(const struct methods *methods, uint64_t page_bytes)
{
	size_t most = page_bytes;

	for (size_t i = 0; i < methods->count; i++) {
		size_t bound = methods->list[i]->bound(page_bytes);

		most = bound > most ? bound : most;
	}
	// And what fills up the last piece of a direct write.
	return (COPY_BUFFER_BYTES + most + 2 * SINK_ALIGN_BYTES - 1) / SINK_ALIGN_BYTES * SINK_ALIGN_BYTES;
}

// Index of the method whose state this one uses: methods of one library do with one.
static size_t state_owner(const struct methods *methods, size_t index)
{
	size_t owner = 0;

	while (methods->list[owner]->create != methods->list[index]->create)
		owner++;
	return owner;
}

uint64_t copy_unit_memory_bytes(const struct methods *methods, uint64_t page_bytes)
{
	uint64_t bytes = sizeof(struct unit_worker) + page_bytes + out_bytes(methods, page_bytes);

	for (size_t i = 0; i < methods->count; i++)
		bytes += state_owner(methods, i) == i ? methods->list[i]->state_bytes(page_bytes) : 0;
	return bytes;
}

static void worker_destroy(struct unit_worker *worker, const struct methods *methods)
{
	if (!worker)
		return;
	for (size_t i = 0; i < methods->count; i++)
		if (state_owner(methods, i) == i)
			methods->list[i]->destroy(worker->states[i]);
	vmreader_deinit(&worker->reader);
	free(worker->bounce);
	free(worker->out);
	free(worker);
}

struct error *copy_unit_start(void *context, unsigned int thread, void **state_ret)
{
	struct copy_unit_job *job = context;
	struct unit_worker *worker = calloc(1, sizeof(*worker));
	struct error *err = NULL;

	(void)thread;
	if (!worker)
		return error_new(ERROR_NOMEM, "no memory for a worker");
	vmreader_init(&worker->reader, job->copy->core, VMREADER_WINDOW_DATA_BYTES);
	worker->out = aligned_alloc(SINK_ALIGN_BYTES, out_bytes(job->methods, job->copy->page_bytes));
	worker->bounce = malloc(job->copy->page_bytes);
	if (!worker->out || !worker->bounce)
		err = error_new(ERROR_NOMEM, "no memory for the buffers of a worker");
	for (size_t i = 0; !err && i < job->methods->count; i++) {
		size_t owner = state_owner(job->methods, i);

		if (owner == i)
			err = job->methods->list[i]->create(job->copy->page_bytes, &worker->states[i]);
		else
			worker->states[i] = worker->states[owner];
	}
	if (!err && job->copy->options->has_level)
		job->methods->list[0]->set_level(worker->states[0], job->copy->options->level);
	if (err) {
		worker_destroy(worker, job->methods);
		return err;
	}
	*state_ret = worker;
	return NULL;
}

struct error *copy_unit_end(void *context, void *state, bool is_failed)
{
	struct copy_unit_job *job = context;

	(void)is_failed;
	worker_destroy(state, job->methods);
	return NULL;
}

// Gives the offset of the parts. What goes past the page cache is filled up with zeros that nobody reads.
static uint64_t claim(struct unit_worker *worker)
{
	size_t align = worker->part->sink->align_bytes;
	size_t fill = align && worker->parts.size_bytes % align ? align - worker->parts.size_bytes % align : 0;

	if (fill) {
		memset(worker->out + worker->out_used, 0, fill);
		parts_add(&worker->parts, worker->out + worker->out_used, fill);
	}
	return atomic_fetch_add(&worker->part->next_data, worker->parts.size_bytes);
}

static struct error *write_parts(struct copy_unit_job *job, struct unit_worker *worker, uint64_t base)
{
	struct copy_part *part = worker->part;
	struct methods_span begin = methods_write_begin(job->methods, &part->written);
	struct error *err = copy_writev(job->copy, part->sink, base, worker->parts.list, worker->parts.count,
	                                worker->parts.size_bytes);

	methods_write_end(job->methods, &part->written, &begin, worker->parts.size_bytes, &worker->writes);
	return err;
}

// The next descriptor, whose bytes are written.
static void give_place(struct unit_worker *worker, uint64_t base)
{
	struct fmt_kdump_page_desc *desc = &worker->descs[worker->unclaimed++];

	if (desc->page_flags == DESC_PENDING) {
		desc->page_flags = 0;
		desc->offset += base;
	}
}

// Bytes of the parts, which lie in one of them.
static const uint8_t *find_bytes(const struct unit_worker *worker, uint64_t at)
{
	size_t part = 0;

	for (; at >= worker->parts.list[part].iov_len; part++)
		at -= worker->parts.list[part].iov_len;
	return (const uint8_t *)worker->parts.list[part].iov_base + at;
}

// The target has no room for all parts: page by page up to the first that it does not take.
static void write_what_fits(struct copy_unit_job *job, struct unit_worker *worker, uint64_t base)
{
	struct error *err = NULL;

	while (!err && worker->unclaimed < worker->desc_count) {
		const struct fmt_kdump_page_desc *desc = &worker->descs[worker->unclaimed];

		if (desc->page_flags == DESC_PENDING)
			err = copy_write(job->copy, worker->part->sink, base + desc->offset,
			                 find_bytes(worker, desc->offset), desc->size);
		if (!err)
			give_place(worker, base);
	}
	error_free(err);
}

// Claims room in the dump for the parts, and writes them there. Units may lie in the dump in any order: nobody waits for anybody,
// unless room is scarce.
static struct error *flush(struct copy_unit_job *job, struct unit_worker *worker)
{
	struct error *err = NULL;
	uint64_t base;

	if (job->turns && !workers_turns_wait(job->turns, worker->unit))
		return error_new(ERROR_NOSPC, "a page that is worth more could not be written");
	base = claim(worker);
	if (worker->parts.count)
		err = write_parts(job, worker, base);
	// Bytes that were not written stay without descriptors.
	if (!err)
		while (worker->unclaimed < worker->desc_count)
			give_place(worker, base);
	else if (err->code == ERROR_NOSPC && worker->part->sink->can_rewrite)
		write_what_fits(job, worker, base);
	parts_clear(&worker->parts);
	worker->out_used = 0;
	worker->is_borrowing = false;
	return err;
}

static void put_data(struct copy_unit_job *job, struct unit_worker *worker, const uint8_t *page,
                     struct fmt_kdump_page_desc *desc)
{
	uint64_t page_bytes = job->copy->page_bytes;
	uint8_t *out = worker->out + worker->out_used;
	size_t size = worker->compressor->compress(worker->states[worker->method], page, page_bytes, out);

	*desc = (struct fmt_kdump_page_desc){.offset = worker->parts.size_bytes, .page_flags = DESC_PENDING};
	desc->size = size ? (uint32_t)size : (uint32_t)page_bytes;
	desc->flags = size ? worker->compressor->flag : 0;
	worker->data_count++;
	worker->data_bytes += desc->size;
	// Compressed dumps are gathered in large writes: there a page that does not compress is copied. So is one that had
	// to be expanded: the reader keeps few of them.
	if (!worker->compressor->flag && page != worker->bounce && !worker->reader.is_expanded &&
	    !worker->part->sink->align_bytes) {
		worker->is_borrowing = true;
		parts_add(&worker->parts, page, page_bytes);
		return;
	}
	if (!size)
		memcpy(out, page, page_bytes);
	worker->out_used += desc->size;
	parts_add(&worker->parts, out, desc->size);
}

// Shows what the other methods would make of a page; what they make of it is thrown away.
static void try_methods(struct copy_unit_job *job, struct unit_worker *worker, const uint8_t *page)
{
	uint64_t page_bytes = job->copy->page_bytes;

	worker->samples_left--;
	for (size_t i = 0; i < job->methods->count; i++) {
		const struct compressor *compressor = job->methods->list[i];
		uint64_t start_ns = methods_cpu_ns();
		size_t size;

		if (i == worker->method || !compressor->flag)
			continue;
		size = compressor->compress(worker->states[i], page, page_bytes, worker->out + worker->out_used);
		methods_note(job->methods, i, 1, methods_cpu_ns() - start_ns, size ? size : page_bytes);
	}
}

static struct error *put_page(struct copy_unit_job *job, struct unit_worker *worker, const uint8_t *page)
{
	struct fmt_kdump_page_desc *desc = &worker->descs[worker->desc_count++];
	uint64_t page_bytes = job->copy->page_bytes;

	if (copy_is_zero(page, page_bytes)) {
		*desc = (struct fmt_kdump_page_desc){.offset = worker->part->layout.zero_page_offset,
		                                     .size = (uint32_t)page_bytes};
		worker->zero_count++;
		return NULL;
	}
	if (job->choice == COPY_UNIT_LOOK)
		callers_look(job->callers, page, page_bytes);
	if (worker->samples_left)
		try_methods(job, worker, page);
	put_data(job, worker, page, desc);
	if (worker->parts.size_bytes < COPY_BUFFER_BYTES && !parts_are_full(&worker->parts))
		return NULL;
	return flush(job, worker);
}

// A page that is not in the dump in one piece.
static struct error *put_odd_page(struct copy_unit_job *job, struct unit_worker *worker, uint64_t pfn)
{
	const uint8_t *page;
	struct error *err = copy_page(job->copy, &worker->reader, pfn, worker->bounce, &page);

	if (!err)
		return put_page(job, worker, page);
	// A descriptor of zeros says "not written"; the copier's result says how many there are.
	if (error_catch(&err, ERROR_FAULT))
		worker->descs[worker->desc_count++] = (struct fmt_kdump_page_desc){0};
	return err;
}

// Some pages that follow one another: as many as the reader's window shows at once.
static struct error *put_run(struct copy_unit_job *job, struct unit_worker *worker, uint64_t pfn, uint64_t count,
                             uint64_t *done_ret)
{
	uint64_t page_bytes = job->copy->page_bytes, paddr = pfn * page_bytes;
	struct error *err = NULL;
	const uint8_t *pages;
	uint64_t got;

	*done_ret = 1;
	if (worker->is_borrowing && !vmreader_holds(&worker->reader, paddr, page_bytes))
		err = flush(job, worker);
	if (err)
		return err;
	got = copy_look(job->copy, &worker->reader, pfn, count, &pages);
	if (!got) {
		err = worker->is_borrowing ? flush(job, worker) : NULL;
		return err ? err : put_odd_page(job, worker, pfn);
	}
	for (uint64_t i = 0; !err && i < got; i++)
		err = put_page(job, worker, pages + i * page_bytes);
	*done_ret = got;
	return err;
}

static bool is_called(const struct copy_unit_job *job, uint64_t pfn)
{
	const struct worth_image *image = worth_find_image(job->worth, pfn);
	uint64_t paddr = pfn << vmcore_page_shift(job->copy->core);

	return image && callers_has(job->callers, image->vaddr + (paddr - image->paddr_start));
}

// Whether a page is one of those that are copied now; makes a run end where the answer changes.
static bool is_chosen(const struct copy_unit_job *job, uint64_t pfn, uint64_t *run)
{
	bool answer;

	if (job->choice != COPY_UNIT_CALLED && job->choice != COPY_UNIT_NOT_CALLED)
		return true;
	answer = is_called(job, pfn);
	for (uint64_t i = 1; i < *run; i++)
		if (is_called(job, pfn + i) != answer)
			*run = i;
	return answer == (job->choice == COPY_UNIT_CALLED);
}

static void leave_out(struct unit_worker *worker, uint64_t count)
{
	memset(&worker->descs[worker->desc_count], 0, count * sizeof(worker->descs[0]));
	bitmap_fill(worker->is_left_out, worker->desc_count, worker->desc_count + count, true);
	worker->desc_count += count;
	worker->left_out += count;
}

static struct error *put_pages(struct copy_unit_job *job, struct unit_worker *worker, uint64_t pfn, uint64_t count)
{
	uint64_t end = job->end_pfn - job->base_pfn, at = pfn - job->base_pfn;
	struct error *err = NULL;

	while (!err && worker->desc_count < count) {
		uint64_t most, run, done;

		at = bitmap_find(job->set, at, end, true);
		most = at + (count - worker->desc_count);
		run = bitmap_find(job->set, at, most < end ? most : end, false) - at;
		if (is_chosen(job, job->base_pfn + at, &run)) {
			err = put_run(job, worker, job->base_pfn + at, run, &done);
			at += done;
		} else {
			leave_out(worker, run);
			at += run;
		}
	}
	return err;
}

// Descriptors tell what became of pages.
static void note_pages(struct copy_unit_job *job, const struct unit_worker *worker, uint64_t rank, size_t at,
                       size_t end)
{
	uint8_t states[COPY_UNIT_PAGES];

	for (size_t i = at; i < end; i++) {
		uint64_t offset = worker->descs[i].offset;

		states[i] = !offset                                           ? FMT_PAGEMAP_UNREADABLE
		            : offset == worker->part->layout.zero_page_offset ? FMT_PAGEMAP_ZERO
		                                                              : FMT_PAGEMAP_WRITTEN;
	}
	pagemap_note(job->copy->options->pagemap, rank + at, states + at, end - at);
}

// Writes the descriptors [at, end) of a unit.
static struct error *write_desc_run(struct copy_unit_job *job, struct unit_worker *worker, uint64_t rank, size_t at,
                                    size_t end)
{
	const struct copy_part *part = worker->part;
	uint64_t index = job->base_rank + rank + at - part->first_rank, saved = 0;
	struct error *err =
		copy_write(job->copy, part->sink, part->layout.desc_offset + index * sizeof(worker->descs[0]),
	                   worker->descs + at, (end - at) * sizeof(worker->descs[0]));

	if (err)
		return err;
	for (size_t i = at; i < end; i++)
		saved += worker->descs[i].offset != 0;
	atomic_fetch_add_explicit(&job->copy->pages_saved, saved, memory_order_relaxed);
	if (job->copy->options->pagemap)
		note_pages(job, worker, rank, at, end);
	return NULL;
}

static struct error *write_descs(struct copy_unit_job *job, struct unit_worker *worker, uint64_t rank, uint64_t count)
{
	struct error *err = NULL;

	for (uint64_t at = 0, end; !err && at < count; at = end) {
		at = bitmap_find(worker->is_left_out, at, count, false);
		end = bitmap_find(worker->is_left_out, at, count, true);
		if (at < end)
			err = write_desc_run(job, worker, rank, at, end);
	}
	return err;
}

static void start_method(struct copy_unit_job *job, struct unit_worker *worker)
{
	worker->method = methods_choose(job->methods);
	worker->compressor = job->methods->list[worker->method];
	if (job->methods->count == 1)
		return;
	worker->samples_left = worker->unit % SAMPLE_UNITS ? 0 : SAMPLE_PAGES;
	worker->data_count = worker->data_bytes = 0;
	worker->writes = (struct methods_span){0};
	worker->start = methods_now(job->methods);
}

static void end_method(struct copy_unit_job *job, struct unit_worker *worker)
{
	struct methods_span span = methods_now(job->methods);

	if (job->methods->count == 1)
		return;
	span.cpu_ns -= worker->start.cpu_ns + worker->writes.cpu_ns;
	span.wall_ns -= worker->start.wall_ns + worker->writes.wall_ns;
	span.waits -= worker->start.waits + worker->writes.waits;
	methods_note_run(job->methods, &span);
	// A unit with samples took longer than its method does.
	if (worker->unit % SAMPLE_UNITS)
		methods_note(job->methods, worker->method, worker->data_count, span.cpu_ns, worker->data_bytes);
}

struct error *copy_unit(void *context, void *state, uint64_t unit)
{
	struct copy_unit_job *job = context;
	struct unit_worker *worker = state;
	const struct copy_order_unit *what = &job->order->units[unit];
	uint64_t rank = what->rank, count = what->count;
	struct error *err = copy_check_time(job->copy);

	if (err)
		return err;
	worker->part = &job->parts[what->part];
	worker->unit = unit;
	start_method(job, worker);
	worker->desc_count = worker->unclaimed = worker->zero_count = worker->left_out = 0;
	memset(worker->is_left_out, 0, sizeof(worker->is_left_out));
	err = put_pages(job, worker, what->pfn, count);
	if (!err)
		err = flush(job, worker);
	// On a full disk too: there is room for the descriptors, and pages of this unit may be in the dump. The others may have
	// descriptors already, when the unit comes again.
	if (!err)
		err = write_descs(job, worker, rank, count);
	else
		error_free(write_descs(job, worker, rank, worker->unclaimed));
	end_method(job, worker);
	atomic_fetch_add_explicit(&job->copy->pages_zero, worker->zero_count, memory_order_relaxed);
	copy_advance(job->copy, count - worker->left_out);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/workers.h"
#include "dump/copy_fit.h"
#include "dump/copy_job.h"
#include "dump/copy_order.h"
#include "dump/copy_part.h"
#include "dump/copy_unit.h"
#include "dump/worth.h"

// One window of a large machine.
struct window {
	uint64_t rank; // Saved frames before it.
	struct pagemap_place map; // What the page map knows of it.
	uint64_t check; // Of its set and what it is worth, as they were when its bitmap was written.
};

// A dump that is being written.
struct kdump_copy {
	struct copy *copy;
	struct worth_map worth;
	struct methods methods;
	struct callers callers; // Without pages: code is copied as it comes.
	struct copy_part *parts;
	size_t part_count;
	uint64_t *part_starts; // First frame of each.
	struct window *windows;
	size_t window_count;
	uint64_t *set; // Frames of one window.
	uint8_t *block_worth;
	// Saved frames of each piece of the machine, to cut the dump into parts of one size; NULL for one part.
	uint32_t *piece_counts;
	uint64_t piece_pages;
	bool is_scanned; // The set is that of the only window.
	bool is_scarce; // All of it may not fit on the target.
};

// For sizing in advance; pages of 64 KiB are counted in windows of the same number of frames.
enum { MEMORY_PAGE_BYTES = 4096 };

// Frames of a block where worth need not be told page by page.
enum { SURE_BLOCK_PAGES = 512 };

// What a few pages promise of all may be too little by one in so many bytes.
enum { GUESS_ERROR = 4 };

// Pieces of the machine that are counted, to cut the dump into parts of about one size. They are larger on a large machine.
enum { PIECES_MAX = 1 << 14, PIECE_PAGES = 512 };

static uint64_t add_check(uint64_t sum, uint64_t value)
{
	return (sum << 7 | sum >> 57) * UINT64_C(0x9e3779b97f4a7c15) + value;
}

// A checksum that tells a set and its order from others, not from those that somebody made. Pages that change their worth between
// two phases would be copied by both or by none.
static uint64_t window_check(const struct kdump_copy *kdump, uint64_t frames)
{
	uint64_t sum = 0, block_pages = kdump->worth.block_pages;

	for (size_t i = 0; i < bitmap_words(frames); i++)
		sum = add_check(sum, kdump->set[i]);
	for (size_t i = 0; i < (frames + block_pages - 1) / block_pages; i++)
		sum = add_check(sum, kdump->block_worth[i]);
	return sum;
}

static void count_pieces(struct kdump_copy *kdump, uint64_t pfn_start)
{
	uint64_t end = copy_window_end(kdump->copy, pfn_start);

	for (uint64_t pfn = pfn_start; kdump->piece_counts && pfn < end; pfn += kdump->piece_pages) {
		uint64_t stop = pfn + kdump->piece_pages < end ? pfn + kdump->piece_pages : end;

		kdump->piece_counts[pfn / kdump->piece_pages] =
			(uint32_t)bitmap_count(kdump->set, pfn - pfn_start, stop - pfn_start);
	}
}

// Gives each part an equal share of the saved frames, and the frames that these are. Pieces are whole blocks.
static void cut_parts(struct kdump_copy *kdump, uint64_t page_count)
{
	uint64_t piece = 0, rank = 0, start = 0;

	for (size_t i = 0; i < kdump->part_count; i++) {
		struct copy_part *part = &kdump->parts[i];
		uint64_t share = page_count * (i + 1) / kdump->part_count;

		part->pfn_start = kdump->part_starts[i] = start;
		part->first_rank = rank;
		for (; i + 1 < kdump->part_count && rank < share && start < kdump->copy->max_pfn; piece++) {
			rank += kdump->piece_counts[piece];
			start += kdump->piece_pages;
		}
		if (i + 1 == kdump->part_count) {
			start = kdump->copy->max_pfn;
			rank = page_count;
		}
		part->pfn_end = start < kdump->copy->max_pfn ? start : kdump->copy->max_pfn;
		start = part->pfn_end;
		// Room for all pages, most of it a gap: makedumpfile --reassemble takes a page that lies where such a table
		// ends for the one of zeros.
		part->desc_room = page_count;
		// The second scan of a large machine may find some pages more: devices go on writing while the capture
		// kernel runs.
		if (!kdump->is_scanned)
			part->desc_room += part->desc_room / 64 + 65536;
	}
}

// Where parts begin is known by frame; how many saved frames are before it, only now.
static void place_parts(struct kdump_copy *kdump, uint64_t base_pfn, uint64_t end_pfn, uint64_t base_rank)
{
	for (size_t i = 0; i < kdump->part_count; i++) {
		uint64_t start = kdump->part_starts[i];

		if (start >= base_pfn && start < end_pfn)
			kdump->parts[i].first_rank = base_rank + bitmap_count(kdump->set, 0, start - base_pfn);
	}
}

// Up to a frame, which has so many saved ones before it.
static struct error *check_room(const struct kdump_copy *kdump, uint64_t end_pfn, uint64_t rank)
{
	for (size_t i = 0; i < kdump->part_count && kdump->part_starts[i] < end_pfn; i++) {
		const struct copy_part *part = &kdump->parts[i];
		bool is_last = i + 1 == kdump->part_count || kdump->part_starts[i + 1] >= end_pfn;
		uint64_t next = is_last ? rank : kdump->parts[i + 1].first_rank;

		if (next - part->first_rank > part->desc_room)
			return error_new(ERROR_BAD_DATA,
			                 "the memory of the crashed kernel changes: more pages than were counted");
	}
	return NULL;
}

// Pages of some worth that are copied together.
struct phase {
	enum worth first, end;
	enum copy_unit_choice choice;
};

static struct error *run_units(struct kdump_copy *kdump, uint64_t pfn, uint64_t rank, const struct phase *phase)
{
	_cleanup_copy_order_ struct copy_order order = {0};
	struct copy_order_job cut = {
		.set = kdump->set,
		.base_pfn = pfn,
		.end_pfn = copy_window_end(kdump->copy, pfn),
		.block_pages = kdump->worth.block_pages,
		.worth = kdump->block_worth,
		.first = phase->first,
		.end = phase->end,
		.part_starts = kdump->part_starts,
		.part_count = kdump->part_count,
		.unit_pages = COPY_UNIT_PAGES,
	};
	struct copy_unit_job unit_job = {
		.copy = kdump->copy,
		.parts = kdump->parts,
		.set = kdump->set,
		.base_pfn = pfn,
		.end_pfn = cut.end_pfn,
		.base_rank = rank,
		.order = &order,
		.worth = &kdump->worth,
		.callers = &kdump->callers,
		.choice = phase->choice,
		.methods = &kdump->methods,
	};
	struct workers_job job = {
		.start = copy_unit_start,
		.run = copy_unit,
		.finish = copy_unit_end,
		.context = &unit_job,
		.thread_count = methods_threads(&kdump->methods),
	};
	struct workers_turns turns;
	struct error *err = copy_order_init(&order, &cut);

	if (err)
		return err;
	job.job_count = order.count;
	workers_turns_init(&turns);
	if (kdump->is_scarce)
		job.turns = unit_job.turns = &turns;
	err = workers_run(&job);
	workers_turns_deinit(&turns);
	return err;
}

// Fixes which pages of a window are in the dump: from here on its bitmaps say so.
static struct error *fix_window(struct kdump_copy *kdump, struct window *window, uint64_t pfn, uint64_t *rank)
{
	uint64_t end = copy_window_end(kdump->copy, pfn);
	struct error *err;

	window->rank = *rank;
	if (kdump->copy->options->pagemap)
		window->map = pagemap_place(kdump->copy->options->pagemap);
	window->check = window_check(kdump, end - pfn);
	place_parts(kdump, pfn, end, *rank);
	*rank += bitmap_count(kdump->set, 0, end - pfn);
	err = check_room(kdump, end, *rank);
	for (size_t i = 0; !err && i < kdump->part_count; i++)
		err = copy_part_bitmaps(&kdump->parts[i], kdump->set, pfn, end);
	return err;
}

// One walk over the machine.
static struct error *copy_windows(struct kdump_copy *kdump, const struct phase *phases, size_t phase_count)
{
	bool is_first = phases[0].first == WORTH_KERNEL;
	struct copy *copy = kdump->copy;
	struct error *err = NULL;
	uint64_t rank = 0;

	// Bits of windows without memory stay a gap in the file.
	for (uint64_t pfn = copy_window_next(copy, 0), end; !err && pfn < copy->max_pfn;
	     pfn = copy_window_next(copy, end)) {
		struct window *window = &kdump->windows[pfn / COPY_WINDOW_PAGES];
		struct scan_result again = {0};

		end = copy_window_end(copy, pfn);
		if (!kdump->is_scanned)
			err = copy_scan_window(copy, pfn, is_first, kdump->set, &again);
		if (!err)
			err = worth_window(&kdump->worth, kdump->set, pfn, end, kdump->block_worth);
		if (!err && is_first)
			err = fix_window(kdump, window, pfn, &rank);
		else if (!err && window_check(kdump, end - pfn) != window->check)
			err = error_new(ERROR_BAD_DATA,
			                "the memory of the crashed kernel changes: other pages than before");
		else if (!err && copy->options->pagemap)
			pagemap_return(copy->options->pagemap, window->map);
		for (size_t phase = 0; !err && phase < phase_count; phase++)
			err = run_units(kdump, pfn, window->rank, &phases[phase]);
	}
	return err;
}

// The best pages of a machine of several windows come first, too: that takes more looks at its struct pages, which cost
// little beside the copy.
static struct error *copy_phases(struct kdump_copy *kdump)
{
	static const struct phase all = {WORTH_KERNEL, WORTH_COUNT, COPY_UNIT_ALL};
	static const struct phase in_two[] = {
		{WORTH_KERNEL, WORTH_FILES, COPY_UNIT_ALL},
		{WORTH_FILES, WORTH_COUNT, COPY_UNIT_ALL},
	};
	static const struct phase fine[] = {
		{WORTH_KERNEL, WORTH_CODE, COPY_UNIT_LOOK},   {WORTH_CODE, WORTH_SYMBOLS, COPY_UNIT_CALLED},
		{WORTH_SYMBOLS, WORTH_MEMMAP, COPY_UNIT_ALL}, {WORTH_CODE, WORTH_SYMBOLS, COPY_UNIT_NOT_CALLED},
		{WORTH_MEMMAP, WORTH_COUNT, COPY_UNIT_ALL},
	};
	bool is_fine = kdump->callers.pages;
	const struct phase *phases = is_fine ? fine : in_two;
	size_t count = is_fine ? array_size(fine) : array_size(in_two);
	struct error *err = NULL;

	if (kdump->is_scanned)
		return is_fine ? copy_windows(kdump, fine, count) : copy_windows(kdump, &all, 1);
	for (size_t i = 0; !err && i < count; i++)
		err = copy_windows(kdump, &phases[i], 1);
	return err;
}

static struct error *write_all(struct kdump_copy *kdump)
{
	// Of a choice, the densest: each page tells its own.
	uint32_t compression = kdump->methods.list[kdump->methods.count - 1]->flag;
	struct copy_stats *stats = kdump->copy->stats;
	bool can_rewrite = true;
	struct error *err = NULL;

	for (size_t i = 0; !err && i < kdump->part_count; i++) {
		err = copy_part_start(&kdump->parts[i], compression);
		can_rewrite = can_rewrite && kdump->parts[i].sink->can_rewrite;
	}
	stats->is_partial = !err && can_rewrite;
	if (!err)
		err = copy_phases(kdump);
	for (size_t i = 0; i < kdump->part_count; i++) {
		struct copy_part *part = &kdump->parts[i];

		if (!err)
			err = copy_part_end(part, compression);
		// Put what there is where it outlives a power cut; the first error is the one that matters.
		// What is not there then is missing from a dump that says so: better than none.
		else if (stats->is_partial)
			error_free(sink_finish(part->sink, atomic_load(&part->next_data)));
	}
	return err;
}

static struct error *count_all(struct kdump_copy *kdump, struct scan_result *result)
{
	struct copy *copy = kdump->copy;
	struct error *err = NULL;

	for (uint64_t pfn = copy_window_next(copy, 0); !err && pfn < copy->max_pfn;
	     pfn = copy_window_next(copy, copy_window_end(copy, pfn))) {
		err = copy_scan_window(copy, pfn, kdump->is_scanned || copy->options->is_dry_run, kdump->set, result);
		if (!err)
			count_pieces(kdump, pfn);
	}
	copy_note_scan(copy, result);
	return err;
}

// All of it is written soon: its pages come in one call, not by a page fault each. Kernels before v5.14 cannot.
static void populate(void *bytes, size_t size)
{
#ifdef MADV_POPULATE_WRITE
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = ((uintptr_t)bytes + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)bytes + size) & ~(page - 1);

	if (start < end)
		(void)madvise((void *)start, end - start, MADV_POPULATE_WRITE);
#else
	(void)bytes;
	(void)size;
#endif
}

static struct error *allocate(struct kdump_copy *kdump)
{
	struct copy *copy = kdump->copy;
	uint64_t frames = copy_window_end(copy, 0);

	methods_init(&kdump->methods, copy->options->compressor, copy->options->thread_count,
	             (unsigned int)copy_sink_count(copy), copy->page_bytes);
	kdump->part_count = copy_sink_count(copy);
	kdump->window_count = (copy->max_pfn + COPY_WINDOW_PAGES - 1) / COPY_WINDOW_PAGES;
	kdump->set = calloc(copy_window_words(copy) + 1, sizeof(*kdump->set));
	kdump->block_worth = calloc(frames / worth_block_pages(frames) + 1, sizeof(*kdump->block_worth));
	kdump->windows = calloc(kdump->window_count + 1, sizeof(*kdump->windows));
	kdump->parts = calloc(kdump->part_count, sizeof(*kdump->parts));
	kdump->part_starts = calloc(kdump->part_count, sizeof(*kdump->part_starts));
	kdump->piece_pages = PIECE_PAGES;
	while (copy->max_pfn / kdump->piece_pages >= PIECES_MAX)
		kdump->piece_pages *= 2;
	if (kdump->part_count > 1)
		kdump->piece_counts = calloc(PIECES_MAX, sizeof(*kdump->piece_counts));
	if (!kdump->set || !kdump->block_worth || !kdump->windows || !kdump->parts || !kdump->part_starts ||
	    (kdump->part_count > 1 && !kdump->piece_counts))
		return error_new(ERROR_NOMEM, "no memory for the set of pages");
	populate(kdump->set, copy_window_words(copy) * sizeof(*kdump->set));
	for (size_t i = 0; i < kdump->part_count; i++) {
		kdump->parts[i].copy = copy;
		kdump->parts[i].sink = copy_sink(copy, i);
		kdump->parts[i].is_split = kdump->part_count > 1;
	}
	return NULL;
}

// Where the dump may be cut short, not only whole pieces of memory are put in order, but also pages of code: it takes half of
// what a small machine saves, and little of it is needed to walk stacks.
static struct error *prepare_order(struct kdump_copy *kdump, uint64_t page_count)
{
	const struct copy *copy = kdump->copy;
	const struct worth_map *worth = &kdump->worth;
	struct error *err = worth_init(&kdump->worth, &copy->scan, copy_window_end(copy, 0));
	bool is_sure = !copy->options->deadline_ms && page_count * copy->page_bytes <= copy->options->room_bytes;

	// Nothing is expected to cut the dump short: it is enough that what lies together is in order.
	if (is_sure && kdump->worth.block_pages < SURE_BLOCK_PAGES)
		kdump->worth.block_pages = SURE_BLOCK_PAGES;
	if (err || worth->code_vaddr == worth->code_vaddr_end || is_sure)
		return err;
	worth_find_symbols(&kdump->worth);
	return callers_init(&kdump->callers, worth->code_vaddr, worth->code_vaddr_end, copy->core);
}

static void release(struct kdump_copy *kdump)
{
	worth_deinit(&kdump->worth);
	callers_deinit(&kdump->callers);
	methods_deinit(&kdump->methods);
	free(kdump->set);
	free(kdump->block_worth);
	free(kdump->windows);
	free(kdump->parts);
	free(kdump->part_starts);
	free(kdump->piece_counts);
}

static uint64_t predict_bytes(const struct kdump_copy *kdump, uint64_t page_count, uint64_t mean_bytes)
{
	const struct copy *copy = kdump->copy;
	struct fmt_kdump_layout layout =
		fmt_kdump_layout(copy->page_bytes, copy->max_pfn, copy->core->notes_bytes, page_count);

	return layout.data_offset * kdump->part_count + page_count * mean_bytes;
}

// As long as the dump will not fit, leaves out more, and counts again. What does not fit even then is cut short.
static struct error *fit_room(struct kdump_copy *kdump, struct scan_result *result)
{
	struct copy *copy = kdump->copy;
	const struct compressor *densest = kdump->methods.list[kdump->methods.count - 1];
	uint64_t room = copy->options->room_bytes, last = copy->max_pfn - 1, mean_bytes = copy->page_bytes;
	struct error *err = NULL;

	// Where the dump as it is would not fit, a fast target must not tempt to write it so.
	if (room && predict_bytes(kdump, result->counts.kept, copy->page_bytes) > room)
		methods_use_densest(&kdump->methods);
	while (!err && room && predict_bytes(kdump, result->counts.kept, copy->page_bytes) > room) {
		// The window that was counted last is at hand.
		err = copy_fit_sample(copy, densest, kdump->set, last - last % COPY_WINDOW_PAGES, copy->max_pfn,
		                      &mean_bytes);
		if (err || predict_bytes(kdump, result->counts.kept, mean_bytes) <= room || !copy_fit_denser(copy))
			break;
		copy->stats->warnings |= COPY_WARN_DENSER;
		*result = (struct scan_result){0};
		if (copy->options->pagemap)
			pagemap_start(copy->options->pagemap, copy->core, copy->dump_level);
		if (copy->is_unused_dropped && !kdump->is_scanned)
			err = copy_find_unused(copy);
		if (!err)
			err = count_all(kdump, result);
	}
	mean_bytes += mean_bytes / GUESS_ERROR;
	mean_bytes = mean_bytes < copy->page_bytes ? mean_bytes : copy->page_bytes;
	kdump->is_scarce = room && predict_bytes(kdump, result->counts.kept, mean_bytes) > room;
	return err;
}

struct error *copy_kdump_run(struct copy *copy)
{
	// One window is enough for most machines: then the set is still there when it is copied.
	struct kdump_copy kdump = {.copy = copy, .is_scanned = copy->max_pfn <= COPY_WINDOW_PAGES};
	struct scan_result result = {0};
	struct error *err = allocate(&kdump);

	if (!err)
		err = count_all(&kdump, &result);
	if (!err && !copy->options->is_dry_run)
		err = fit_room(&kdump, &result);
	if (!err && !copy->options->is_dry_run) {
		cut_parts(&kdump, result.counts.kept);
		err = prepare_order(&kdump, result.counts.kept);
	}
	if (!err && !copy->options->is_dry_run) {
		err = write_all(&kdump);
		copy->stats->pages_written = atomic_load(&copy->pages_saved);
		copy->stats->is_partial = err && copy->stats->is_partial;
	}
	release(&kdump);
	return err;
}

static uint64_t unit_memory_bytes(const struct copy_options *options)
{
	struct methods methods;
	uint64_t bytes;

	if (options->format != COPY_KDUMP)
		return options->thread_count * COPY_BUFFER_BYTES;
	methods_init(&methods, options->compressor, options->thread_count, 1, MEMORY_PAGE_BYTES);
	bytes = methods_threads(&methods) * copy_unit_memory_bytes(&methods, MEMORY_PAGE_BYTES);
	methods_deinit(&methods);
	return bytes;
}

uint64_t copy_kdump_memory_bytes(const struct copy_options *options, uint64_t max_pfn)
{
	uint64_t frames = max_pfn < COPY_WINDOW_PAGES ? max_pfn : COPY_WINDOW_PAGES;
	uint64_t block_pages = worth_block_pages(frames);
	uint64_t thread_bytes = unit_memory_bytes(options);
	uint64_t pieces = options->more_sink_count ? PIECES_MAX * sizeof(uint32_t) : 0;
	// Units that take turns are there twice for a moment.
	uint64_t orders = options->more_sink_count ? 2 : 1;

	return frames / block_pages + orders * copy_order_memory_bytes(frames, block_pages, COPY_UNIT_PAGES) + pieces +
	       worth_memory_bytes(max_pfn) + thread_bytes;
}

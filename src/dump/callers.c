// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/callers.h"

#include <stdlib.h>

#include "base/bitmap.h"
#include "base/endian.h"
#include "core/arch.h"

struct error *callers_init(struct callers *ret, uint64_t vaddr_start, uint64_t vaddr_end, const struct vmcore *core)
{
	uint64_t count = (vaddr_end - vaddr_start) >> vmcore_page_shift(core);

	*ret = (struct callers){
		.vaddr_start = vaddr_start,
		.vaddr_end = vaddr_end,
		.page_shift = vmcore_page_shift(core),
		.align_bytes = core->arch->function_align_bytes,
		.is_big_endian = core->is_big_endian,
		.pages = calloc(bitmap_words(count) + 1, sizeof(*ret->pages)),
	};
	return ret->pages ? NULL : error_new(ERROR_NOMEM, "no memory for pages of code");
}

void callers_deinit(struct callers *callers)
{
	free((void *)callers->pages);
	callers->pages = NULL;
}

// More addresses on one page are a table of functions (ftrace has one of all there are), not a stack: frames have 6 words and
// more on average.
enum { FOUND_MAX = 80 };

static void note(struct callers *callers, uint64_t vaddr)
{
	uint64_t index = (vaddr - callers->vaddr_start) >> callers->page_shift;
	uint64_t bit = UINT64_C(1) << (index % 64);

	// Most are known: a write would take the line away from the other threads.
	if (!(atomic_load_explicit(&callers->pages[index / 64], memory_order_relaxed) & bit))
		atomic_fetch_or_explicit(&callers->pages[index / 64], bit, memory_order_relaxed);
}

void callers_look(struct callers *callers, const uint8_t *page, size_t size_bytes)
{
	uint64_t start = callers->vaddr_start, size = callers->vaddr_end - start;
	uint64_t found[FOUND_MAX];
	size_t count = 0;

	for (size_t at = 0; at + sizeof(uint64_t) <= size_bytes; at += sizeof(uint64_t)) {
		uint64_t word = load_u64(page + at, callers->is_big_endian);

		// What points to the start of a function is no return address.
		if (word - start >= size || (callers->align_bytes > 1 && word % callers->align_bytes == 0))
			continue;
		if (count == FOUND_MAX)
			return;
		found[count++] = word;
	}
	while (count--)
		note(callers, found[count]);
}

static bool is_noted(const struct callers *callers, uint64_t index)
{
	return atomic_load_explicit(&callers->pages[index / 64], memory_order_relaxed) >> (index % 64) & 1;
}

bool callers_has(const struct callers *callers, uint64_t vaddr)
{
	uint64_t count = (callers->vaddr_end - callers->vaddr_start) >> callers->page_shift;
	uint64_t index = (vaddr - callers->vaddr_start) >> callers->page_shift;

	return index < count && (is_noted(callers, index) || (index && is_noted(callers, index - 1)) ||
	                         (index + 1 < count && is_noted(callers, index + 1)));
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A page map: answers hold together, and do not depend on the order of the questions.
#include "dump/pagemap_reader.h"
#include "fuzz.h"

enum {
	QUESTIONS = 300,
	ALLOWED = FUZZ_CODE(ERROR_BAD_DATA),
};

// Of two answers to one question. Gives whether there was one.
static bool ask(struct pagemap_reader *reader, uint64_t pfn, struct pagemap_answer *ret)
{
	struct error *err = pagemap_reader_find(reader, pfn, ret);

	if (err) {
		fuzz_end(err, ALLOWED);
		return false;
	}
	fuzz_require(ret->pfn_end > pfn && *pagemap_reader_text(ret));
	fuzz_require(ret->is_kept || ret->state == FMT_PAGEMAP_PENDING);
	fuzz_require(ret->is_known || !ret->is_kept);
	return true;
}

// States that are read together are those of each.
static void ask_states(const struct pagemap_reader *reader, const struct pagemap_answer *first,
                       const struct pagemap_answer *last, uint64_t pfn)
{
	static uint8_t states[FMT_PAGEMAP_BLOCK_FRAMES];

	if (!first->is_kept)
		return;
	fuzz_end(pagemap_reader_states(reader, first->cell, states, first->pfn_end - pfn), 0);
	fuzz_require(states[0] == first->state && states[first->pfn_end - 1 - pfn] == last->state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static int fd = -1;
	struct pagemap_reader *reader, *other;
	struct error *err;
	uint64_t pfn = 0;

	if (fd < 0)
		fd = memfd_create("map", MFD_CLOEXEC);
	fuzz_require(fd >= 0 && ftruncate(fd, 0) == 0);
	fuzz_require(pwrite(fd, data, size_bytes, 0) == (ssize_t)size_bytes);
	err = pagemap_reader_create(fd, &reader);
	if (err) {
		fuzz_end(err, ALLOWED | FUZZ_CODE(ERROR_UNSUPPORTED));
		return 0;
	}
	fuzz_end(pagemap_reader_create(fd, &other), 0);
	for (unsigned int i = 0; i < QUESTIONS && pfn < UINT64_MAX; i++) {
		struct pagemap_answer first, second;
		bool is_answered = ask(reader, pfn, &first);

		// From the start of the block, and in the same run.
		if (is_answered && ask(other, pfn / FMT_PAGEMAP_BLOCK_FRAMES * FMT_PAGEMAP_BLOCK_FRAMES, &second) &&
		    ask(other, first.pfn_end - 1, &second)) {
			fuzz_require(second.code == first.code && second.pfn_end == first.pfn_end);
			fuzz_require(!first.is_kept || second.cell - first.cell == first.pfn_end - 1 - pfn);
			ask_states(reader, &first, &second, pfn);
		}
		pfn = is_answered ? first.pfn_end : (pfn / FMT_PAGEMAP_BLOCK_FRAMES + 1) * FMT_PAGEMAP_BLOCK_FRAMES;
	}
	pagemap_reader_destroy(reader);
	pagemap_reader_destroy(other);
	return 0;
}

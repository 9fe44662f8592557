// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/pagemap_reader.h"

#include <stdlib.h>

#include "base/io.h"

struct pagemap_reader {
	int fd;
	struct fmt_pagemap_header header;
	bool has_block;
	uint64_t block; // Number of the block in bytes.
	struct fmt_pagemap_entry entry;
	const uint8_t *at; // Behind the run.
	struct fmt_pagemap_run run; // One run of the block …
	uint64_t run_pfn; // … its first frame …
	uint64_t run_kept; // … and how many pages of the block before it are kept.
	uint8_t bytes[FMT_PAGEMAP_BLOCK_BYTES];
};

struct error *pagemap_reader_create(int fd, struct pagemap_reader **ret)
{
	struct pagemap_reader *reader = malloc(sizeof(*reader));
	struct fmt_pagemap_header raw;
	struct error *err;
	size_t got;

	if (!reader)
		return error_new(ERROR_NOMEM, "no memory for the reader of a page map");
	reader->fd = fd;
	reader->has_block = false;
	err = io_pread(fd, &raw, sizeof(raw), 0, &got);
	if (!err && got < sizeof(raw))
		err = error_new(ERROR_BAD_DATA, "this is no page map: it has %zu bytes", got);
	if (!err)
		err = fmt_pagemap_load_header(&raw, &reader->header);
	if (err) {
		free(reader);
		return err;
	}
	*ret = reader;
	return NULL;
}

void pagemap_reader_destroy(struct pagemap_reader *reader)
{
	free(reader);
}

const struct fmt_pagemap_header *pagemap_reader_header(const struct pagemap_reader *reader)
{
	return &reader->header;
}

static void rewind_block(struct pagemap_reader *reader)
{
	reader->at = reader->bytes;
	reader->run_pfn = reader->block * FMT_PAGEMAP_BLOCK_FRAMES;
	reader->run_kept = 0;
	reader->run.frames = 0;
}

static struct error *load_block(struct pagemap_reader *reader, uint64_t block)
{
	struct fmt_pagemap_entry raw = {0};
	size_t got;
	struct error *err =
		io_pread(reader->fd, &raw, sizeof(raw), reader->header.index_offset + block * sizeof(raw), &got);

	reader->has_block = false;
	if (err)
		return err;
	// A map that was cut short may end before its index.
	reader->entry = got == sizeof(raw) ? fmt_pagemap_load_entry(&raw) : (struct fmt_pagemap_entry){0};
	if (reader->entry.size_bytes > FMT_PAGEMAP_BLOCK_BYTES || reader->entry.offset > INT64_MAX / 2 ||
	    reader->entry.cell > INT64_MAX || reader->entry.kept > FMT_PAGEMAP_BLOCK_FRAMES)
		return error_new(ERROR_BAD_DATA, "entry %ju of the page map is damaged", (uintmax_t)block);
	err = io_pread(reader->fd, reader->bytes, reader->entry.size_bytes, reader->entry.offset, &got);
	if (!err && got < reader->entry.size_bytes)
		err = error_new(ERROR_BAD_DATA, "the page map ends in block %ju", (uintmax_t)block);
	if (err)
		return err;
	reader->has_block = true;
	reader->block = block;
	rewind_block(reader);
	return NULL;
}

static bool is_kept(const struct pagemap_reader *reader, enum fmt_pagemap_code code)
{
	return !(reader->header.dropped_codes >> code & 1);
}

// Goes on to the run that holds a frame.
static struct error *find_run(struct pagemap_reader *reader, uint64_t pfn)
{
	const uint8_t *end = reader->bytes + reader->entry.size_bytes;

	if (pfn < reader->run_pfn)
		rewind_block(reader);
	while (pfn >= reader->run_pfn + reader->run.frames) {
		struct fmt_pagemap_run next;

		if (!fmt_pagemap_get_run(&reader->at, end, &next))
			return error_new(ERROR_BAD_DATA, "block %ju of the page map is damaged",
			                 (uintmax_t)reader->block);
		if (reader->run.frames && is_kept(reader, reader->run.code))
			reader->run_kept += reader->run.frames;
		reader->run_pfn += reader->run.frames;
		reader->run = next;
	}
	return NULL;
}

static struct error *read_state(const struct pagemap_reader *reader, uint64_t cell, enum fmt_pagemap_state *ret)
{
	uint8_t byte = 0;
	size_t got;
	struct error *err = io_pread(reader->fd, &byte, 1, cell / FMT_PAGEMAP_CELLS_PER_BYTE, &got);

	*ret = byte >> cell % FMT_PAGEMAP_CELLS_PER_BYTE * 2 & 3;
	return err;
}

struct error *pagemap_reader_states(const struct pagemap_reader *reader, uint64_t cell, uint8_t *states, size_t count)
{
	while (count) {
		uint8_t bytes[256] = {0};
		uint64_t first = cell % FMT_PAGEMAP_CELLS_PER_BYTE;
		size_t room = sizeof(bytes) * FMT_PAGEMAP_CELLS_PER_BYTE - first, part = count < room ? count : room,
		       got;
		struct error *err = io_pread(reader->fd, bytes, sizeof(bytes), cell / FMT_PAGEMAP_CELLS_PER_BYTE, &got);

		if (err)
			return err;
		for (size_t i = 0; i < part; i++)
			states[i] = bytes[(first + i) / FMT_PAGEMAP_CELLS_PER_BYTE] >>
			                    (first + i) % FMT_PAGEMAP_CELLS_PER_BYTE * 2 &
			            3;
		states += part;
		cell += part;
		count -= part;
	}
	return NULL;
}

struct error *pagemap_reader_find(struct pagemap_reader *reader, uint64_t pfn, struct pagemap_answer *ret)
{
	uint64_t block = pfn / FMT_PAGEMAP_BLOCK_FRAMES, end = (block + 1) * FMT_PAGEMAP_BLOCK_FRAMES;
	struct pagemap_answer answer = {.is_known = true, .code = FMT_PAGEMAP_NONE};
	struct error *err = NULL;

	if (pfn >= reader->header.max_pfn) {
		answer.pfn_end = UINT64_MAX;
		*ret = answer;
		return NULL;
	}
	answer.pfn_end = end < reader->header.max_pfn ? end : reader->header.max_pfn;
	if (!reader->has_block || reader->block != block)
		err = load_block(reader, block);
	if (err)
		return err;
	if (!reader->entry.offset) {
		answer.is_known = reader->header.status != FMT_PAGEMAP_PARTIAL;
		*ret = answer;
		return NULL;
	}
	err = find_run(reader, pfn);
	if (err)
		return err;
	answer.code = reader->run.code;
	answer.is_kept = is_kept(reader, answer.code);
	if (reader->run_pfn + reader->run.frames < answer.pfn_end)
		answer.pfn_end = reader->run_pfn + reader->run.frames;
	if (answer.is_kept) {
		answer.cell = reader->entry.cell + reader->run_kept + (pfn - reader->run_pfn);
		err = read_state(reader, answer.cell, &answer.state);
	}
	if (!err)
		*ret = answer;
	return err;
}

static const char *dropped_text(enum fmt_pagemap_code code)
{
	switch (code) {
	case FMT_PAGEMAP_NONE:
		return "no memory";
	case FMT_PAGEMAP_FREE:
		return "free, left out";
	case FMT_PAGEMAP_CACHE:
		return "page cache, left out";
	case FMT_PAGEMAP_CACHE_PRIVATE:
		return "page cache with private data, left out";
	case FMT_PAGEMAP_USER:
		return "memory of a process, left out";
	case FMT_PAGEMAP_OFFLINE:
		return "offline: given back to the hypervisor, left out";
	case FMT_PAGEMAP_POISONED:
		return "broken memory (hwpoison), never touched";
	case FMT_PAGEMAP_MISSING:
		return "memory that was not in the input";
	case FMT_PAGEMAP_STRUCT_PAGES:
		return "struct pages of pages that are left out, left out";
	case FMT_PAGEMAP_KERNEL:
	case FMT_PAGEMAP_UNKNOWN:
	case FMT_PAGEMAP_PROCESS:
	case FMT_PAGEMAP_CODES:
		break;
	}
	return "left out for a reason that this program does not know";
}

static const char *kept_text(enum fmt_pagemap_code code)
{
	switch (code) {
	case FMT_PAGEMAP_KERNEL:
		return "kernel, kept";
	case FMT_PAGEMAP_FREE:
		return "free, kept";
	case FMT_PAGEMAP_CACHE:
		return "page cache, kept";
	case FMT_PAGEMAP_CACHE_PRIVATE:
		return "page cache with private data, kept";
	case FMT_PAGEMAP_USER:
		return "memory of a process, kept";
	case FMT_PAGEMAP_UNKNOWN:
		return "kept, because nothing is known of it";
	case FMT_PAGEMAP_PROCESS:
		return "kept for a process that was asked for";
	case FMT_PAGEMAP_NONE:
	case FMT_PAGEMAP_OFFLINE:
	case FMT_PAGEMAP_POISONED:
	case FMT_PAGEMAP_MISSING:
	case FMT_PAGEMAP_STRUCT_PAGES:
	case FMT_PAGEMAP_CODES:
		break;
	}
	return "kept for a reason that this program does not know";
}

const char *pagemap_reader_text(const struct pagemap_answer *answer)
{
	if (!answer->is_known)
		return "not known: the copy was cut short before this page frame was looked at";
	if (!answer->is_kept)
		return dropped_text(answer->code);
	switch (answer->state) {
	case FMT_PAGEMAP_PENDING:
		return "to be kept, but the copy did not get so far";
	case FMT_PAGEMAP_ZERO:
		return "kept: a page of zeros";
	case FMT_PAGEMAP_UNREADABLE:
		return "missing: it could not be read";
	case FMT_PAGEMAP_WRITTEN:
		break;
	}
	return kept_text(answer->code);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *presence_state_name(enum presence_state state)
{
	static const char *const names[PRESENCE_STATES] = {
		[PRESENCE_WRITTEN] = "written",       [PRESENCE_ZERO] = "zero",
		[PRESENCE_DROPPED] = "dropped",       [PRESENCE_LOST] = "lost",
		[PRESENCE_UNREADABLE] = "unreadable", [PRESENCE_DAMAGED] = "damaged",
		[PRESENCE_NO_MEMORY] = "no-memory",   [PRESENCE_ABSENT] = "absent",
	};

	return names[state];
}

const char *presence_code_name(enum fmt_pagemap_code code)
{
	static const char *const names[FMT_PAGEMAP_CODES] = {
		[FMT_PAGEMAP_NONE] = "none",
		[FMT_PAGEMAP_KERNEL] = "kernel",
		[FMT_PAGEMAP_FREE] = "free",
		[FMT_PAGEMAP_CACHE] = "cache",
		[FMT_PAGEMAP_CACHE_PRIVATE] = "private-cache",
		[FMT_PAGEMAP_USER] = "user",
		[FMT_PAGEMAP_OFFLINE] = "offline",
		[FMT_PAGEMAP_POISONED] = "poisoned",
		[FMT_PAGEMAP_UNKNOWN] = "unknown",
		[FMT_PAGEMAP_MISSING] = "missing",
		[FMT_PAGEMAP_STRUCT_PAGES] = "struct-pages",
		[FMT_PAGEMAP_PROCESS] = "process",
	};

	return code < FMT_PAGEMAP_CODES && names[code] ? names[code] : "other";
}

const char *presence_sentence(const struct presence *presence)
{
	struct pagemap_answer answer = {.is_known = true, .code = presence->code};

	switch (presence->state) {
	case PRESENCE_WRITTEN:
		return "yes";
	case PRESENCE_ZERO:
		return "yes: a page of zeros";
	case PRESENCE_DROPPED:
		if (presence->is_by_map)
			return pagemap_reader_text(&answer);
		return "left out when the dump was made";
	case PRESENCE_LOST:
		return "lost: it should be there, and the copy or the file ends before it";
	case PRESENCE_UNREADABLE:
		return "missing: it could not be read when the dump was made";
	case PRESENCE_DAMAGED:
		return "damaged: its bytes cannot be expanded";
	case PRESENCE_NO_MEMORY:
		return "no memory";
	case PRESENCE_ABSENT:
	case PRESENCE_STATES:
		break;
	}
	return "not in the dump; why is not known";
}

struct error *presence_check_map(const struct vmcore *core, const struct pagemap_reader *map)
{
	const struct fmt_pagemap_header *header = pagemap_reader_header(map);
	char time[32];

	if (header->page_bytes != vmcore_page_bytes(core))
		return error_new(ERROR_BAD_DATA,
		                 "the page map is of another dump: it has pages of %u bytes, the dump of %ju",
		                 header->page_bytes, (uintmax_t)vmcore_page_bytes(core));
	if (header->crash_time && vmcoreinfo_string(&core->info, "CRASHTIME", time, sizeof(time)) &&
	    strtoull(time, NULL, 10) != header->crash_time)
		return error_new(ERROR_BAD_DATA,
		                 "the page map is of another dump: its crash was at %ju, that of the dump at %ju",
		                 (uintmax_t)header->crash_time, (uintmax_t)strtoull(time, NULL, 10));
	// Of an ELF file the last frames may have been left out.
	if (vmcore_max_pfn(core) > header->max_pfn)
		return error_new(
			ERROR_BAD_DATA,
			"the page map is of another dump: its memory ends at page frame %#jx, that of the dump at %#jx",
			(uintmax_t)header->max_pfn, (uintmax_t)vmcore_max_pfn(core));
	return NULL;
}

static bool has_frame(const struct vmcore *core, enum vmcore_frame_set which, uint64_t pfn)
{
	struct vmcore_frames frames;

	return vmcore_next_frames(core, which, pfn, &frames) && frames.pfn_start <= pfn && pfn < frames.pfn_end;
}

// ELF: memory that a program header announces without bytes for it.
static bool is_without_bytes(const struct vmcore *core, uint64_t paddr)
{
	for (size_t i = 0; i < core->load_count; i++) {
		const struct vmcore_load *load = &core->loads[i];

		if (paddr - load->paddr < load->memory_bytes && paddr - load->paddr >= load->file_bytes)
			return true;
	}
	return false;
}

static bool is_in_load(const struct vmcore *core, uint64_t paddr)
{
	for (size_t i = 0; i < core->load_count; i++)
		if (paddr - core->loads[i].paddr < core->loads[i].file_bytes)
			return true;
	return false;
}

static void tell_absent(const struct vmcore *core, uint64_t pfn, struct presence *ret)
{
	uint64_t paddr = pfn << vmcore_page_shift(core);

	if (is_in_load(core, paddr)) {
		ret->state = PRESENCE_LOST;
		snprintf(ret->text, sizeof(ret->text), "the file ends before it");
	} else if (is_without_bytes(core, paddr)) {
		// kdump-copy does so with zeros, makedumpfile with whatever it leaves out.
		ret->state = PRESENCE_ABSENT;
		snprintf(ret->text, sizeof(ret->text), "its program header has no bytes for it: zeros, or left out");
	} else if (has_frame(core, VMCORE_FRAMES_RAM, pfn)) {
		ret->state = PRESENCE_DROPPED;
	} else {
		// Formats of our own say which frames are memory; ELF files say what they hold.
		ret->state = core->format->next_frames ? PRESENCE_NO_MEMORY : PRESENCE_ABSENT;
	}
}

static bool is_zero(const uint8_t *bytes, size_t size_bytes)
{
	return size_bytes == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size_bytes - 1) == 0);
}

// Whether a page holds only zeros; a page may come in pieces.
static struct error *read_page(struct vmreader *reader, uint64_t paddr, uint64_t page_bytes, bool *is_zero_ret)
{
	bool zero = true;

	for (uint64_t at = 0; at < page_bytes;) {
		const uint8_t *bytes;
		size_t got;
		struct error *err = vmreader_map(reader, paddr + at, page_bytes - at, &bytes, &got);

		// The first or the last page of memory may be there in part.
		if (err && at && err->code == ERROR_FAULT) {
			error_free(err);
			break;
		}
		if (err)
			return err;
		got = got < page_bytes - at ? got : page_bytes - at;
		zero = zero && is_zero(bytes, got);
		at += got;
	}
	*is_zero_ret = zero;
	return NULL;
}

static void keep_text(struct presence *presence, const struct error *err)
{
	snprintf(presence->text, sizeof(presence->text), "%.*s", (int)sizeof(presence->text) - 1, err->text);
	for (char *c = presence->text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

struct error *presence_in_dump(struct vmreader *reader, uint64_t pfn, struct presence *ret)
{
	const struct vmcore *core = reader->core;
	uint64_t page_bytes = vmcore_page_bytes(core), paddr = pfn << vmcore_page_shift(core);
	struct vmcore_frames frames;
	struct error *err;
	bool zero = false;

	*ret = (struct presence){.code = FMT_PAGEMAP_UNKNOWN};
	if (pfn > UINT64_MAX >> vmcore_page_shift(core)) {
		ret->state = PRESENCE_NO_MEMORY;
		return NULL;
	}
	if (!vmcore_next_frames(core, VMCORE_FRAMES_PRESENT, pfn, &frames) || frames.pfn_start > pfn) {
		tell_absent(core, pfn, ret);
		return NULL;
	}
	// The first frame of a region may begin in the middle of the page.
	if (core->region_count) {
		const struct vmcore_region *region = vmcore_region_from(core, paddr);

		if (region && region->paddr_start > paddr && region->paddr_start < paddr + page_bytes) {
			page_bytes -= region->paddr_start - paddr;
			paddr = region->paddr_start;
		}
	}
	err = read_page(reader, paddr, page_bytes, &zero);
	if (err && err->code != ERROR_FAULT && err->code != ERROR_BAD_DATA)
		return err;
	if (err) {
		ret->state = err->code == ERROR_FAULT ? PRESENCE_LOST : PRESENCE_DAMAGED;
		keep_text(ret, err);
		error_free(err);
		return NULL;
	}
	ret->state = zero ? PRESENCE_ZERO : PRESENCE_WRITTEN;
	return NULL;
}

enum presence_state presence_of_answer(const struct pagemap_answer *answer)
{
	if (!answer->is_known)
		return PRESENCE_LOST;
	if (answer->is_kept) {
		switch (answer->state) {
		case FMT_PAGEMAP_WRITTEN:
			return PRESENCE_WRITTEN;
		case FMT_PAGEMAP_ZERO:
			return PRESENCE_ZERO;
		case FMT_PAGEMAP_UNREADABLE:
			return PRESENCE_UNREADABLE;
		case FMT_PAGEMAP_PENDING:
			break;
		}
		return PRESENCE_LOST;
	}
	return answer->code == FMT_PAGEMAP_NONE ? PRESENCE_NO_MEMORY : PRESENCE_DROPPED;
}

enum presence_state presence_settle(const struct pagemap_answer *answer, enum presence_state found,
                                    bool *is_conflict_ret)
{
	enum presence_state wanted = presence_of_answer(answer);
	bool is_dropped = wanted == PRESENCE_DROPPED || wanted == PRESENCE_NO_MEMORY;

	*is_conflict_ret = false;
	switch (found) {
	case PRESENCE_DAMAGED:
		return found;
	case PRESENCE_LOST:
	case PRESENCE_UNREADABLE:
		*is_conflict_ret = is_dropped;
		return wanted == PRESENCE_UNREADABLE ? wanted : PRESENCE_LOST;
	case PRESENCE_ZERO:
		*is_conflict_ret = is_dropped;
		// What could not be read is zeros in files in which each page has its place.
		return wanted == PRESENCE_UNREADABLE ? wanted : found;
	case PRESENCE_WRITTEN:
		// A copy that was cut short may have written what it did not get to note.
		*is_conflict_ret = wanted != PRESENCE_WRITTEN && wanted != PRESENCE_LOST;
		return found;
	case PRESENCE_ABSENT:
		// ELF files do not tell zeros from what was left out.
		if (wanted == PRESENCE_ZERO)
			return wanted;
		break;
	case PRESENCE_DROPPED:
	case PRESENCE_NO_MEMORY:
	case PRESENCE_STATES:
		break;
	}
	*is_conflict_ret = presence_is_there(wanted);
	return *is_conflict_ret ? found : wanted;
}

static void take_map(struct presence *ret, const struct pagemap_answer *answer)
{
	enum presence_state found = ret->state;

	ret->is_by_map = answer->is_known;
	if (answer->is_known)
		ret->code = answer->code;
	ret->state = presence_settle(answer, found, &ret->is_conflict);
	if (ret->is_conflict)
		snprintf(ret->text, sizeof(ret->text), "the page map says: %s", pagemap_reader_text(answer));
	else if (found == PRESENCE_ABSENT)
		ret->text[0] = '\0';
	if (!answer->is_known && !presence_is_there(found))
		snprintf(ret->text, sizeof(ret->text), "%s", pagemap_reader_text(answer));
}

struct error *presence_find(struct vmreader *reader, struct pagemap_reader *map, uint64_t pfn, struct presence *ret)
{
	struct pagemap_answer answer;
	struct error *err = presence_in_dump(reader, pfn, ret);

	if (err || !map)
		return err;
	err = pagemap_reader_find(map, pfn, &answer);
	if (err)
		return err;
	take_map(ret, &answer);
	return NULL;
}

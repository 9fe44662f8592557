// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/infosearch.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/xlat.h"

enum {
	NOTE_HEADER_BYTES = 12,
	RELEASE_BYTES = 65, // __NEW_UTS_LEN and a NUL.
	// A kernel has one note, and pages that others left some more; a limit for memory made to mislead.
	TRIES_MAX = 1024,
};

// The name of the note with its padding, and how its text begins.
static const char mark[] = "VMCOREINFO\0\0OSRELEASE=";
enum { NAME_BYTES = 11, NAME_ROOM = 12, MARK_BYTES = sizeof(mark) - 1 };

// A look at all memory.
struct search {
	struct vmcore *core;
	struct vmreader pages; // Looks for the mark …
	struct vmreader text; // … and reads what is behind it.
	bool is_everywhere; // Else only at the start of pages.
	unsigned int tries_left;
	bool is_found;
};

// Whether the page tables that VMCOREINFO tells of lead to a kernel of the release that it tells: what a kernel left that ran
// before lies in pages that belong to others now.
static bool is_current(const struct vmcore *core, struct vmreader *reader)
{
	char release[RELEASE_BYTES];
	uint8_t names[8 * RELEASE_BYTES];
	struct error *err;
	struct xlat xlat;
	uint64_t vaddr;

	if (!vmcoreinfo_string(&core->info, "OSRELEASE", release, sizeof(release)) ||
	    !vmcoreinfo_symbol(&core->info, "init_uts_ns", &vaddr))
		return false;
	err = xlat_init(&xlat, core);
	if (!err)
		err = xlat_read(&xlat, reader, vaddr, names, sizeof(names));
	if (!err)
		return memmem(names, sizeof(names), release, strlen(release) + 1);
	error_free(err);
	return false;
}

// Takes VMCOREINFO if it is right; else the dump is as it was.
static struct error *take(struct vmcore *core, struct vmreader *reader, const char *text, size_t size_bytes,
                          bool *is_taken_ret)
{
	unsigned int page_shift = core->page_shift;
	bool is_page_size_guessed = core->is_page_size_guessed;
	struct error *err = vmcore_set_info(core, text, size_bytes);

	*is_taken_ret = !err && is_current(core, reader);
	if (*is_taken_ret) {
		err = vmcore_add_note(core, "VMCOREINFO", 0, text, size_bytes, &core->vmcoreinfo_offset_bytes);
		core->vmcoreinfo_bytes = err ? 0 : size_bytes;
		return err;
	}
	if (!err)
		err = vmcore_set_info(core, "", 0);
	core->page_shift = page_shift;
	core->is_page_size_guessed = is_page_size_guessed;
	return err;
}

// Looks at a place where the mark is: behind the header of a note.
static struct error *try_note(struct search *search, uint64_t paddr, const uint8_t *header)
{
	struct vmcore *core = search->core;
	_cleanup_free_ char *text = NULL;
	uint32_t size = load_u32(header + 4, core->is_big_endian);
	struct error *err;

	if (load_u32(header, core->is_big_endian) != NAME_BYTES || size == 0 || size > INFOSEARCH_BYTES_MAX ||
	    !search->tries_left)
		return NULL;
	search->tries_left--;
	text = malloc(size);
	if (!text)
		return error_new(ERROR_NOMEM, "no memory for VMCOREINFO");
	err = vmreader_read(&search->text, paddr + NAME_ROOM, text, size);
	if (!err)
		err = take(core, &search->text, text, size, &search->is_found);
	if (error_catch(&err, ERROR_FAULT) || error_catch(&err, ERROR_BAD_DATA))
		return NULL;
	return err;
}

static struct error *look_at(struct search *search, uint64_t paddr, const uint8_t *bytes, size_t size_bytes)
{
	size_t page_bytes = vmcore_page_bytes(search->core), at = 0;
	struct error *err = NULL;

	while (!err && !search->is_found && at + NOTE_HEADER_BYTES + MARK_BYTES <= size_bytes) {
		const uint8_t *found = bytes + at + NOTE_HEADER_BYTES;

		if (search->is_everywhere)
			found = memmem(found, size_bytes - at - NOTE_HEADER_BYTES, mark, MARK_BYTES);
		if (!found)
			break;
		if (search->is_everywhere || memcmp(found, mark, MARK_BYTES) == 0)
			err = try_note(search, paddr + (uint64_t)(found - bytes), found - NOTE_HEADER_BYTES);
		at = search->is_everywhere ? (size_t)(found - bytes) - NOTE_HEADER_BYTES + 1 : at + page_bytes;
	}
	return err;
}

static struct error *look_at_run(struct search *search, const struct vmcore_frames *run)
{
	unsigned int shift = vmcore_page_shift(search->core);
	uint64_t paddr = run->pfn_start << shift, end = run->pfn_end << shift;
	struct error *err = NULL;

	while (!err && !search->is_found && paddr < end) {
		uint64_t left = end - paddr;
		const uint8_t *bytes;
		size_t got = 0;

		err = vmreader_map(&search->pages, paddr,
		                   left < VMREADER_WINDOW_DATA_BYTES ? left : VMREADER_WINDOW_DATA_BYTES, &bytes, &got);
		if (!err)
			err = look_at(search, paddr, bytes, got < left ? got : left);
		else if (error_catch(&err, ERROR_FAULT) || error_catch(&err, ERROR_BAD_DATA))
			got = vmcore_page_bytes(search->core);
		paddr += got;
	}
	return err;
}

static struct error *look_at_all(struct search *search)
{
	struct vmcore_frames run = {0};
	struct error *err = NULL;

	while (!err && !search->is_found && vmcore_next_frames(search->core, VMCORE_FRAMES_PRESENT, run.pfn_end, &run))
		err = look_at_run(search, &run);
	return err;
}

struct error *infosearch(struct vmcore *core)
{
	// Where pages must be expanded, looking at one costs the same as looking through it.
	struct search search = {.core = core, .is_everywhere = core->format->read_page, .tries_left = TRIES_MAX};
	struct error *err;

	if (core->vmcoreinfo_bytes || core->is_live)
		return NULL;
	vmreader_init(&search.pages, core, VMREADER_WINDOW_DATA_BYTES);
	vmreader_init(&search.text, core, VMREADER_WINDOW_TABLE_BYTES);
	err = look_at_all(&search);
	// Since Linux kernel commit 203e9e41219b ("kexec: move vmcoreinfo out of the kernel's .bss section") (in v4.13) the note
	// is at the start of a page.
	if (!err && !search.is_found && !search.is_everywhere) {
		search.is_everywhere = true;
		err = look_at_all(&search);
	}
	vmreader_deinit(&search.pages);
	vmreader_deinit(&search.text);
	return err;
}

struct error *infosearch_take(struct vmcore *core, const char *text, size_t size_bytes)
{
	struct vmreader reader;
	bool is_taken;
	struct error *err;

	vmreader_init(&reader, core, VMREADER_WINDOW_TABLE_BYTES);
	err = take(core, &reader, text, size_bytes, &is_taken);
	vmreader_deinit(&reader);
	if (!err && !is_taken)
		err = error_new(ERROR_BAD_DATA,
		                "not VMCOREINFO of the kernel that crashed, or of another start of it: its "
		                "page tables lead to no kernel of that name");
	return err;
}

struct error *infosearch_open(const struct core_format *const *formats, const char *const *paths, size_t path_count,
                              struct vmcore **ret)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	struct error *err = vmcore_open_formats(formats, paths, path_count, &core);

	if (!err)
		err = infosearch(core);
	if (!err)
		*ret = take_ptr(core);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Whether a page is in a dump, and if not, why not: by the dump itself, and by its page map where there is one.
 *
 * Does not look at struct pages: what the map does not tell, others may guess from these (report/pageinfo.h).
 */
#ifndef DUMP_PRESENCE_H
#define DUMP_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"
#include "core/vmreader.h"
#include "dump/fmt_pagemap.h"
#include "dump/pagemap_reader.h"

/** What became of a page. */
enum presence_state {
	PRESENCE_WRITTEN, /**< In the dump. */
	PRESENCE_ZERO, /**< In the dump: it held only zeros. */
	PRESENCE_DROPPED, /**< Left out, for what it was used for. */
	PRESENCE_LOST, /**< It should be there: the copy was cut short before it, or the file was. */
	PRESENCE_UNREADABLE, /**< It could not be read when the dump was made. */
	PRESENCE_DAMAGED, /**< The dump has it, but its bytes cannot be expanded. */
	PRESENCE_NO_MEMORY, /**< There is no memory. */
	PRESENCE_ABSENT, /**< Not in the dump, and nothing tells why: ELF files say what they hold, and not what else there is. */
	PRESENCE_STATES,
};

/** Room for a text, with its NUL. */
enum { PRESENCE_TEXT_BYTES = 200 };

/** What is known of a page. */
struct presence {
	enum presence_state state;
	bool is_by_map; /**< code is what the page map says. */
	enum fmt_pagemap_code code; /**< What the page was; FMT_PAGEMAP_UNKNOWN unless is_by_map. */
	bool is_conflict; /**< The map and the dump do not agree: state is that of the dump. */
	char text
		[PRESENCE_TEXT_BYTES]; /**< Why the dump does not give the page, or what the conflict is; "": nothing to say. Printable. */
};

/** A word for programs. @param[in] state A state. @return "written", "zero", "dropped", "lost", "unreadable", "damaged", "no-memory", "absent". */
const char *presence_state_name(enum presence_state state);

/** A word for a code of the page map. @param[in] code Any. @return "kernel", "free", "cache", "private-cache", "user" … Static. */
const char *presence_code_name(enum fmt_pagemap_code code);

/** A sentence for a person, without the text of the presence. @param[in] presence Filled. @return Static. */
const char *presence_sentence(const struct presence *presence);

/** Whether the bytes of the page can be read. @param[in] state A state. @return See there. */
static inline bool presence_is_there(enum presence_state state)
{
	return state == PRESENCE_WRITTEN || state == PRESENCE_ZERO;
}

/**
 * Whether a map is that of a dump: made of the same crash, with pages of the same size and as many.
 *
 * @param[in] core The dump.
 * @param[in] map The map.
 * @return NULL; ERROR_BAD_DATA: it is of another one, the text says why.
 */
struct error *presence_check_map(const struct vmcore *core, const struct pagemap_reader *map) must_check;

/**
 * Look at a page.
 *
 * @param[in,out] reader Of the dump; owned by the calling thread.
 * @param[in,out] map The page map; NULL: there is none.
 * @param[in] pfn Page frame.
 * @param[out] ret What is known.
 * @return NULL; ERROR_BAD_DATA (the map is damaged here); ERROR_UNSUPPORTED (a method of compression); ERROR_OS; ERROR_NOMEM.
 */
struct error *presence_find(struct vmreader *reader, struct pagemap_reader *map, uint64_t pfn,
                            struct presence *ret) must_check;

/** As presence_find(), by the dump alone. @param[in,out] reader See there. @param[in] pfn Page frame. @param[out] ret What is known. @return See there. */
struct error *presence_in_dump(struct vmreader *reader, uint64_t pfn, struct presence *ret) must_check;

/** What the map's answer means for a page. @param[in] answer Of the map. @return What must be in the dump. */
enum presence_state presence_of_answer(const struct pagemap_answer *answer);

/**
 * Put together what a dump has and what its map says.
 *
 * @param[in] answer Of the map.
 * @param[in] found Of presence_in_dump().
 * @param[out] is_conflict_ret Whether they contradict each other: a page of zeros may have been written as any other, and what the dump
 *			       should have and has not, or has damaged, is no contradiction but a loss.
 * @return What became of the page; that of the dump where they contradict each other.
 */
enum presence_state presence_settle(const struct pagemap_answer *answer, enum presence_state found,
                                    bool *is_conflict_ret);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The dumps in a directory: which there are, whether they are whole, why the machine crashed.
 *
 * Does not open the vmcore, and changes nothing. What is on a target may come from anybody: no link is followed.
 */
#ifndef REPORT_DUMPS_H
#define REPORT_DUMPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** What became of a dump. */
enum dumps_state {
	DUMPS_WHOLE, /**< Each file is as its manifest says. */
	DUMPS_INCOMPLETE, /**< The capture did not finish it. */
	DUMPS_DAMAGED, /**< A file is not what the manifest says. */
	DUMPS_UNCHECKED, /**< It has no manifest. */
	DUMPS_LOG, /**< There is no dump, only the kernel's log. */
	DUMPS_COMPLETE, /**< The capture finished it; nobody looked whether its files still are as its manifest says. */
};

/** A dump, looked at. dumps_deinit() it. */
struct dumps_about {
	enum dumps_state state;
	uint64_t size_bytes; /**< What its files take on the disk. */
	char *panic; /**< The kernel's last word, printable; NULL: there is none in its log. */
	bool is_encrypted; /**< So is its log, which has no word for us. */
	char *problem; /**< What is wrong, printable; NULL: nothing. Of a whole dump: how many pages could not be read. */
	char *memory; /**< What the capture took, as boot/lastcapture.h has it, behind its first words; NULL: it does not say. */
	unsigned int part_count; /**< Over so many directories it is split, as its README says; 1: it is not. */
};

/** A word for a person, and for programs. @param[in] state A state. @return "whole", "incomplete", "damaged", "unchecked", "log", "complete". */
const char *dumps_state_name(enum dumps_state state);

/**
 * The names of all dumps in a directory, those of other hosts and incomplete ones among them.
 *
 * @param[in] fd The directory; borrowed.
 * @param[out] names_ret NULL-terminated, sorted bytewise; host_names_free() it.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *dumps_list(int fd, char ***names_ret) must_check;

/** As dumps_list(), of parts of dumps whose first part is elsewhere. @param[in] fd As there. @param[out] names_ret As there. @return As there. */
struct error *dumps_list_parts(int fd, char ***names_ret) must_check;

/** Whether a name is that of a part. @param[in] name Of dumps_list_parts(), or any. @param[out] number_ret Which part, from 2; untouched if it is none. @return Bytes of the name of its dump; 0: it is none. */
size_t dumps_part_size(const char *name, unsigned int *number_ret);

/** Where a part was put, as the dump's README says. @param[in] fd The directory it is in; borrowed. @param[in] name Of dumps_list(). @param[in] number Which part. @return Printable; NULL: it does not say, or no memory. free() it. */
char *dumps_part_place(int fd, const char *name, unsigned int number);

/**
 * Look at a dump, or at a part of one: reads all its files.
 *
 * @param[in] fd The directory it is in; borrowed.
 * @param[in] name Of dumps_list() or dumps_list_parts().
 * @param[out] ret What was found; dumps_deinit() it.
 * @return NULL; ERROR_OS (it is gone, or is no directory); ERROR_NOMEM.
 */
struct error *dumps_look(int fd, const char *name, struct dumps_about *ret) must_check;

/** As dumps_look(), without reading files whole: of one that is finished it is only looked whether the files of its manifest are there. @param[in] fd As there. @param[in] name As there; any directory. @param[out] ret As there; DUMPS_COMPLETE instead of DUMPS_WHOLE. @return As there. */
struct error *dumps_glance(int fd, const char *name, struct dumps_about *ret) must_check;

/** The kernel's last word in a log. @param[in] fd The log; borrowed. @return Printable; NULL if there is none, or no memory. free() it. */
char *dumps_find_panic(int fd);

/** Free what dumps_look() made. @param[in] about Filled, or zeroed. */
void dumps_deinit(struct dumps_about *about);

#define _cleanup_dumps_ _cleanup_(dumps_deinit)

#endif

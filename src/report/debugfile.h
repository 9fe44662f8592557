// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What an ELF file says of itself: its build-id, and whether it has debugging information, or nothing else than that.
 *
 * Does not read debugging information.
 * Source: System V ABI; GNU ld, --build-id; GDB manual, "Separate Debug Files".
 */
#ifndef REPORT_DEBUGFILE_H
#define REPORT_DEBUGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Limits. */
enum {
	DEBUGFILE_ID_BYTES = 32, /**< Longest build-id; GNU ld makes such of 20. */
	DEBUGFILE_NOTES_BYTES = 1 << 16, /**< Notes of one place that are looked at. */
};

/** A build-id. */
struct debugfile_id {
	uint8_t bytes[DEBUGFILE_ID_BYTES];
	size_t size_bytes; /**< 0: not known. */
};

/** A file. */
struct debugfile {
	struct debugfile_id id;
	uint16_t elf_machine; /**< EM_* */
	bool has_debug; /**< It has debugging information. */
	bool has_code; /**< It has the program too. */
	bool is_per_cpu_at_0; /**< A kernel whose variables of each CPU begin at 0, which KASLR does not move (x86-64 before Linux v6.15). */
};

/**
 * Look at a file.
 *
 * @param[in] fd Open for reading.
 * @param[out] ret What it says.
 * @return NULL; ERROR_UNSUPPORTED (no ELF file of 64 bits); ERROR_BAD_DATA (it is cut, or its tables cannot be); ERROR_OS; ERROR_NOMEM.
 */
struct error *debugfile_read(int fd, struct debugfile *ret) must_check;

/** Find a build-id among notes. @param[in] notes Bytes. @param[in] size_bytes Their number. @param[in] is_big_endian Order of their bytes. @param[out] ret Untouched if there is none. @return Whether there is one. */
bool debugfile_find_id(const uint8_t *notes, size_t size_bytes, bool is_big_endian, struct debugfile_id *ret);

/** Read a build-id as digits. @param[in] text Digits, up to the NUL. @param[out] ret Untouched on false. @return Whether it is one. */
bool debugfile_parse_id(const char *text, struct debugfile_id *ret);

/** Room for a build-id as digits. */
enum { DEBUGFILE_TEXT_BYTES = 2 * DEBUGFILE_ID_BYTES + 1 };

/** Write a build-id as digits. @param[in] id It. @param[out] text "" if it is not known. */
void debugfile_format_id(const struct debugfile_id *id, char text[DEBUGFILE_TEXT_BYTES]);

/** Whether two are the same. @param[in] a, b Both. @return false too if one is not known. */
bool debugfile_same_id(const struct debugfile_id *a, const struct debugfile_id *b);

#endif

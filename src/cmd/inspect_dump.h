// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The dump that a command of kdump-inspect looks into, and the command's words.
 *
 * Does not know commands (kdump-inspect.c).
 */
#ifndef CMD_INSPECT_DUMP_H
#define CMD_INSPECT_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"
#include "dump/pagemap_reader.h"
#include "report/machine.h"

/** Most files of one dump, and most words behind it. */
enum { INSPECT_DUMP_WORDS = 64 };

/** Options that a command may have; --json and --part all have. */
enum inspect_dump_option {
	INSPECT_DUMP_ALL = 1 << 0, /**< -a, --all */
	INSPECT_DUMP_CPU = 1 << 1, /**< -c, --cpu NUMBER */
	INSPECT_DUMP_USER = 1 << 2, /**< -u, --user */
	INSPECT_DUMP_MAP = 1 << 3, /**< --map FILE, or - for none */
	INSPECT_DUMP_RANGES = 1 << 4, /**< --ranges */
	INSPECT_DUMP_THREADS = 1 << 5, /**< --threads NUMBER */
	INSPECT_DUMP_SLAB = 1 << 8, /**< --slab */
	INSPECT_DUMP_PROCESSES = 1 << 9, /**< --processes */
	INSPECT_DUMP_AFFINITY = 1 << 10, /**< -a, --affinity */
	INSPECT_DUMP_OUTPUT = 1 << 6, /**< -o, --output FILE, and --force */
	INSPECT_DUMP_FORCE = 1 << 7, /**< Only in given: --force. */
};

/** Words, and the dump. */
struct inspect_dump {
	const char *path; /**< File, or dump directory. */
	const char *parts[INSPECT_DUMP_WORDS]; /**< Further files, of --part. */
	size_t part_count;
	const char *words[INSPECT_DUMP_WORDS]; /**< Behind the dump. */
	size_t word_count;
	bool is_json;
	unsigned int given; /**< Options of enum inspect_dump_option. */
	uint32_t cpu; /**< Of --cpu. */
	const char *map_path; /**< Of --map; NULL: not given. */
	unsigned int threads; /**< Of --threads; 0: not given. */
	const char *output; /**< Of --output; NULL: there is none. */
	char *files[INSPECT_DUMP_WORDS]; /**< All of the dump; owned. */
	size_t file_count;
	struct vmcore *core;
	struct machine *machine; /**< NULL: inspect_dump_machine() was not called. */
};

/**
 * Read the words of a command, and open the dump that they name.
 *
 * @param[in] argc Words, the command's name among them.
 * @param[in] argv The words; borrowed.
 * @param[in] options Those of enum inspect_dump_option that the command has.
 * @param[in] most_words Most words behind the dump.
 * @param[out] ret inspect_dump_deinit() it, also on error.
 * @return NULL; ERROR_USAGE; as vmcore_open_set(); ERROR_UNSUPPORTED also for a dump that is encrypted.
 */
struct error *inspect_dump_open(int argc, char **argv, unsigned int options, size_t most_words,
                                struct inspect_dump *ret) must_check;

/**
 * Read the words of a command, and open nothing.
 *
 * @param[in] argc, argv, options, most_words, ret As inspect_dump_open().
 * @return NULL; ERROR_USAGE.
 */
struct error *inspect_dump_parse(int argc, char **argv, unsigned int options, size_t most_words,
                                 struct inspect_dump *ret) must_check;

/** Open the dump that the words name. @param[in,out] dump Of inspect_dump_parse(). @return As inspect_dump_open(). */
struct error *inspect_dump_open_files(struct inspect_dump *dump) must_check;

/**
 * Open the page map of a dump: that of --map, or the one that lies beside it.
 *
 * @param[in] dump Opened.
 * @param[out] fd_ret The file; close() it. Untouched where there is none.
 * @param[out] ret The map, which is that of the dump; NULL: there is none. pagemap_reader_destroy() it.
 * @return NULL; ERROR_BAD_DATA (it is damaged, or of another dump); ERROR_UNSUPPORTED (its version; or it is encrypted); ERROR_OS; ERROR_NOMEM.
 */
struct error *inspect_dump_map(const struct inspect_dump *dump, int *fd_ret, struct pagemap_reader **ret) must_check;

/**
 * From now on each inspect_dump_open() gives this dump, in whatever its words call it, and nothing is closed: for a process that runs
 * commands of others.
 *
 * @param[in] dump With its kernel; borrowed for ever.
 */
void inspect_dump_adopt(const struct inspect_dump *dump);

/** Open its kernel. @param[in,out] dump See there. @return NULL; as machine_open(). */
struct error *inspect_dump_machine(struct inspect_dump *dump) must_check;

/** Close. @param[in] dump Zeroed, or of inspect_dump_open(). */
void inspect_dump_deinit(struct inspect_dump *dump);

#define _cleanup_inspect_dump_ _cleanup_(inspect_dump_deinit)

/**
 * Read a number.
 *
 * @param[in] word As C has it: 10, 0x1f.
 * @param[in] what For the message.
 * @param[in] most Largest that is allowed.
 * @param[out] ret The number.
 * @return NULL; ERROR_USAGE.
 */
struct error *inspect_dump_number(const char *word, const char *what, uint64_t most, uint64_t *ret) must_check;

/**
 * Read an address: hexadecimal with or without 0x, or the name of a symbol, either with "+" and an offset.
 *
 * @param[in] dump With its kernel.
 * @param[in] word The word.
 * @param[out] ret The address.
 * @return NULL; ERROR_USAGE; ERROR_BAD_DATA (there is no such symbol).
 */
struct error *inspect_dump_address(const struct inspect_dump *dump, const char *word, uint64_t *ret) must_check;

#endif

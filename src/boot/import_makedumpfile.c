// SPDX-License-Identifier: GPL-2.0-or-later
// Options of makedumpfile (makedumpfile(8), 1.7.6), as a core_collector or MAKEDUMP_ARGS has them.
#include "boot/import_makedumpfile.h"

#include <stdlib.h>
#include <string.h>

// Bits of --message-level that have an equivalent in KDUMP_VERBOSE, and those.
enum { MESSAGE_PROGRESS = 1, MESSAGE_DEBUG = 8, VERBOSE_PROGRESS = 2, VERBOSE_DEBUG = 8 };

enum { LEVEL_MAX = 31 };

struct long_option {
	const char *name;
	bool has_value;
	const char *note; // NULL: nothing needs to be said.
};

static const char filters[] = "data cannot be cut out by name; KDUMP_DUMPLEVEL says which pages are left out, and "
			      "KDUMP_ENCRYPT_TO who can read the dump";
static const char windows[] = "the copier keeps to a bound of memory by itself";

static const struct long_option long_options[] = {
	{"--message-level", true, NULL}, // Taken apart below.
	{"--num-threads", true, "the copier has a thread for each CPU of the capture kernel; KDUMP_CPUS limits them"},
	{"--cyclic-buffer", true, windows},
	{"--non-cyclic", false, windows},
	{"--non-mmap", false, NULL},
	{"--work-dir", true, windows},
	{"--splitblock-size", true, windows},
	{"--split", false, "name several file systems in KDUMP_TARGET to split the dump over them"},
	{"--exclude-unused-vm", false, "there is no such setting"},
	{"--config", true, filters},
	{"--eppic", true, filters},
	{"--show-stats", false, NULL},
	{"--partial-dmesg", false, NULL},
};

struct options {
	struct imported *import;
	const struct imported_line *line;
	const char *format;
	long level;
	unsigned int verbose;
};

static void take_level(struct options *options, const char *value)
{
	char *end;
	long level = strtol(value, &end, 10);

	if (end == value || level < 0 || level > LEVEL_MAX || (*end && *end != ',')) {
		imported_note(options->import, options->line, "-d %s is no level; KDUMP_DUMPLEVEL stays 31", value);
		options->level = LEVEL_MAX;
		return;
	}
	options->level = level;
	if (*end)
		imported_note(options->import, options->line,
		              "of -d %s the first level is taken; what does not fit is left out by its worth", value);
}

// Returns whether the value, which is the rest of the word or the next one, was used.
static bool take_letter(struct options *options, char letter, const char *value)
{
	static const struct {
		char letter;
		const char *format;
	} formats[] = {{'c', "compressed"}, {'l', "lzo"}, {'p', "snappy"}, {'z', "zstd"}, {'E', "ELF"}};

	for (size_t i = 0; i < array_size(formats); i++) {
		if (formats[i].letter == letter) {
			options->format = formats[i].format;
			return false;
		}
	}
	if (letter == 'd') {
		take_level(options, value);
		return true;
	}
	if (letter == 'D')
		options->verbose |= VERBOSE_DEBUG;
	else if (strchr("xi", letter))
		imported_note(options->import, options->line,
		              "-%c is not needed: the kernel's own description is read from the dump", letter);
	else if (letter == 'X')
		imported_note(options->import, options->line, "-X: pages of Xen's domains cannot be left out");
	// Flattened is what is written to a server anyway; to overwrite is not needed, names are new each time.
	else if (!strchr("Ff", letter))
		imported_note(options->import, options->line, "-%c is not understood", letter);
	return strchr("xi", letter) != NULL;
}

// Returns how many of the next words were used.
static size_t take_cluster(struct options *options, const char *word, const char *next)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const char *value = letter[1] ? letter + 1 : next ? next : "";

		if (take_letter(options, *letter, value))
			return letter[1] || !next ? 0 : 1;
	}
	return 0;
}

static size_t take_long(struct options *options, const char *word, const char *next)
{
	size_t size = strcspn(word, "=");

	for (size_t i = 0; i < array_size(long_options); i++) {
		const struct long_option *option = &long_options[i];
		const char *value = word[size] ? word + size + 1 : next ? next : "";
		long number = option->has_value ? strtol(value, NULL, 10) : 0;

		if (strlen(option->name) != size || strncmp(option->name, word, size) != 0)
			continue;
		if (option->note)
			imported_note(options->import, options->line, "%s: %s", option->name, option->note);
		if (i == 0)
			options->verbose = (number & MESSAGE_PROGRESS ? VERBOSE_PROGRESS : 0) |
			                   (number & MESSAGE_DEBUG ? VERBOSE_DEBUG : 0);
		return option->has_value && !word[size] && next ? 1 : 0;
	}
	imported_note(options->import, options->line, "%s is not understood", word);
	return 0;
}

void import_makedumpfile(struct imported *import, const struct imported_line *line, const char *options)
{
	// What makedumpfile does without any option.
	struct options taken = {.import = import, .line = line, .format = "none", .level = 0};
	_cleanup_words_ struct words words = {0};
	size_t i = 0;

	words_split(&words, options);
	while (i < words.count) {
		const char *word = words.list[i], *next = words.list[++i];

		if (strncmp(word, "--", 2) == 0)
			i += take_long(&taken, word, next);
		else if (*word == '-' && word[1])
			i += take_cluster(&taken, word, next);
		else
			imported_note(import, line, "%s is not understood", word);
	}
	import->is_failed |= words.is_failed;
	imported_set(import, line, KEY_DUMPFORMAT, "%s", taken.format);
	imported_set(import, line, KEY_DUMPLEVEL, "%ld", taken.level);
	if (taken.verbose)
		imported_set(import, line, KEY_VERBOSE, "%u", taken.verbose);
}

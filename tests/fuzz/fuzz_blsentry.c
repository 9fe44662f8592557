// SPDX-License-Identifier: GPL-2.0-or-later
// What comes into a boot loader entry, and that file. What is written must be what is read again, and to do it twice must change nothing.
#include "boot/blsentry.h"
#include "boot/crashkernel.h"
#include "fuzz.h"

static const char *const names[] = {"crashkernel", "fadump", NULL};

static void check_read(const char *text, const struct words *add)
{
	_cleanup_words_ struct words found = {0};
	_cleanup_free_ char *options = NULL;
	struct parameters_line line = {0};

	fuzz_require(!blsentry_value(text, "options", &options));
	if (!options) {
		fuzz_require(!add->count);
		return;
	}
	line = (struct parameters_line){.text = options, .size_bytes = strlen(options)};
	parameters_find(&line, names, &found);
	fuzz_require(found.count == add->count);
	for (size_t i = 0; i < found.count; i++)
		fuzz_require(strcmp(found.list[i], add->list[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct fuzz_input input = {data, size_bytes};
	_cleanup_free_ char *words = fuzz_line(&input), *text = fuzz_text(&input), *once = NULL, *twice = NULL,
			    *image = NULL;
	_cleanup_words_ struct words all = {0}, add = {0};
	struct parameters_change change = {names, NULL};
	struct error *err;

	// Only such words are ever added.
	words_split(&all, words);
	for (size_t i = 0; i < all.count; i++)
		if (strncmp(all.list[i], "crashkernel=", 12) == 0 && crashkernel_is_valid(all.list[i] + 12))
			words_add(&add, all.list[i]);
	change.add = (const char *const *)add.list;
	fuzz_end(blsentry_value(text, "linux", &image), 0);
	err = blsentry_edit(text, "f", &change, &once);
	if (err) {
		fuzz_end(err, FUZZ_CODE(ERROR_CONFIG));
		return 0;
	}
	check_read(once, &add);
	fuzz_require(!blsentry_edit(once, "f", &change, &twice));
	fuzz_require(strcmp(once, twice) == 0);
	return 0;
}

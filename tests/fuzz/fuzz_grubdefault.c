// SPDX-License-Identifier: GPL-2.0-or-later
// What comes into /etc/default/grub, and that file. What is written must be what is read again, and to do it twice must change nothing.
#include "boot/crashkernel.h"
#include "boot/grubdefault.h"
#include "fuzz.h"

static const char *const names[] = {"crashkernel", "fadump", NULL};
static const unsigned int allowed = FUZZ_CODE(ERROR_CONFIG) | FUZZ_CODE(ERROR_BAD_DATA);

static void check_read(const char *text, const struct words *add)
{
	_cleanup_words_ struct words found = {0};

	fuzz_require(!grubdefault_find(text, "f", names, &found));
	fuzz_require(found.count == add->count);
	for (size_t i = 0; i < found.count; i++)
		fuzz_require(strcmp(found.list[i], add->list[i]) == 0);
}

// All lines that name no command line are there again, in their order.
static void check_lines(const char *before, const char *after)
{
	for (const char *line = before; *line;) {
		size_t size = strcspn(line, "\n");

		if (!memmem(line, size, GRUBDEFAULT_VARIABLE, strlen(GRUBDEFAULT_VARIABLE)) && size) {
			const char *at = memmem(after, strlen(after), line, size);

			fuzz_require(at);
			after = at + size;
		}
		line += size + (line[size] == '\n');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct fuzz_input input = {data, size_bytes};
	_cleanup_free_ char *words = fuzz_line(&input), *text = fuzz_text(&input), *once = NULL, *twice = NULL;
	_cleanup_words_ struct words all = {0}, add = {0};
	struct parameters_change change = {names, NULL};
	struct error *err;

	// Only such words are ever added.
	words_split(&all, words);
	for (size_t i = 0; i < all.count; i++)
		if (strncmp(all.list[i], "crashkernel=", 12) == 0 && crashkernel_is_valid(all.list[i] + 12))
			words_add(&add, all.list[i]);
	change.add = (const char *const *)add.list;
	err = grubdefault_edit(text, "f", &change, &once);
	if (err) {
		fuzz_end(err, allowed);
		return 0;
	}
	check_read(once, &add);
	check_lines(text, once);
	fuzz_require(!grubdefault_edit(once, "f", &change, &twice));
	fuzz_require(strcmp(once, twice) == 0);
	grubdefault_is(text, "GRUB_ENABLE_BLSCFG", "true");
	return 0;
}

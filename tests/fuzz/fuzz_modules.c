// SPDX-License-Identifier: GPL-2.0-or-later
// depmod's lists, and names of modules, devices and file systems that are looked up in them.
#include "boot/modules.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static const char *const directories[] = {"/lib/modules/1", NULL};
	static const char *const names[] = {"dep", "alias", "softdep", "builtin"};
	struct fuzz_input input = {data, size_bytes};
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words ordered = {0}, wanted = {0};
	_cleanup_free_ char *looked_for = NULL;
	struct host *host = fuzz_host();
	struct error *err;

	fuzz_directories(host, directories);
	for (size_t i = 0; i < array_size(names); i++) {
		_cleanup_free_ char *text = fuzz_text(&input);
		char path[64];

		snprintf(path, sizeof(path), "/lib/modules/1/modules.%s", names[i]);
		fuzz_file(host, path, text);
	}
	looked_for = fuzz_text(&input);
	words_split(&wanted, looked_for);
	err = modules_open(host, "1", &modules);
	for (size_t i = 0; !err && i < wanted.count && i < 8; i++) {
		bool is_known;

		err = modules_add(&modules, wanted.list[i], &ordered, &is_known);
	}
	if (!err)
		err = modules_add_filesystem(&modules, "ext4", &ordered);
	fuzz_end(err, FUZZ_CODE(ERROR_CONFIG) | FUZZ_CODE(ERROR_BAD_DATA));
	return 0;
}

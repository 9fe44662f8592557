// SPDX-License-Identifier: GPL-2.0-or-later
// An initramfs that somebody has made: what is in it, and where its links lead.
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "boot/cpio_reader.h"
#include "boot/imagelist.h"
#include "fuzz.h"

// More of it unpacks to nothing else, only longer.
enum { INPUT_MAX_BYTES = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static const char *const texts[] = {"etc/*", "*", NULL};
	static const char *const paths[] = {"/", "/a/b", "/lib/modules/../x", "lib", "/etc/kdump/plan"};
	struct host *host = fuzz_host();
	_cleanup_imagelist_ struct imagelist list = {0};
	struct error *err;

	if (size_bytes > INPUT_MAX_BYTES)
		return 0;
	err = host_replace(host, "/image", data, size_bytes, 0600);
	fuzz_end(err, 0);
	err = imagelist_read(host, "/image", texts, &list);
	if (err) {
		fuzz_require(!list.count);
		fuzz_end(err, FUZZ_CODE(ERROR_UNSUPPORTED) | FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_NOMEM));
		return 0;
	}
	fuzz_require(list.count <= CPIO_READER_ENTRIES_MAX);
	for (size_t i = 0; i < list.count; i++) {
		const struct imagelist_file *file = NULL;

		fuzz_require(!i || strcmp(list.files[i - 1].name, list.files[i].name) < 0);
		fuzz_end(imagelist_find(&list, list.files[i].name, &file), 0);
		// What is found is what it leads to.
		fuzz_require(!file || !S_ISLNK(file->mode));
	}
	for (size_t i = 0; i < array_size(paths); i++) {
		const struct imagelist_file *file = NULL;

		fuzz_end(imagelist_find(&list, paths[i], &file), 0);
	}
	return 0;
}

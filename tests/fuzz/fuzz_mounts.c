// SPDX-License-Identifier: GPL-2.0-or-later
// A list of mounts, a path, and a device that is looked for.
#include "boot/mounts.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static const char *const directories[] = {"/proc/self", NULL};
	struct fuzz_input input = {data, size_bytes};
	_cleanup_free_ char *list = fuzz_text(&input), *path = fuzz_line(&input), *name = fuzz_line(&input);
	_cleanup_free_ char *absolute = NULL, *real = NULL;
	_cleanup_mount_ struct mount by_path = {0}, by_device = {0};
	struct host *host = fuzz_host();
	struct error *err;

	fuzz_directories(host, directories);
	fuzz_file(host, "/proc/self/mountinfo", list);
	fuzz_require(asprintf(&absolute, "/%s", path) >= 0);
	err = mounts_resolve(host, absolute, &real);
	fuzz_require(err || *real == '/');
	if (!err)
		err = mounts_find_path(host, real, &by_path);
	fuzz_require(err || mounts_below(real, by_path.point));
	fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_OS));
	fuzz_end(mounts_find_device(host, "8:1", name, name, &by_device), FUZZ_CODE(ERROR_BAD_DATA));
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A whole ELF dump: opened, classified, and copied in both formats.
#include "copycheck.h"
#include "core/vmcore.h"
#include "fuzz.h"

// Each 128 GiB in which there is memory cost the copier some milliseconds; machines have a few of them, and an input has
// better things to do than to have many.
static bool is_far_flung(const struct vmcore *core)
{
	enum { WINDOW_SHIFT = 37, WINDOWS_MAX = 2 };
	uint64_t last = UINT64_MAX;
	unsigned int count = 0;

	for (size_t i = 0; i < core->region_count; i++) {
		count += core->regions[i].paddr_start >> WINDOW_SHIFT != last;
		last = core->regions[i].paddr_start >> WINDOW_SHIFT;
	}
	return count > WINDOWS_MAX;
}

static void copy(const struct vmcore *core, enum copy_format format, bool is_dry_run)
{
	static struct copycheck check;
	struct copy_options options = {.dump_level = FILTER_LEVEL_MAX, .format = format, .thread_count = 1};
	const uint8_t *present, *saved;
	struct copy_stats stats;
	struct error *err;

	options.is_dry_run = is_dry_run;
	fuzz_end(compressor_find("none", &options.compressor), 0);
	copycheck_init(&check);
	err = copy_run(core, &options, &check.sink, &stats);
	copycheck_end(&check, core, &options, &stats, err, &present, &saved);
	fuzz_test(!*check.wrong, check.wrong, __FILE__, __LINE__);
	error_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static int fd = -1;
	static char path[64];
	struct vmcore *core;
	struct error *err;

	if (fd < 0)
		fd = memfd_create("vmcore", MFD_CLOEXEC);
	fuzz_require(fd >= 0 && ftruncate(fd, 0) == 0);
	fuzz_require(pwrite(fd, data, size_bytes, 0) == (ssize_t)size_bytes);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = vmcore_open(path, &core);
	if (err) {
		fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_UNSUPPORTED));
		return 0;
	}
	if (!is_far_flung(core)) {
		copy(core, COPY_KDUMP, true);
		copy(core, COPY_KDUMP, false);
		copy(core, COPY_ELF, false);
	}
	vmcore_close(core);
	return 0;
}

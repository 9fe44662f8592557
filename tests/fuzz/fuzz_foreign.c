// SPDX-License-Identifier: GPL-2.0-or-later
// What is looked at of LKCD and sadump dumps before libkdumpfile gets them, and the pages of sadump. One file, given as two.
#include "fuzz.h"

#include <sys/mman.h>

#ifdef HAVE_LIBKDUMPFILE
#include "core/foreign.h"

enum { ALLOWED = FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_UNSUPPORTED), PAGE = 4096 };

static void read_pages(const struct foreign_sadump *sadump)
{
	uint8_t page[PAGE];

	for (unsigned int shift = 0; shift < 52; shift++) {
		fuzz_end(foreign_sadump_read(sadump, UINT64_C(1) << shift << 12, page, sizeof(page)),
		         FUZZ_CODE(ERROR_FAULT));
		fuzz_end(foreign_sadump_read(sadump, (uint64_t)shift << 12, page, sizeof(page)),
		         FUZZ_CODE(ERROR_FAULT));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static int fd = -1;
	struct corefile files[2] = {{.path = "f", .size_bytes = size_bytes}, {.path = "g", .size_bytes = size_bytes}};
	struct vmcore core = {0};

	if (fd < 0)
		fd = memfd_create("foreign", MFD_CLOEXEC);
	fuzz_require(fd >= 0 && ftruncate(fd, 0) == 0);
	fuzz_require(pwrite(fd, data, size_bytes, 0) == (ssize_t)size_bytes);
	files[0].fd = files[1].fd = fd;
	core.files = files;
	fuzz_end(foreign_check_lkcd(files), ALLOWED);
	for (core.file_count = 1; core.file_count <= array_size(files); core.file_count++) {
		struct foreign_sadump sadump = {0};
		struct error *err = foreign_sadump_open(&core, &sadump);

		if (!err && sadump.count)
			read_pages(&sadump);
		fuzz_end(err, ALLOWED);
	}
	return 0;
}
#else
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	(void)data;
	(void)size_bytes;
	return 0;
}
#endif

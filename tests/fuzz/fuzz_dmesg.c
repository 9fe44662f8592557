// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's log: whatever it holds, the text takes no orders from it.
#include "fuzz_core.h"
#include "report/dmesg.h"

static void require_plain(int fd)
{
	unsigned char buf[4096];
	off_t at = 0;

	for (ssize_t got = 0; (got = pread(fd, buf, sizeof(buf), at)) > 0; at += got) {
		for (ssize_t i = 0; i < got; i++)
			fuzz_require((buf[i] >= ' ' && buf[i] < 0x7f) || (buf[i] >= '\t' && buf[i] <= '\r'));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct fuzz_core *fuzz = fuzz_core_open(data, size_bytes);
	static int fd = -1;
	struct dmesg_stats stats;
	struct error *err;

	if (!fuzz)
		return 0;
	if (fd < 0)
		fd = memfd_create("log", MFD_CLOEXEC);
	fuzz_require(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	err = dmesg_write(fuzz->core, fd, &stats);
	fuzz_end(err, FUZZ_CODE(ERROR_UNSUPPORTED) | FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_FAULT));
	require_plain(fd);
	fuzz_core_close(fuzz);
	return 0;
}

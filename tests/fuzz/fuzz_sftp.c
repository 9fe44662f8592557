// SPDX-License-Identifier: GPL-2.0-or-later
// A server of SFTP that says whatever it likes.
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "capture/sftp.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static const uint8_t content[100000];
	int in_fd = memfd_create("says", MFD_CLOEXEC), out_fd = memfd_create("hears", MFD_CLOEXEC);
	_cleanup_(sftp_destroyp) struct sftp *sftp = NULL;
	struct sftp_file file = {.handle_bytes = 0};
	struct error *err = io_pwrite(in_fd, data, size_bytes, 0);

	fuzz_end(err, 0);
	err = sftp_create(in_fd, out_fd, &sftp);
	if (!err)
		err = sftp_open(sftp, "/a/b", &file);
	if (!err) {
		fuzz_require(file.handle_bytes <= SFTP_HANDLE_BYTES);
		sftp_room(sftp, "/a");
		err = sftp_write(sftp, &file, 0, &(struct iovec){(void *)content, sizeof(content)}, 1);
	}
	if (!err)
		err = sftp_finish(sftp, &file, sizeof(content));
	if (!err)
		err = sftp_rename(sftp, "/a/b", "/a/c");
	fuzz_end(err, FUZZ_CODE(ERROR_OS) | FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_NOSPC));
	close(in_fd);
	close(out_fd);
	return 0;
}

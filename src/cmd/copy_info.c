// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/copy_info.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "cmd/copy_output.h"
#include "core/infosearch.h"
#include "core/vmlinux.h"

struct error *copy_info_write(const char *vmlinux_path, const char *path, bool is_forced)
{
	struct copy_output output = {.fd = -1};
	struct error *err = copy_output_open(&output, path, is_forced);
	FILE *out = NULL;

	if (!err)
		err = copy_output_stream(&output, &out);
	if (!err)
		err = vmlinux_write_info(vmlinux_path, out);
	if (out && fclose(out) != 0 && !err)
		err = error_os(errno, "%s", path);
	return copy_output_close(&output, err, false);
}

struct error *copy_info_take(struct vmcore *core, const char *path)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	struct error *err;
	size_t size;

	if (core->vmcoreinfo_bytes)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_os(errno, "%s", path);
	err = io_read_all(fd, INFOSEARCH_BYTES_MAX, &text, &size);
	if (!err)
		err = infosearch_take(core, text, size);
	return error_wrap(err, "%s", path);
}

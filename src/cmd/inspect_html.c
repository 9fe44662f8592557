// SPDX-License-Identifier: GPL-2.0-or-later
// The report of a crash as a page: html.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"
#include "cmd/inspect_output.h"
#include "report/crashreport.h"
#include "report/htmlreport.h"

// The stream has a descriptor of its own.
static struct error *write_to(const struct htmlreport *page, int fd, const char *name)
{
	_cleanup_close_ int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
	struct error *err;

	if (!out)
		return error_os(errno, "%s", name);
	take_fd(&copy);
	err = htmlreport_write(page, out);
	errno = EIO;
	if (!err && (fflush(out) != 0 || ferror(out)))
		err = error_os(errno, "%s", name);
	if (fclose(out) != 0 && !err)
		err = error_os(errno, "%s", name);
	return err;
}

static struct error *write_page(const struct htmlreport *page, const char *path, bool is_forced)
{
	_cleanup_inspect_output_ struct inspect_output output = INSPECT_OUTPUT_NONE;
	struct error *err;

	if (strcmp(path, "-") == 0)
		return write_to(page, STDOUT_FILENO, "standard output");
	err = inspect_output_open(path, is_forced, &output);
	if (!err)
		err = write_to(page, output.fd, path);
	if (!err && fsync(output.fd) < 0)
		err = error_os(errno, "fsync %s", path);
	return err ? err : inspect_output_finish(&output);
}

struct error *inspect_commands_html(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	_cleanup_(crashreport_freep) struct crashreport *report = NULL;
	_cleanup_(pagemap_reader_destroyp) struct pagemap_reader *map = NULL;
	_cleanup_error_ struct error *unused = NULL;
	_cleanup_close_ int map_fd = -1;
	struct htmlreport page = {0};
	struct error *err = inspect_dump_open(argc, argv, INSPECT_DUMP_OUTPUT | INSPECT_DUMP_MAP, 0, &dump);

	if (!err && !dump.output)
		err = error_new(ERROR_USAGE, "html: the page needs a name: -o FILE; -o - is standard output");
	if (!err && dump.is_json)
		err = error_new(ERROR_USAGE, "html: a page is no JSON; see the command summary");
	if (!err)
		err = inspect_dump_map(&dump, &map_fd, &map);
	// One that nobody asked for costs no more than itself: the page says why it is not used.
	if (err && !dump.map_path && dump.core && dump.output && !dump.is_json)
		unused = take_ptr(err);
	if (!err)
		err = crashreport_make(dump.core, MACHINE_TASKS, &report);
	if (err)
		return err;
	if (dump.core->is_incomplete)
		fprintf(stderr, "kdump-inspect: warning: pages are missing that the dump should hold\n");
	page = (struct htmlreport){
		.report = report,
		.dump_name = dump.path,
		.map_fd = map_fd,
		.map_why = unused ? unused->text : "",
	};
	return write_page(&page, dump.output, dump.given & INSPECT_DUMP_FORCE);
}

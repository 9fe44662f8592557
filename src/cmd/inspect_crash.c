// SPDX-License-Identifier: GPL-2.0-or-later
// crash: the crash utility on a dump, with the kernel that it needs.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/inspect_commands.h"
#include "cmd/inspect_debug.h"
#include "cmd/inspect_dump.h"

// The program's name, its arguments, two kernels, all files, NULL.
enum { ARGUMENTS_MAX = 1 + INSPECT_DEBUG_WORDS + 2 + INSPECT_DUMP_WORDS + 1 };

struct error *inspect_commands_crash(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump = {.path = NULL};
	_cleanup_(debugkernel_found_deinit) struct debugkernel_found found = {.debug = NULL};
	_cleanup_free_ char *program = NULL;
	char *arguments[ARGUMENTS_MAX];
	struct inspect_debug words;
	struct error *err = inspect_debug_parse(argc, argv, &words);
	size_t count = 0;

	if (!err && words.is_without)
		err = error_new(ERROR_USAGE,
		                "crash: --no-vmlinux: it needs debugging information; bt, ps and gdb do not");
	if (!err)
		err = inspect_dump_open(words.own_count, words.own, 0, 0, &dump);
	if (!err)
		err = inspect_debug_program("crash", &program);
	if (!err)
		err = inspect_debug_find(&dump, &words, true, true, &found);
	if (err)
		return err;
	arguments[count++] = (char[]){"crash"};
	for (int i = 0; i < words.more_count; i++)
		arguments[count++] = words.more[i];
	if (found.code)
		arguments[count++] = found.code;
	arguments[count++] = found.debug;
	for (size_t i = 0; i < dump.file_count; i++)
		arguments[count++] = dump.files[i];
	arguments[count] = NULL;
	execv(program, arguments);
	return error_os(errno, "%s", program);
}

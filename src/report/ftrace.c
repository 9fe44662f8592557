// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace.h"

#include <stdlib.h>

struct error *ftrace_open(struct machine *machine, struct ftrace **ret)
{
	_cleanup_(ftrace_closep) struct ftrace *ftrace = calloc(1, sizeof(*ftrace));
	struct error *err;

	if (!ftrace)
		return error_new(ERROR_NOMEM, "out of memory");
	ftrace->machine = machine;
	err = ftrace_kernel_init(&ftrace->tables, machine->kernel);
	if (!err)
		err = ftrace_buffer_list_init(&ftrace->buffers, &ftrace->tables);
	if (!err)
		err = ftrace_format_list_init(&ftrace->formats, &ftrace->tables);
	if (!err)
		err = ftrace_names_init(&ftrace->names, &ftrace->tables, &machine->threads);
	if (err)
		return err;
	*ret = take_ptr(ftrace);
	return NULL;
}

void ftrace_close(struct ftrace *ftrace)
{
	if (!ftrace)
		return;
	ftrace_constants_deinit(&ftrace->constants);
	ftrace_names_deinit(&ftrace->names);
	ftrace_format_list_deinit(&ftrace->formats);
	ftrace_buffer_list_deinit(&ftrace->buffers);
	free(ftrace);
}

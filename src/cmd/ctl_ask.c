// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

struct error *ctl_ask_check(const char *hint)
{
	return isatty(STDIN_FILENO)
	               ? NULL
	               : error_new(ERROR_USAGE, "nobody can be asked, standard input is no terminal: %s", hint);
}

struct error *ctl_ask(const char *question, const char *standard, char **ret)
{
	_cleanup_free_ char *line = NULL;
	const char *start;
	size_t room = 0, size;

	printf("%s%s%s%s ", question, standard ? " [" : "", standard ? standard : "", standard ? "]" : "");
	fflush(stdout);
	errno = 0;
	if (getline(&line, &room, stdin) < 0) {
		puts("");
		return errno ? error_os(errno, "read the answer")
		             : error_new(ERROR_CANCELED, "no answer: nothing is done");
	}
	size = strlen(line);
	while (size && strchr(" \t\r\n", line[size - 1]))
		line[--size] = '\0';
	start = line + strspn(line, " \t");
	*ret = strdup(!*start && standard ? standard : start);
	return *ret ? NULL : error_new(ERROR_NOMEM, "no memory for the answer");
}

struct error *ctl_ask_yes(const char *question, bool *ret)
{
	_cleanup_free_ char *answer = NULL;
	struct error *err = ctl_ask(question, "no", &answer);

	if (!err)
		*ret = strcmp(answer, "yes") == 0 || strcmp(answer, "y") == 0;
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/hooks.h"

#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "boot/hooks.h"
#include "boot/words.h"
#include "capture/process.h"

enum {
	// What a program prints is kept to this; a note of how it went, not a dump.
	OUTPUT_BYTES = 16384,
	// As timeout(1) has it.
	STATUS_TIMEOUT = 124,
	VALUE_BYTES = 4352,
};

// The environment beside PATH, HOME, LANG and TERM.
struct environment {
	char text[6][VALUE_BYTES];
	const char *list[7];
};

static void fill(const struct hooks_about *about, struct environment *ret)
{
	const char *const values[] = {about->stage, about->vmcore, about->directory, about->target, about->hostname};
	static const char *const names[] = {"KDUMP_STAGE", "KDUMP_VMCORE", "KDUMP_DIRECTORY", "KDUMP_TARGET",
	                                    "KDUMP_HOSTNAME"};
	size_t count = array_size(names);

	for (size_t i = 0; i < count; i++)
		snprintf(ret->text[i], VALUE_BYTES, "%s=%s", names[i], values[i]);
	snprintf(ret->text[count], VALUE_BYTES, "KDUMP_STATUS=%d", about->status);
	for (size_t i = 0; i <= count; i++)
		ret->list[i] = ret->text[i];
	ret->list[count + 1] = NULL;
}

static void tell_output(char *output, struct log *log)
{
	char *line;

	while (output && (line = strsep(&output, "\n")))
		if (*line)
			log_print(log, "| %s", line);
}

static bool is_in_directory(const char *command)
{
	static const char *const directories[] = {HOOKS_DIRECTORY "pre.d/", HOOKS_DIRECTORY "post.d/",
	                                          HOOKS_DIRECTORY "emergency.d/"};

	for (size_t i = 0; i < array_size(directories); i++)
		if (strncmp(command, directories[i], strlen(directories[i])) == 0)
			return true;
	return false;
}

// Words of a command. Programs in the directories for hooks get the exit status so far as their argument.
static void split(const char *command, const struct hooks_about *about, struct words *ret)
{
	size_t mark = strlen(HOOKS_SHELL);

	if (strncmp(command, HOOKS_SHELL, mark) != 0) {
		words_split(ret, command);
		if (ret->count == 1 && is_in_directory(command))
			words_addf(ret, "%d", about->status);
		return;
	}
	words_add(ret, "/bin/sh");
	words_add(ret, "-c");
	words_add(ret, command + mark);
}

static struct error *run_one(const struct host *host, const char *command, const struct hooks_about *about,
                             uint64_t timeout_ms, struct log *log, int *status_ret)
{
	_cleanup_(host_result_deinit) struct host_result result = {0};
	_cleanup_free_ struct environment *environment = calloc(1, sizeof(*environment));
	_cleanup_words_ struct words words = {0};
	struct host_command run = {.timeout_ms = timeout_ms, .output_max_bytes = OUTPUT_BYTES};
	struct error *err;

	split(command, about, &words);
	err = words_check(&words);
	if (!err && !environment)
		err = error_new(ERROR_NOMEM, "no memory for its environment");
	if (err)
		return err;
	fill(about, environment);
	run.argv = (const char *const *)words.list;
	run.environment = environment->list;
	err = host_run(host, &run, &result);
	tell_output(result.output, log);
	if (err)
		return err;
	*status_ret = result.status;
	return NULL;
}

int hooks_run(char *const *commands, const struct hooks_about *about, uint64_t timeout_ms, uint64_t end_ms,
              struct log *log)
{
	struct host host = {.root_fd = -1};
	struct error *err = host_init(&host, "/");
	int worst = 0;

	if (err)
		log_print(log, "%s hook: %s", about->stage, err->text);
	error_free(err);
	for (; host.root_fd >= 0 && commands && *commands; commands++) {
		uint64_t left_ms = process_left_ms(end_ms);
		int status = EXIT_FAILED;

		log_print(log, "%s hook: %s", about->stage, *commands);
		// No limit is 0 there.
		if (left_ms == UINT64_MAX || (timeout_ms && timeout_ms < left_ms))
			err = run_one(&host, *commands, about, timeout_ms, log, &status);
		else if (left_ms)
			err = run_one(&host, *commands, about, left_ms, log, &status);
		else
			err = error_new(ERROR_TIMEOUT, "there is no time left");
		if (err) {
			log_print(log, "%s hook: it failed: %s", about->stage, err->text);
			status = err->code == ERROR_TIMEOUT ? STATUS_TIMEOUT : EXIT_FAILED;
		} else if (status) {
			log_print(log, "%s hook: it failed with status %d", about->stage, status);
		}
		worst = status ? status : worst;
		error_free(err);
	}
	host_deinit(&host);
	return worst;
}

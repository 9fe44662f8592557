// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/lastcapture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// A reservation that no machine has, and as many CPUs: such a line was damaged.
enum { MIB_MAX = 1 << 20, THREADS_MAX = 8192, LINE_BYTES = 4096 };

bool lastcapture_parse(const char *line, struct lastcapture *ret)
{
	struct lastcapture capture = {0};
	char form[16];

	if (sscanf(line, "%" SCNu64 " of %" SCNu64 " MiB with %u thread%*[s,] %15[a-z] form, %127[A-Za-z0-9._+~-]",
	           &capture.taken_mib, &capture.reserved_mib, &capture.threads, form, capture.kernel) != 5)
		return false;
	if (capture.taken_mib > capture.reserved_mib || capture.reserved_mib > MIB_MAX || !capture.threads ||
	    capture.threads > THREADS_MAX)
		return false;
	if (strcmp(form, plan_form_name(PLAN_FULL)) == 0)
		capture.form = PLAN_FULL;
	else if (strcmp(form, plan_form_name(PLAN_MINIMAL)) == 0)
		capture.form = PLAN_MINIMAL;
	else
		return false;
	*ret = capture;
	return true;
}

struct error *lastcapture_write(const struct host *host, const struct lastcapture *capture)
{
	_cleanup_free_ char *line = NULL;

	if (asprintf(&line, "%" PRIu64 " of %" PRIu64 " MiB with %u thread%s, %s form, %s\n", capture->taken_mib,
	             capture->reserved_mib, capture->threads, capture->threads == 1 ? "" : "s",
	             plan_form_name(capture->form), capture->kernel) < 0) {
		line = NULL;
		return error_new(ERROR_NOMEM, "no memory for a line");
	}
	return host_replace(host, LASTCAPTURE_PATH, line, strlen(line), 0644);
}

bool lastcapture_read(const struct host *host, struct lastcapture *ret)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *err = host_read(host, LASTCAPTURE_PATH, LINE_BYTES, &text, NULL);

	return !err && lastcapture_parse(text, ret);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/crashkernel.h"
#include "boot/initrd.h"
#include "boot/kexec.h"
#include "boot/reservation.h"
#include "boot/text.h"
#include "cmd/ctl_known.h"

enum { MODE_ALL = 0644 };

static void add(struct text *text, const char *name, const char *help, int64_t value)
{
	text_add(text, "# HELP %s %s\n# TYPE %s gauge\n%s %" PRId64 "\n", name, help, name, name, value);
}

static struct error *add_last(const struct host *host, struct text *text)
{
	_cleanup_free_ char *name = NULL, *state = NULL;
	struct error *err = ctl_known_last(host, &name, &state);
	int64_t seconds = !err && name ? ctl_known_time(name) : 0;

	if (err || seconds <= 0)
		return err;
	add(text, "kdump_last_dump_timestamp_seconds", "Time of the last crash of which there is a dump.", seconds);
	add(text, "kdump_last_dump_whole", "Whether that dump is whole.",
	    strcmp(state, dumps_state_name(DUMPS_WHOLE)) == 0 || strcmp(state, dumps_state_name(DUMPS_LOG)) == 0);
	return NULL;
}

// What is wrong with the configuration is a value here, and told by others.
static void add_plan(const struct host *host, const struct config *config, struct text *text)
{
	_cleanup_reservation_ struct reservation reservation = {0};
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_free_ char *cause = NULL;
	_cleanup_error_ struct error *unfit = plan_make(host, config, &plan);
	_cleanup_error_ struct error *unknown = unfit ? NULL : initrd_check(host, &plan, &cause);
	_cleanup_error_ struct error *uncounted = reservation_estimate(host, config, &reservation);

	if (!uncounted)
		add(text, "kdump_needed_bytes", "Memory that a capture with one CPU needs.",
		    (int64_t)reservation.least_bytes);
	add(text, "kdump_configuration_valid", "Whether a plan can be made from the configuration.", !unfit);
	// Where something that belongs in it is missing, it is not.
	if (!unfit)
		add(text, "kdump_image_fresh", "Whether the capture initramfs is what the plan asks for.",
		    !unknown && !cause);
}

static struct error *format(const struct ctl *ctl, const struct config *config, char **ret)
{
	_cleanup_text_ struct text text = {0};
	uint64_t reserved_bytes = 0;
	bool is_loaded = false;
	struct error *err = kexec_is_loaded(&ctl->host, &is_loaded);

	if (!err)
		err = crashkernel_read(&ctl->host, &reserved_bytes);
	if (err)
		return err;
	add(&text, "kdump_armed", "Whether a capture kernel is loaded.", is_loaded);
	add(&text, "kdump_reserved_bytes", "Memory that is reserved for a capture kernel.", (int64_t)reserved_bytes);
	if (config)
		add_plan(&ctl->host, config, &text);
	else
		add(&text, "kdump_configuration_valid", "Whether a plan can be made from the configuration.", 0);
	err = add_last(&ctl->host, &text);
	return err ? err : text_take(&text, ret);
}

static struct error *write_file(const struct ctl *ctl, const struct config *config, const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct error *err;

	if (*path != '/')
		return error_new(ERROR_CONFIG, "%s: KDUMP_METRICS_FILE: allowed is an absolute path",
		                 config_where(config, KEY_METRICS_FILE));
	err = format(ctl, config, &text);
	return err ? err : host_replace(&ctl->host, path, text, strlen(text), MODE_ALL);
}

struct error *ctl_metrics(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *unread = config_load(&ctl->host, ctl->config_path, &config);
	struct error *err;

	(void)exit_ret;
	if (unread)
		fprintf(stderr, "%s: %s\n", ctl->program, unread->text);
	if (ctl_options_has(&ctl->options, CTL_OPTION_WRITE)) {
		if (unread || !*config_text(&config, KEY_METRICS_FILE))
			return error_new(ERROR_CONFIG, "KDUMP_METRICS_FILE says where, and is not set");
		return write_file(ctl, &config, config_text(&config, KEY_METRICS_FILE));
	}
	err = format(ctl, unread ? NULL : &config, &text);
	if (err)
		return err;
	fputs(text, stdout);
	return ctl_flush("the metrics");
}

void ctl_metrics_update(const struct ctl *ctl)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_error_ struct error *unread = config_load(&ctl->host, ctl->config_path, &config);
	_cleanup_error_ struct error *err = NULL;

	// Whoever called told of it.
	if (unread || !*config_text(&config, KEY_METRICS_FILE))
		return;
	err = write_file(ctl, &config, config_text(&config, KEY_METRICS_FILE));
	if (err)
		fprintf(stderr, "%s: the metrics: %s\n", ctl->program, err->text);
}

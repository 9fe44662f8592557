// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_status.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "boot/cmdline.h"
#include "boot/initrd.h"
#include "boot/kexec.h"
#include "boot/loaded.h"
#include "boot/reservation.h"
#include "cmd/ctl_known.h"
#include "cmd/ctl_load.h"

enum state {
	STATE_ARMED,
	STATE_NOT_CONFIGURED, // Nobody has asked for it: no failure.
	STATE_FAILED,
};

static const char *const states[] = {
	[STATE_ARMED] = "armed",
	[STATE_NOT_CONFIGURED] = "not-configured",
	[STATE_FAILED] = "failed",
};

struct status {
	enum state state;
	char *reason; // Why it is not armed.
	uint64_t reserved_bytes, needed_bytes; // The latter 0: it cannot be estimated.
	char *kernel, *target, *directory; // Of the plan; NULL: there is none.
	char *problem; // Why there is no plan; else NULL.
	char *cause; // Why the image is stale; NULL: it is fresh, or there is no plan.
	bool is_current; // What is loaded is what a start would load.
	char *dump, *dump_state; // The last one that was told of; NULL: none.
};

static void status_deinit(struct status *status)
{
	char *const texts[] = {status->reason,  status->kernel, status->target, status->directory,
	                       status->problem, status->cause,  status->dump,   status->dump_state};

	for (size_t i = 0; i < array_size(texts); i++)
		free(texts[i]);
}

static struct error *keep_text(const char *text, char **ret)
{
	*ret = strdup(text);
	return *ret ? NULL : error_new(ERROR_NOMEM, "no memory for the status");
}

// An error is a text of the report. Consumes it.
static struct error *keep_reason(struct error *err, char **ret)
{
	struct error *failed = keep_text(err->text, ret);

	error_free(err);
	return failed;
}

// Whether the service was enabled, with systemd or without.
static bool is_wanted(const struct host *host)
{
	static const char *const directories[] = {"/etc/rc2.d", "/etc/rc3.d", "/etc/rc5.d"};
	bool is_wanted = host_exists(host, "/etc/systemd/system/multi-user.target.wants/kdump.service");

	for (size_t i = 0; i < array_size(directories) && !is_wanted; i++) {
		_cleanup_(host_names_freep) char **names = NULL;
		_cleanup_error_ struct error *err = host_list(host, directories[i], &names);

		for (char **name = names; !err && *name; name++)
			is_wanted |= fnmatch("S[0-9][0-9]kdump", *name, 0) == 0;
	}
	return is_wanted;
}

static struct error *find_state(const struct ctl *ctl, struct status *ret)
{
	_cleanup_free_ char *parameter = NULL;
	bool is_loaded = false;
	struct error *err = kexec_is_loaded(&ctl->host, &is_loaded), *reason;

	reason = err ? err : ctl_load_check_reservation(ctl, NULL, &ret->reserved_bytes);
	if (!err && is_loaded) {
		error_free(reason);
		ret->state = STATE_ARMED;
		return NULL;
	}
	ret->state = STATE_FAILED;
	err = cmdline_running(&ctl->host, "crashkernel", &parameter);
	if (!err && !parameter && !is_wanted(&ctl->host))
		ret->state = STATE_NOT_CONFIGURED;
	error_free(err);
	if (reason)
		return keep_reason(reason, &ret->reason);
	return keep_text("no capture kernel is loaded: run kdumpctl start, or systemctl start kdump", &ret->reason);
}

static struct error *look_at_image(const struct host *host, const struct plan *plan, struct status *ret)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = initrd_check(host, plan, &ret->cause);

	if (err)
		return err->code == ERROR_NOMEM ? err : keep_reason(err, &ret->cause);
	if (ret->cause)
		return NULL;
	err = loaded_describe(host, plan, &text);
	ret->is_current = !err && loaded_is(host, text);
	error_free(err);
	return NULL;
}

static struct error *find_plan(const struct ctl *ctl, struct status *ret)
{
	_cleanup_reservation_ struct reservation needed = {0};
	_cleanup_config_ struct config config = {0};
	_cleanup_plan_ struct plan plan = {0};
	struct error *err = config_load(&ctl->host, ctl->config_path, &config);

	if (!err)
		err = plan_make(&ctl->host, &config, &plan);
	if (err)
		return err->code == ERROR_NOMEM ? err : keep_reason(err, &ret->problem);
	err = keep_text(plan.kernel_version, &ret->kernel);
	if (!err)
		err = keep_text(plan.target.device, &ret->target);
	if (!err)
		err = keep_text(plan.target.directory, &ret->directory);
	if (!err)
		err = look_at_image(&ctl->host, &plan, ret);
	if (err)
		return err;
	err = reservation_estimate(&ctl->host, &config, &needed);
	if (!err)
		ret->needed_bytes = needed.least_bytes;
	error_free(err);
	return NULL;
}

static struct error *print_json(const struct status *status)
{
	struct json json;

	json_init(&json, stdout);
	json_open_object(&json, NULL);
	json_text(&json, "state", states[status->state]);
	json_text(&json, "reason", status->reason);
	json_text(&json, "kernel", status->kernel);
	json_text(&json, "image", INITRD_PATH);
	json_bool(&json, "is_fresh", status->kernel && !status->cause);
	json_text(&json, "stale_cause", status->cause);
	json_bool(&json, "is_current", status->is_current);
	json_number(&json, "reserved_bytes", status->reserved_bytes);
	json_number(&json, "needed_bytes", status->needed_bytes);
	json_text(&json, "target", status->target);
	json_text(&json, "directory", status->directory);
	json_text(&json, "problem", status->problem);
	json_text(&json, "last_dump", status->dump);
	json_text(&json, "last_dump_state", status->dump_state);
	json_close(&json);
	return json_finish(&json);
}

static struct error *print_text(const struct status *status)
{
	if (status->state == STATE_ARMED)
		puts("Kdump is operational");
	else
		printf("Kdump is not operational\nkdump: %s%s\n",
		       status->state == STATE_NOT_CONFIGURED ? "not configured: " : "", status->reason);
	return ctl_flush("the status");
}

struct error *ctl_status(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_(status_deinit) struct status status = {0};
	struct error *err = find_state(ctl, &status);

	if (!err && status.state != STATE_ARMED)
		*exit_ret = EXIT_CONFIG;
	if (err || !ctl->is_json)
		return err ? err : print_text(&status);
	err = find_plan(ctl, &status);
	if (!err)
		err = ctl_known_last(&ctl->host, &status.dump, &status.dump_state);
	return err ? err : print_json(&status);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "boot/checkup.h"
#include "boot/crashkernel.h"
#include "boot/hang.h"
#include "boot/initrd.h"
#include "boot/kexec.h"
#include "boot/loaded.h"
#include "boot/reservation.h"
#include "boot/text.h"
#include "cmd/ctl_early.h"
#include "cmd/ctl_metrics.h"
#include "cmd/ctl_partition.h"
#include "cmd/ctl_resize.h"

// Set in kdump.service, and to "early" in kdump-early.service.
#define BOOT_VARIABLE "KDUMPCTL_BOOT"

// Bits of KDUMP_VERBOSE: SUSE tells the command line to syslog (1) or standard output (4); for a service both are one.
enum { VERBOSE_COMMAND_LINE = 1 | 4 };

// Whether what is loaded is replaced.
enum when { ALWAYS, IF_CHANGED, IF_LOADED_AND_CHANGED };

struct error *ctl_load_plan(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_free_ char *text = NULL;
	struct error *err = ctl_load_config(ctl, &config);

	(void)exit_ret;
	if (!err)
		err = ctl_make_plan(ctl, &config, &plan);
	if (!err && ctl->is_json)
		return plan_write_json(&plan, stdout);
	if (!err)
		err = plan_format(&plan, &text);
	if (err)
		return err;
	fputs(text, stdout);
	return ctl_flush("the plan");
}

// Makes the image if it must be. The words tell what was done.
struct error *ctl_load_refresh(const struct ctl *ctl, const struct plan *plan, bool is_forced, char **words_ret)
{
	_cleanup_free_ char *cause = NULL;
	_cleanup_text_ struct text words = {0};
	struct error *err = initrd_check(&ctl->host, plan, &cause);

	if (!err && !cause && is_forced) {
		cause = strdup("asked for");
		err = cause ? NULL : error_new(ERROR_NOMEM, "no memory for a text");
	}
	if (!err && cause)
		err = initrd_build(&ctl->host, plan);
	if (err)
		return err;
	text_add(&words, cause ? "rebuilt: %s" : "fresh", cause);
	return text_take(&words, words_ret);
}

static struct error *image_size(const struct ctl *ctl, double *mib_ret)
{
	struct stat info;
	struct error *err = host_stat(&ctl->host, INITRD_PATH, &info);

	if (!err)
		*mib_ret = (double)info.st_size / 1024 / 1024;
	return err;
}

// What cannot be estimated is said by others.
static uint64_t proposed_mib(const struct ctl *ctl, const struct config *config)
{
	_cleanup_reservation_ struct reservation reservation = {0};
	_cleanup_error_ struct error *err = reservation_estimate(&ctl->host, config, &reservation);

	return err ? RESERVATION_USUAL_MIB : reservation.proposed_mib;
}

struct error *ctl_load_check_reservation(const struct ctl *ctl, const struct config *config, uint64_t *bytes_ret)
{
	struct error *err = crashkernel_read(&ctl->host, bytes_ret);

	return !err && *bytes_ret == 0 ? crashkernel_missing(&ctl->host, config, proposed_mib(ctl, config)) : err;
}

static struct error *load(const struct ctl *ctl, const struct plan *plan, uint64_t reserved_bytes, enum when when)
{
	_cleanup_free_ char *words = NULL, *text = NULL;
	_cleanup_error_ struct error *late = NULL;
	enum kexec_method method;
	double mib = 0;
	struct error *err = ctl_load_refresh(ctl, plan, false, &words);

	if (!err)
		err = image_size(ctl, &mib);
	if (!err)
		err = loaded_describe(&ctl->host, plan, &text);
	if (!err && when != ALWAYS && loaded_is(&ctl->host, text)) {
		if (!ctl->is_quiet)
			puts("kdump: already loaded, unchanged");
		// What was loaded early may have been undone by sysctl.d.
		return hang_set(&ctl->host, plan->panic_on);
	}
	if (!err)
		err = loaded_replace(&ctl->host, plan, text, &method, &late);
	if (late)
		fprintf(stderr, "%s: warning: the next reload loads again: %s\n", ctl->program, late->text);
	if (!err)
		err = hang_set(&ctl->host, plan->panic_on);
	if (err)
		return err;
	if (!ctl->is_quiet)
		printf("kdump: loaded %s with %s (%.1f MiB, %s) into %" PRIu64
		       " MiB%s; dumps go to %s %s, level %u, %s\n",
		       plan->kernel_version, plan->initrd, mib, words, reserved_bytes / 1024 / 1024,
		       method == KEXEC_LOAD ? " by kexec_load" : "", plan->target.device, plan->target.directory,
		       plan->dump_level, plan_format_name(plan->format));
	if (plan->verbose & VERBOSE_COMMAND_LINE)
		printf("kdump: command line: %s\n", plan->command_line);
	return NULL;
}

// What may cost the dump, as far as it is seen at once. All of it is in kdumpctl check.
static void warn(const struct ctl *ctl, const struct config *config, const struct plan *plan)
{
	_cleanup_findings_ struct findings findings = {0};
	struct error *err = ctl->is_quiet ? NULL : checkup_run_quick(&ctl->host, config, plan, &findings);

	if (err)
		fprintf(stderr, "%s: warning: %s\n", ctl->program, err->text);
	error_free(err);
	for (size_t i = 0; i < findings.count; i++)
		fprintf(stderr, "%s: warning: %s: %s\n", ctl->program, findings.list[i].name, findings.list[i].text);
}

static struct error *arm(const struct ctl *ctl, enum when when, struct config *config)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_close_ int lock_fd = -1;
	uint64_t reserved_bytes = 0;
	bool is_loaded = true;
	struct error *err = ctl_lock(ctl, CTL_LOCK_PATH, &lock_fd);

	if (!err && when == IF_LOADED_AND_CHANGED)
		err = loaded_is_meant(&ctl->host, &is_loaded);
	if (err || !is_loaded)
		return err;
	if (!err)
		err = ctl_load_config(ctl, config);
	if (!err)
		err = ctl_load_check_reservation(ctl, config, &reserved_bytes);
	// The plan counts CPUs by what is reserved.
	if (!err)
		err = ctl_resize(ctl, config, &reserved_bytes);
	if (!err)
		err = ctl_make_plan(ctl, config, &plan);
	if (!err)
		err = load(ctl, &plan, reserved_bytes, when);
	if (!err)
		warn(ctl, config, &plan);
	return err;
}

// Taking dumps out may take long: the machine is ready for the next crash first, also if one cannot be taken. While it boots nobody
// waits for that, and the directory of dumps may not be mounted yet: then kdump-notify.service does it.
static void take_from_partitions(const struct ctl *ctl, const struct config *config)
{
	_cleanup_close_ int lock_fd = -1;
	_cleanup_error_ struct error *err = NULL;
	bool is_needed = false;

	if (getenv(BOOT_VARIABLE))
		return;
	err = ctl_partition_needed(config, &is_needed);
	if (!err && is_needed)
		err = ctl_lock(ctl, CTL_DUMPS_LOCK_PATH, &lock_fd);
	if (!err && is_needed)
		err = ctl_partition(&ctl->host, config, ctl->is_quiet);
	if (err)
		fprintf(stderr, "%s: %s\n", ctl->program, err->text);
}

static struct error *start_early(const struct ctl *ctl)
{
	_cleanup_close_ int lock_fd = -1;
	struct error *err = ctl_lock(ctl, CTL_LOCK_PATH, &lock_fd);

	return err ? err : ctl_early(&ctl->host, ctl->is_quiet);
}

struct error *ctl_load_start(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	const char *boot = getenv(BOOT_VARIABLE);
	struct error *err;

	(void)exit_ret;
	if (boot && strcmp(boot, "early") == 0)
		return start_early(ctl);
	// What was loaded early is not loaded again.
	err = arm(ctl, boot ? IF_CHANGED : ALWAYS, &config);
	ctl_metrics_update(ctl);
	if (!err)
		take_from_partitions(ctl, &config);
	return err;
}

struct error *ctl_load_reload(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	struct error *err = arm(ctl, IF_CHANGED, &config);

	(void)exit_ret;
	ctl_metrics_update(ctl);
	return err;
}

struct error *ctl_load_again(const struct ctl *ctl)
{
	_cleanup_config_ struct config config = {0};

	return arm(ctl, IF_LOADED_AND_CHANGED, &config);
}

struct error *ctl_load_stop(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_close_ int lock_fd = -1;
	bool is_loaded = false;
	struct error *err = ctl_lock(ctl, CTL_LOCK_PATH, &lock_fd);

	(void)exit_ret;
	if (!err)
		err = kexec_is_loaded(&ctl->host, &is_loaded);
	if (!err && is_loaded)
		err = kexec_unload(&ctl->host);
	if (!err)
		loaded_forget(&ctl->host);
	if (!err && !ctl->is_quiet)
		puts(is_loaded ? "kdump: unloaded" : "kdump: nothing was loaded");
	ctl_metrics_update(ctl);
	return err;
}

static struct error *rebuild(const struct ctl *ctl, bool is_forced)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_free_ char *words = NULL;
	_cleanup_close_ int lock_fd = -1;
	double mib = 0;
	struct error *err = ctl_lock(ctl, CTL_LOCK_PATH, &lock_fd);

	if (!err)
		err = ctl_load_config(ctl, &config);
	if (!err)
		err = ctl_make_plan(ctl, &config, &plan);
	if (!err)
		err = ctl_load_refresh(ctl, &plan, is_forced, &words);
	if (!err)
		err = image_size(ctl, &mib);
	if (!err && !ctl->is_quiet)
		printf("kdump: %s (%.1f MiB, %s)\n", INITRD_PATH, mib, words);
	return err;
}

struct error *ctl_load_rebuild(const struct ctl *ctl, int *exit_ret)
{
	(void)exit_ret;
	return rebuild(ctl, true);
}

struct error *ctl_load_mkdumprd(const struct ctl *ctl, int *exit_ret)
{
	(void)exit_ret;
	return rebuild(ctl, ctl_options_has(&ctl->options, CTL_OPTION_FORCE));
}

struct error *ctl_load_showmem(const struct ctl *ctl, int *exit_ret)
{
	uint64_t reserved_bytes = 0;
	struct error *err = crashkernel_read(&ctl->host, &reserved_bytes);

	(void)exit_ret;
	if (!err && ctl->is_json) {
		struct json json;

		json_init(&json, stdout);
		json_open_object(&json, NULL);
		json_number(&json, "reserved_bytes", reserved_bytes);
		json_close(&json);
		return json_finish(&json);
	}
	if (!err)
		printf("Reserved %" PRIu64 "MB memory for crash kernel\n", reserved_bytes / 1024 / 1024);
	return err;
}

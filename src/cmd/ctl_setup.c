// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/crashkernel.h"
#include "boot/remote.h"
#include "boot/reservation.h"
#include "boot/text.h"
#include "cmd/ctl_ask.h"
#include "cmd/ctl_config.h"
#include "cmd/ctl_crashkernel.h"
#include "cmd/ctl_settings.h"
#include "cmd/ctl_setup_places.h"

enum { SYSTEMCTL_TIMEOUT_MS = 15 * 60 * 1000, SYSTEMCTL_OUTPUT_BYTES = 4096 };

#define MIB ((uint64_t)1 << 20)
#define GIB ((double)((uint64_t)1 << 30))

// The answers; each is an option, or asked for, or a default.
struct setup {
	const struct ctl *ctl;
	struct config config; // As it is.
	struct config planned; // As it will be.
	struct ctl_setup_places places;
	char *target, *level, *final_action, *notify;
	struct ctl_settings settings;
	uint64_t reserved_bytes, need_bytes;
	bool is_asking;
};

static void setup_deinit(struct setup *setup)
{
	config_deinit(&setup->config);
	config_deinit(&setup->planned);
	ctl_setup_places_deinit(&setup->places);
	free(setup->target);
	free(setup->level);
	free(setup->final_action);
	free(setup->notify);
}

// By option, else by question, else the default.
static struct error *answer(const struct setup *setup, enum ctl_option option, const char *question,
                            const char *standard, char **ret)
{
	const char *given = setup->ctl->options.values[option];
	_cleanup_free_ char *shown = NULL;

	if (!given && setup->is_asking) {
		struct error *err = ctl_config_mask(standard, &shown);

		if (!err)
			err = ctl_ask(question, shown, ret);
		// A password that was not shown is kept.
		if (err || strcmp(*ret, shown) != 0)
			return err;
		free(*ret);
	}
	*ret = strdup(given ? given : standard);
	return *ret ? NULL : error_new(ERROR_NOMEM, "no memory for an answer");
}

static void print_places(const struct setup *setup)
{
	puts("Where shall dumps go? They can be as large as the memory, and are far smaller as a rule.");
	for (size_t i = 0; i < setup->places.count; i++) {
		const struct ctl_setup_place *place = &setup->places.list[i];

		printf("  %zu) %s (%s, %s): %.1f GiB free of %.1f\n", i + 1, place->directory, place->device,
		       place->fstype, (double)place->free_bytes / GIB, (double)place->size_bytes / GIB);
	}
	puts("Or: another directory; UUID=..., LABEL=... of a file system; raw:PARTUUID=... of a partition that holds "
	     "nothing;\n"
	     "or a server: nfs://, cifs://, ssh://, sftp://, https://, ftps://, s3://");
}

// What was configured stays the proposal; a file system of its own is better than a full root.
static const char *standard_target(const struct setup *setup)
{
	const struct config *config = &setup->config;
	size_t best = ctl_setup_places_best(&setup->places);

	if (*config_text(config, KEY_TARGET))
		return config_text(config, KEY_TARGET);
	if (config->values[KEY_SAVEDIR].is_set && strcmp(config_text(config, KEY_SAVEDIR), "file:///var/crash") != 0)
		return config_text(config, KEY_SAVEDIR);
	return best < setup->places.count ? setup->places.list[best].directory : "/var/crash";
}

static const char *number_place(const struct setup *setup, const char *target)
{
	unsigned long number = strlen(target) < 4 ? strtoul(target, NULL, 10) : 0;

	if (!*target || target[strspn(target, "0123456789")] || number < 1 || number > setup->places.count)
		return NULL;
	return setup->places.list[number - 1].directory;
}

static bool is_device(const char *target)
{
	static const char *const starts[] = {"UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "raw:", "/dev/"};

	for (size_t i = 0; i < array_size(starts); i++)
		if (strncmp(target, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

static bool has_password(const char *target)
{
	const char *start = strstr(target, "://"), *at = strrchr(target, '@');
	const char *colon = start ? strchr(start + 3, ':') : NULL;

	return colon && at && colon < at;
}

static struct error *set_target(struct setup *setup)
{
	const char *target = number_place(setup, setup->target);
	const char *savedir = config_text(&setup->config, KEY_SAVEDIR);

	if (!target)
		target = setup->target;
	if (is_device(target)) {
		setup->settings.values[KEY_TARGET] = target;
		// A directory of that file system, as it was one before; of a server nothing is left.
		setup->settings.values[KEY_SAVEDIR] = remote_is_url(savedir) ? "/var/crash" : savedir;
	} else if (*target == '/' || remote_is_url(target) || strncmp(target, "file://", 7) == 0) {
		setup->settings.values[KEY_TARGET] = "";
		setup->settings.values[KEY_SAVEDIR] = target;
	} else {
		return error_new(ERROR_USAGE,
		                 "\"%s\" is no place for dumps: allowed is a directory, UUID=..., LABEL=..., "
		                 "PARTUUID=..., PARTLABEL=..., raw:..., a device, or a URL",
		                 target);
	}
	setup->settings.has_secret = has_password(target);
	return NULL;
}

static void set_others(struct setup *setup)
{
	const char *cc = config_text(&setup->config, KEY_NOTIFICATION_CC);

	setup->settings.values[KEY_DUMPLEVEL] = setup->level;
	setup->settings.values[KEY_FINAL_ACTION] = setup->final_action;
	setup->settings.values[KEY_NOTIFICATION_TO] = setup->notify;
	if ((*setup->notify || *cc) && !*config_text(&setup->config, KEY_SMTP_SERVER))
		setup->settings.values[KEY_SMTP_SERVER] = "localhost";
}

static struct error *ask_all(struct setup *setup)
{
	const struct config *config = &setup->config;
	const char *action = config_text(config, KEY_FINAL_ACTION);
	struct error *err;

	if (setup->is_asking && !ctl_options_has(&setup->ctl->options, CTL_OPTION_TARGET))
		print_places(setup);
	err = answer(setup, CTL_OPTION_TARGET, "Where?", standard_target(setup), &setup->target);
	if (!err)
		err = answer(setup, CTL_OPTION_LEVEL,
		             "What is left out of them? 31: all but the kernel's memory; 23: keeps memory of "
		             "processes; 17: only free "
		             "pages and zeros; 0: nothing.",
		             config_text(config, KEY_DUMPLEVEL), &setup->level);
	if (!err)
		err = answer(setup, CTL_OPTION_FINAL_ACTION, "What does the machine do then? reboot, halt or poweroff.",
		             *action ? action : "reboot", &setup->final_action);
	if (!err)
		err = answer(setup, CTL_OPTION_NOTIFY, "Who gets a mail after the next boot? Addresses, or nothing.",
		             config_text(config, KEY_NOTIFICATION_TO), &setup->notify);
	if (!err)
		err = set_target(setup);
	if (!err)
		set_others(setup);
	return err;
}

// What the answers mean on this machine.
static struct error *think(struct setup *setup)
{
	const struct ctl *ctl = setup->ctl;
	_cleanup_reservation_ struct reservation reservation = {0};
	_cleanup_plan_ struct plan plan = {0};
	struct error *err = ctl_settings_preview(ctl, &setup->settings, &setup->planned);

	if (!err)
		err = ctl_make_plan(ctl, &setup->planned, &plan);
	if (!err)
		err = reservation_estimate(&ctl->host, &setup->planned, &reservation);
	if (!err)
		err = crashkernel_read(&ctl->host, &setup->reserved_bytes);
	if (err)
		return err;
	setup->need_bytes = reservation.least_bytes;
	printf("\nDumps go to %s %s, and then the machine does: %s.\n", plan.target.device, plan.target.directory,
	       config_text(&setup->planned, KEY_FINAL_ACTION));
	printf("Reserved are %" PRIu64 " MiB; a capture needs %" PRIu64 ".\n", setup->reserved_bytes / MIB,
	       (setup->need_bytes + MIB - 1) / MIB);
	return NULL;
}

static bool needs_reservation(const struct setup *setup)
{
	return setup->reserved_bytes < setup->need_bytes;
}

static bool has_systemd(const struct setup *setup)
{
	return host_exists(&setup->ctl->host, "/run/systemd/system");
}

static void print_steps(const struct setup *setup)
{
	puts("\nTo be done:");
	for (int key = 0; key < KEY_COUNT; key++) {
		const char *value = setup->settings.values[key];
		const char *shown = value && has_password(value) ? "(with its password)" : value;

		if (value && strcmp(value, config_text(&setup->config, key)) != 0)
			printf("  %s: %s=\"%s\"\n", setup->ctl->config_path, config_key_info(key)->name, shown);
	}
	if (needs_reservation(setup))
		puts("  kdumpctl reset-crashkernel: reserve more in the boot loader's configuration");
	if (has_systemd(setup))
		printf("  systemctl enable kdump.service%s\n", needs_reservation(setup) ? "" : ", and start it");
	else
		puts("  there is no systemd: let your init run kdumpctl start at each boot");
}

static struct error *run_systemctl(const struct setup *setup, const char *verb)
{
	const char *const argv[] = {"systemctl", verb, "kdump.service", NULL};
	struct host_command command = {
		.argv = argv, .timeout_ms = SYSTEMCTL_TIMEOUT_MS, .output_max_bytes = SYSTEMCTL_OUTPUT_BYTES};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = host_run(&setup->ctl->host, &command, &result);

	if (!err && result.status)
		err = error_new(ERROR_OS, "systemctl %s kdump.service: %s", verb, text_last_line(result.output));
	return err;
}

static struct error *write_settings(const struct setup *setup)
{
	_cleanup_free_ char *kept = NULL;
	struct error *err = ctl_settings_write(setup->ctl, &setup->settings, &kept);

	if (!err)
		err = ctl_settings_verify(setup->ctl, &setup->settings);
	if (!err && kept)
		printf("%s has what %s was\n", kept, setup->ctl->config_path);
	return err;
}

static struct error *carry_out(const struct setup *setup, int *exit_ret)
{
	struct error *err = write_settings(setup);

	fflush(stdout);
	if (!err && needs_reservation(setup))
		err = ctl_crashkernel_reset(setup->ctl, exit_ret);
	if (!err && has_systemd(setup))
		err = run_systemctl(setup, "enable");
	if (!err && has_systemd(setup) && !needs_reservation(setup))
		err = run_systemctl(setup, "reload-or-restart");
	if (err)
		return err;
	puts(needs_reservation(setup) ? "done; a crash is captured after the next boot, kdumpctl status will tell"
	     : has_systemd(setup)     ? "done; a crash is captured from now on"
	                              : "done; kdumpctl start makes the machine ready");
	return ctl_flush("what was done");
}

static struct error *start(struct setup *setup)
{
	const struct ctl_options *options = &setup->ctl->options;
	bool is_dry = ctl_options_has(options, CTL_OPTION_DRY_RUN);
	struct error *err;

	setup->is_asking = !is_dry && !ctl_options_has(options, CTL_OPTION_YES);
	if (setup->is_asking) {
		err = ctl_ask_check("give --yes, with --target, --level, --final-action and --notify where the default "
		                    "is not right");
		if (err)
			return err;
	}
	err = ctl_load_config(setup->ctl, &setup->config);
	return err ? err : ctl_setup_places_find(setup->ctl, &setup->places);
}

struct error *ctl_setup(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_(setup_deinit) struct setup setup = {.ctl = ctl};
	bool is_right = true;
	struct error *err = start(&setup);

	if (!err)
		err = ask_all(&setup);
	if (!err)
		err = think(&setup);
	if (err)
		return err;
	print_steps(&setup);
	if (ctl_options_has(&ctl->options, CTL_OPTION_DRY_RUN))
		return needs_reservation(&setup) ? ctl_crashkernel_reset(ctl, exit_ret) : ctl_flush("the steps");
	if (setup.is_asking)
		err = ctl_ask_yes("Do it?", &is_right);
	if (!err && !is_right)
		err = error_new(ERROR_CANCELED, "nothing was done");
	return err ? err : carry_out(&setup, exit_ret);
}

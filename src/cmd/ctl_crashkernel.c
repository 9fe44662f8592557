// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_crashkernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/bootloader.h"
#include "boot/crashkernel.h"
#include "boot/reservation.h"
#include "boot/restart.h"
#include "boot/text.h"

enum { CMDLINE_MAX_BYTES = 64 * 1024, STATE_MAX_BYTES = 64 * 1024, BOOT_ID_BYTES = 64 };

// With fadump=on crashkernel= means another thing (Documentation/arch/powerpc/firmware-assisted-dump.rst), so both are looked at.
static const char *const names[] = {"crashkernel", "fadump", NULL};
// But fadump= goes only where that was asked for.
static const char *const replaced[] = {"crashkernel", NULL};

// What is wanted, and what we wrote before.
struct state {
	const struct host *host;
	const struct ctl *ctl;
	struct words wanted;
	bool is_auto;
	bool is_guess; // No plan could be made.
	uint64_t least_bytes; // Of the estimate.
	struct words written; // Empty: nothing.
	bool is_this_boot; // It was written since the machine started.
};

static void state_deinit(struct state *state)
{
	words_deinit(&state->wanted);
	words_deinit(&state->written);
}

static struct error *join(const struct words *words, char **ret)
{
	_cleanup_text_ struct text text = {0};

	for (size_t i = 0; i < words->count; i++)
		text_add(&text, "%s%s", i ? " " : "", words->list[i]);
	return text_take(&text, ret);
}

static struct error *read_boot_id(const struct host *host, char **ret)
{
	struct error *err = host_read(host, "/proc/sys/kernel/random/boot_id", BOOT_ID_BYTES, ret, NULL);

	if (!err)
		(*ret)[strcspn(*ret, "\n")] = '\0';
	return err;
}

static struct error *read_written(struct state *state)
{
	_cleanup_free_ char *text = NULL, *boot_id = NULL;
	struct error *err = host_read(state->host, CTL_CRASHKERNEL_PATH, STATE_MAX_BYTES, &text, NULL);
	char *second;

	if (error_catch_os(&err, ENOENT))
		return NULL;
	if (!err)
		err = read_boot_id(state->host, &boot_id);
	if (err)
		return err;
	second = text + strcspn(text, "\n");
	if (*second)
		*second++ = '\0';
	second[strcspn(second, "\n")] = '\0';
	words_split(&state->written, text);
	state->is_this_boot = *second && strcmp(second, boot_id) == 0;
	return words_check(&state->written);
}

static struct error *state_init(const struct ctl *ctl, const struct config *config, struct state *ret)
{
	_cleanup_reservation_ struct reservation reservation = {0};
	struct error *err = reservation_estimate(&ctl->host, config, &reservation);

	*ret = (struct state){.host = &ctl->host, .ctl = ctl};
	if (!err)
		err = crashkernel_wanted(config, reservation.proposed_mib, &ret->is_auto, &ret->wanted);
	ret->is_guess = reservation.problem;
	ret->least_bytes = reservation.least_bytes;
	return err ? err : read_written(ret);
}

static struct error *write_state(const struct state *state, const struct words *words)
{
	_cleanup_free_ char *line = NULL, *boot_id = NULL, *text = NULL;
	struct error *err;

	if (!words->count) {
		err = state->written.count ? host_remove(state->host, CTL_CRASHKERNEL_PATH) : NULL;
		return error_wrap(err, "the boot loader was changed, but");
	}
	err = join(words, &line);
	if (!err)
		err = read_boot_id(state->host, &boot_id);
	if (!err && asprintf(&text, "%s\n%s\n", line, boot_id) < 0) {
		text = NULL;
		err = error_new(ERROR_NOMEM, "no memory for a text");
	}
	if (!err)
		err = host_replace(state->host, CTL_CRASHKERNEL_PATH, text, strlen(text), 0644);
	return error_wrap(err, "the boot loader was changed, but");
}

// The estimate is not the same each time: a server that does not answer, another image. What we wrote stays wanted as long as it is
// enough, so that it never shrinks by itself, and does not grow by one step for nothing.
static struct error *keep_written(struct state *state)
{
	uint64_t written = crashkernel_bytes(&state->written), wanted = crashkernel_bytes(&state->wanted);
	uint64_t step = (uint64_t)RESERVATION_STEP_MIB << 20;

	if (!state->is_auto || !written ||
	    (written < wanted && (written + step < wanted || written < state->least_bytes)))
		return NULL;
	words_deinit(&state->wanted);
	for (size_t i = 0; i < state->written.count; i++)
		words_add(&state->wanted, state->written.list[i]);
	return words_check(&state->wanted);
}

static bool has_crashkernel(const struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		if (strncmp(words->list[i], CRASHKERNEL_PREFIX, strlen(CRASHKERNEL_PREFIX)) == 0)
			return true;
	return false;
}

static bool has_fadump(const struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->list[i], "fadump=on") == 0 || strcmp(words->list[i], "fadump=nocma") == 0)
			return true;
	return false;
}

// Whether nobody else set it. What is the same by chance may be written again, but not removed.
static bool is_ours(const struct state *state, const struct words *present, bool is_removal)
{
	if (has_fadump(present))
		return false;
	return !has_crashkernel(present) || (!is_removal && crashkernel_same(present, &state->wanted)) ||
	       (state->written.count && crashkernel_same(present, &state->written));
}

// *ret: the first place whose value somebody else set, with that; NULL if there is none. *is_there_ret: all have what is wanted.
static struct error *find_foreign(const struct state *state, const struct bootloader *loader, bool is_removal,
                                  char **ret, bool *is_there_ret)
{
	struct bootloader_view view = {0};
	struct error *err = loader->view(state->host, names, &view);

	*ret = NULL;
	*is_there_ret = view.values.count != 0;
	for (size_t i = 0; i < view.values.count && !err && !*ret; i++) {
		_cleanup_words_ struct words present = {0};

		words_split(&present, view.values.list[i]);
		err = words_check(&present);
		*is_there_ret &= crashkernel_same(&present, &state->wanted);
		if (!err && !is_ours(state, &present, is_removal) &&
		    asprintf(ret, "%s has %s", view.where.list[i], view.values.list[i]) < 0) {
			*ret = NULL;
			err = error_new(ERROR_NOMEM, "no memory for a text");
		}
	}
	bootloader_view_deinit(&view);
	return err;
}

static struct error *print_task(const struct bootloader_task *task, bool is_all)
{
	_cleanup_words_ struct words lines = {0};
	struct error *err;

	if (is_all)
		bootloader_tell(task, &lines);
	for (size_t i = 0; !is_all && i < task->notes.count; i++)
		words_add(&lines, task->notes.list[i]);
	err = words_check(&lines);
	for (size_t i = 0; i < lines.count && !err; i++)
		puts(lines.list[i]);
	return err;
}

// Puts these parameters in the place of those that are there.
static struct error *set(struct state *state, const struct bootloader *loader, const struct words *words,
                         const char *const *gone)
{
	const char *const none[] = {NULL};
	const char *kernel = state->ctl->options.values[CTL_OPTION_KERNEL];
	struct bootloader_task task = {
		.change = {gone, words->count ? (const char *const *)words->list : none},
		.kernel = kernel ? kernel : BOOTLOADER_ALL,
	};
	bool is_dry = ctl_options_has(&state->ctl->options, CTL_OPTION_DRY_RUN);
	struct error *err = bootloader_run(state->host, loader, &task, is_dry);

	if (!err && (is_dry || !state->ctl->is_quiet))
		err = print_task(&task, is_dry);
	if (!err && !is_dry)
		err = write_state(state, words);
	bootloader_task_deinit(&task);
	return err;
}

// Only where nobody else set a value.
static struct error *set_politely(struct state *state, const struct words *words, bool *is_done_ret)
{
	const struct bootloader *loader = NULL;
	_cleanup_free_ char *foreign = NULL;
	struct error *err = bootloader_find(state->host, &loader);
	bool is_there = false;

	*is_done_ret = false;
	if (!err)
		err = find_foreign(state, loader, !words->count, &foreign, &is_there);
	if (err)
		return err;
	if (foreign) {
		if (!state->ctl->is_quiet)
			printf("kdump: %s, which was not written by kdumpctl and is kept; %s it\n", foreign,
			       !words->count                ? "kdumptool commandline -d removes"
			       : strstr(foreign, "fadump=") ? "kdumpctl reset-crashkernel --fadump=off replaces"
			                                    : "kdumpctl reset-crashkernel replaces");
		return NULL;
	}
	*is_done_ret = true;
	// Somebody else's that is the same does not become ours by being left alone.
	if (words->count && is_there && !crashkernel_same(&state->written, words))
		return NULL;
	return set(state, loader, words, replaced);
}

static struct error *read_running(const struct host *host, struct words *ret)
{
	_cleanup_words_ struct words all = {0};
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, "/proc/cmdline", CMDLINE_MAX_BYTES, &text, NULL);

	if (err)
		return err;
	words_split(&all, text);
	for (size_t i = 0; i < all.count; i++)
		if (strncmp(all.list[i], CRASHKERNEL_PREFIX, strlen(CRASHKERNEL_PREFIX)) == 0)
			words_add(ret, all.list[i]);
	err = words_check(&all);
	return err ? err : words_check(ret);
}

// Whether the running kernel has what is wanted, or what somebody else set where anything is; a guess is no reason to differ. The
// sentences are those of SUSE's kdumptool.
static struct error *compare(const struct state *state, bool *is_right_ret)
{
	_cleanup_words_ struct words running = {0};
	_cleanup_free_ char *wanted = NULL, *present = NULL;
	struct error *err = read_running(state->host, &running);

	if (!err)
		err = join(&state->wanted, &wanted);
	if (!err)
		err = join(&running, &present);
	if (err)
		return err;
	*is_right_ret =
		crashkernel_same(&running, &state->wanted) || (state->is_auto && state->is_guess && running.count);
	if (*is_right_ret)
		return NULL;
	// What we wrote in this boot is in force with the next one.
	*is_right_ret = state->is_auto && !is_ours(state, &running, false) && !state->is_this_boot;
	if (*is_right_ret || state->ctl->is_quiet)
		return NULL;
	printf("Kdump expects these crashkernel= values on the kernel command line:\n    %s\n(based on %s)\n", wanted,
	       state->is_auto ? "the output of 'kdumptool calibrate'" : "the value of KDUMP_CRASHKERNEL");
	if (running.count)
		printf("/proc/cmdline contains:\n    %s\nKdump may not work correctly.\n", present);
	else
		printf("No crashkernel= found in /proc/cmdline. Kdump can't be started.\n");
	return NULL;
}

static struct error *set_always(struct state *state, const struct words *words, const char *const *gone,
                                bool *is_done_ret)
{
	const struct bootloader *loader = NULL;
	struct error *err = bootloader_find(state->host, &loader);

	*is_done_ret = !err;
	return err ? err : set(state, loader, words, gone);
}

static struct error *remove_all(struct state *state, bool is_forced, int *exit_ret)
{
	const struct words none = {0};
	bool is_done;
	struct error *err =
		is_forced ? set_always(state, &none, names, &is_done) : set_politely(state, &none, &is_done);

	*exit_ret = err ? CTL_CRASHKERNEL_EXIT_LOADER : EXIT_OK;
	return err;
}

// What was written since the machine started cannot be in force yet: doing it again at each call would help nobody.
static bool is_pending(const struct state *state)
{
	return state->is_this_boot && crashkernel_same(&state->written, &state->wanted);
}

static struct error *update(struct state *state, bool is_told, int *exit_ret)
{
	bool is_done = is_told && is_pending(state);
	struct error *err;

	if (is_done) {
		if (!state->ctl->is_quiet)
			puts("The command line options in the bootloader are right.\nChanges will take effect on next "
			     "boot.");
		return NULL;
	}
	// A value in the configuration is the user's word.
	err = state->is_auto ? set_politely(state, &state->wanted, &is_done)
	                     : set_always(state, &state->wanted, replaced, &is_done);

	*exit_ret = err ? CTL_CRASHKERNEL_EXIT_LOADER : EXIT_OK;
	if (!err && is_done && is_told && !state->ctl->is_quiet)
		puts("Updated the command line options in the bootloader.\nChanges will take effect on next boot.");
	return err;
}

static struct error *print_wanted(const struct state *state)
{
	_cleanup_free_ char *line = NULL;
	struct error *err = join(&state->wanted, &line);

	if (err)
		return err;
	return puts(line) < 0 || fflush(stdout) < 0 ? error_os(errno, "write the parameters") : NULL;
}

static struct error *commandline(const struct ctl *ctl, const struct config *config, int *exit_ret)
{
	const struct ctl_options *options = &ctl->options;
	bool may_update = config_number(config, KEY_UPDATE_BOOTLOADER), is_right = false;
	bool is_check = ctl_options_has(options, CTL_OPTION_CHECK);
	bool is_forced = ctl_options_has(options, CTL_OPTION_DELETE);
	bool asks_removal = is_forced || ctl_options_has(options, CTL_OPTION_DELETE_IF);
	bool asks_update =
		ctl_options_has(options, CTL_OPTION_UPDATE) || ctl_options_has(options, CTL_OPTION_UPDATE_IF);
	bool is_removal = is_forced || (asks_removal && may_update);
	bool is_update = ctl_options_has(options, CTL_OPTION_UPDATE) || (asks_update && may_update);
	_cleanup_(state_deinit) struct state state = {0};
	struct error *err;

	if (asks_removal && (is_check || asks_update))
		return error_new(ERROR_USAGE, "options -d / -D are mutually exclusive with options -c and -u / -U");
	if ((asks_removal || asks_update) && !is_removal && !is_update && !is_check)
		return NULL;
	err = state_init(ctl, config, &state);
	if (err)
		return err;
	if (is_removal)
		return remove_all(&state, is_forced, exit_ret);
	if (!is_check && !is_update)
		return print_wanted(&state);
	err = keep_written(&state);
	if (!err && is_check)
		err = compare(&state, &is_right);
	if (err || is_right)
		return err;
	if (is_update)
		return update(&state, is_check, exit_ret);
	*exit_ret = EXIT_FAILED;
	return NULL;
}

struct error *ctl_crashkernel_commandline(const struct ctl *ctl, int *exit_ret)
{
	static const enum ctl_option changing[] = {CTL_OPTION_UPDATE, CTL_OPTION_UPDATE_IF, CTL_OPTION_DELETE,
	                                           CTL_OPTION_DELETE_IF};
	_cleanup_config_ struct config config = {0};
	_cleanup_close_ int lock_fd = -1;
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(changing) && lock_fd < 0 && !err; i++)
		if (ctl_options_has(&ctl->options, changing[i]))
			err = ctl_lock(ctl, CTL_LOCK_PATH, &lock_fd);
	if (!err)
		err = ctl_load_config(ctl, &config);
	return err ? err : commandline(ctl, &config, exit_ret);
}

static struct error *reboot_machine(const struct host *host)
{
	static const char *const argv[] = {"systemctl", "reboot", NULL};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct host_command command = {.argv = argv, .timeout_ms = 60 * 1000, .output_max_bytes = 4096};
	struct error *err = host_run(host, &command, &result);

	if (!err && result.status)
		err = error_new(ERROR_OS, "systemctl reboot failed with status %d: %s", result.status,
		                text_last_line(result.output));
	return error_wrap(err, "the boot loader was changed, but the machine is not restarted");
}

static bool wants_kexec(const struct ctl_options *options)
{
	const char *reboot = options->values[CTL_OPTION_REBOOT];

	return reboot && *reboot;
}

static struct error *check_reset_options(const struct ctl_options *options)
{
	const char *fadump = options->values[CTL_OPTION_FADUMP], *kernel = options->values[CTL_OPTION_KERNEL];
	const char *reboot = options->values[CTL_OPTION_REBOOT];

	if (fadump && strcmp(fadump, "off") != 0)
		return error_new(strcmp(fadump, "on") == 0 || strcmp(fadump, "nocma") == 0 ? ERROR_UNSUPPORTED
		                                                                           : ERROR_USAGE,
		                 "--fadump=%s: firmware-assisted dump is not supported yet, allowed is off", fadump);
	if (kernel && *kernel != '/' && strcmp(kernel, BOOTLOADER_ALL) != 0 && strcmp(kernel, BOOTLOADER_DEFAULT) != 0)
		return error_new(ERROR_USAGE, "--kernel=%s: allowed is the path of a kernel, ALL, or DEFAULT", kernel);
	if (reboot && *reboot && strcmp(reboot, "kexec") != 0)
		return error_new(ERROR_USAGE, "--reboot=%s: allowed is kexec, or nothing", reboot);
	if (wants_kexec(options) && kernel && strcmp(kernel, BOOTLOADER_DEFAULT) == 0)
		return error_new(ERROR_USAGE, "--reboot=kexec does not know which kernel is the boot loader's default "
		                              "one: name its path");
	return NULL;
}

// What a restart by kexec would start, before anything is changed.
static struct error *find_restart(const struct state *state, const char *const *gone, struct restart *ret)
{
	const char *kernel = state->ctl->options.values[CTL_OPTION_KERNEL];
	const struct parameters_change change = {gone, (const char *const *)state->wanted.list};

	return restart_find(state->host, kernel && *kernel == '/' ? kernel : NULL, &change, ret);
}

static struct error *tell_restart(const struct restart *restart)
{
	_cleanup_words_ struct words lines = {0};
	struct error *err;

	restart_tell(restart, &lines);
	err = words_check(&lines);
	for (size_t i = 0; i < lines.count && !err; i++)
		puts(lines.list[i]);
	return err;
}

static struct error *reset(struct state *state, const struct bootloader *loader)
{
	const struct ctl *ctl = state->ctl;
	const char *kernel = ctl->options.values[CTL_OPTION_KERNEL];
	const char *const *gone = ctl_options_has(&ctl->options, CTL_OPTION_FADUMP) ? names : replaced;
	bool is_dry = ctl_options_has(&ctl->options, CTL_OPTION_DRY_RUN), is_kexec = wants_kexec(&ctl->options);
	_cleanup_restart_ struct restart restart = {0};
	_cleanup_free_ char *wanted = NULL;
	struct error *err = is_kexec ? find_restart(state, gone, &restart) : NULL;

	if (!err)
		err = set(state, loader, &state->wanted, gone);
	if (!err)
		err = join(&state->wanted, &wanted);
	if (!err && is_dry && is_kexec)
		err = tell_restart(&restart);
	if (err || is_dry)
		return err;
	if (!ctl->is_quiet)
		printf("kdump: Updated %s for kernel=%s in the configuration of %s.%s\n", wanted,
		       kernel ? kernel : BOOTLOADER_ALL, loader->name,
		       is_kexec ? "" : " Please reboot the system for the change to take effect.");
	if (is_kexec) {
		if (!ctl->is_quiet)
			printf("kdump: Restarting %s by kexec.\n", restart.kernel);
		err = ctl_flush("what was done");
		// Who starts the next kernel may do so before all is unmounted (Debian's /etc/init.d/kexec under systemd).
		sync();
		if (!err)
			err = restart_run(&ctl->host, &restart);
		return error_wrap(err, "the boot loader was changed, but the machine is not restarted");
	}
	return ctl_options_has(&ctl->options, CTL_OPTION_REBOOT) ? reboot_machine(&ctl->host) : NULL;
}

struct error *ctl_crashkernel_reset(const struct ctl *ctl, int *exit_ret)
{
	bool is_dry = ctl_options_has(&ctl->options, CTL_OPTION_DRY_RUN);
	_cleanup_config_ struct config config = {0};
	_cleanup_(state_deinit) struct state state = {0};
	_cleanup_close_ int lock_fd = -1;
	const struct bootloader *loader = NULL;
	struct error *err = is_dry ? NULL : ctl_lock(ctl, CTL_LOCK_PATH, &lock_fd);

	(void)exit_ret;
	if (!err)
		err = ctl_load_config(ctl, &config);
	if (!err)
		err = check_reset_options(&ctl->options);
	if (!err)
		err = state_init(ctl, &config, &state);
	if (!err)
		err = bootloader_find(&ctl->host, &loader);
	return err ? err : reset(&state, loader);
}

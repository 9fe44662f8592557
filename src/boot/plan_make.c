// SPDX-License-Identifier: GPL-2.0-or-later
// From configuration and machine to a plan: each function decides one part and explains it.
#include "boot/plan.h"

#include <inttypes.h>
#include <string.h>

#include "boot/cmdline.h"
#include "boot/config.h"
#include "boot/cpus.h"
#include "boot/crashkernel.h"
#include "boot/hang.h"
#include "boot/hooks.h"
#include "boot/initrd.h"
#include "boot/kernelimage.h"
#include "boot/modules.h"
#include "boot/plan_reach.h"
#include "boot/text.h"
#include "boot/watchdog.h"
#include "boot/words.h"
#include "dump/age_crypto.h"

// Until the target's disk is there: slow host adapters and spinning disks behind them need more than a minute.
enum { TARGET_TIMEOUT_MS = 120 * 1000 };
// Of each hook: what it waits for must not take the time of the dump.
enum { HOOK_TIMEOUT_MS = 60 * 1000 };

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the plan");
}

// First line of a file; "" if it is not there.
static struct error *read_word(const struct host *host, const char *path, char **ret)
{
	struct error *err = host_read(host, path, 4096, ret, NULL);

	if (err)
		return err;
	(*ret)[strcspn(*ret, "\n")] = '\0';
	return NULL;
}

static struct error *plan_host(struct planner *planner)
{
	struct error *err = read_word(planner->host, "/proc/sys/kernel/hostname", &planner->plan->hostname);

	return err ? err : planner_explain(planner, "hostname", "of this system");
}

static struct error *kernel_by_path(struct planner *planner, const char *path)
{
	struct plan *plan = planner->plan;

	plan->kernel_image = strdup(path);
	plan->kernel_version = kernelimage_version(path);
	if (!plan->kernel_image || !plan->kernel_version)
		return no_memory();
	if (!host_exists(planner->host, path))
		return error_new(ERROR_CONFIG, "there is no kernel %s", path);
	if (!*plan->kernel_version)
		return error_new(ERROR_CONFIG, "no version can be seen in the name %s", path);
	return NULL;
}

static struct error *plan_kernel(struct planner *planner)
{
	const char *asked = config_text(planner->config, KEY_KERNELVER);
	struct plan *plan = planner->plan;
	struct error *err;

	if (*asked == '/') {
		err = kernel_by_path(planner, asked);
	} else if (*asked) {
		plan->kernel_version = strdup(asked);
		err = plan->kernel_version ? kernelimage_find(planner->host, asked, &plan->kernel_image) : no_memory();
	} else {
		err = read_word(planner->host, "/proc/sys/kernel/osrelease", &plan->kernel_version);
		if (!err)
			err = kernelimage_find(planner->host, plan->kernel_version, &plan->kernel_image);
		return err ? err
		           : planner_explain(planner, "kernel.version",
		                             "the running kernel, as KDUMP_KERNELVER is empty");
	}
	if (err)
		return error_wrap(err, "%s: KDUMP_KERNELVER", config_where(planner->config, KEY_KERNELVER));
	return planner_explain_key(planner, "kernel.version", KEY_KERNELVER);
}

static struct error *plan_loading(struct planner *planner)
{
	_cleanup_cpus_ struct cpus cpus = {0};
	_cleanup_words_ struct words hangs = {0};
	_cleanup_free_ char *reason = NULL;
	struct plan *plan = planner->plan;
	bool is_full = plan->failure_action == PLAN_SHELL || planner->stack.reasons.count;
	struct error *err = cpus_choose(planner->host, planner->config, is_full, &cpus);

	plan->threads = cpus.count;
	if (!err)
		err = planner_explain(planner, "dump.threads", "%s", cpus.reason);
	if (!err)
		err = cmdline_make(planner->host, planner->config, cpus.parameters, &plan->command_line, &reason);
	if (!err)
		err = planner_explain(planner, "kernel.command_line", "%s", reason);
	if (err)
		return err;
	plan->initrd = strdup(INITRD_PATH);
	plan->kexec_options = strdup(config_text(planner->config, KEY_KEXEC_OPTIONS));
	if (!plan->initrd || !plan->kexec_options)
		return no_memory();
	err = planner_explain_key(planner, "kernel.kexec_options", KEY_KEXEC_OPTIONS);
	plan->has_panic_notifiers = config_number(planner->config, KEY_PANIC_NOTIFIERS);
	if (!err)
		err = planner_explain_key(planner, "kernel.panic_notifiers", KEY_PANIC_NOTIFIERS);
	if (!err)
		err = hang_parse(planner->host, planner->config, &hangs);
	if (!err)
		err = words_take(&hangs, &plan->panic_on);
	return err ? err : planner_explain_key(planner, "kernel.panic_on", KEY_PANIC_ON);
}

static struct error *plan_watchdogs(struct planner *planner)
{
	struct plan *plan = planner->plan;
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words ordered = {0}, reasons = {0};
	struct error *err = modules_open(planner->host, plan->kernel_version, &modules);

	if (!err)
		err = watchdog_find(planner->host, &modules, &ordered, &reasons);
	for (size_t i = 0; i < reasons.count && !err; i++)
		err = planner_explain(planner, "watchdog.modules", "%s", reasons.list[i]);
	return err ? err : words_take(&ordered, &plan->watchdog_modules);
}

static struct error *plan_processes(struct planner *planner)
{
	const struct config *config = planner->config;
	_cleanup_words_ struct words words = {0};
	struct error *err;

	words_split(&words, config_text(config, KEY_KEEP_PROCESSES));
	for (size_t i = 0; i < words.count; i++) {
		words_unquote(words.list[i]);
		if (!*words.list[i])
			return error_new(ERROR_CONFIG, "%s: KDUMP_KEEP_PROCESSES: a name is empty",
			                 config_where(config, KEY_KEEP_PROCESSES));
	}
	err = words_take(&words, &planner->plan->keep_processes);
	return err ? err : planner_explain_key(planner, "dump.keep_processes", KEY_KEEP_PROCESSES);
}

static struct error *check_recipient(const char *text)
{
	struct age_recipient recipient;
	struct error *err = age_recipient_parse(text, &recipient);

	if (!err)
		err = age_crypto_test(&recipient);
	// Messages are kept and sent around.
	if (err && strncasecmp(text, "AGE-SECRET-", 11) == 0)
		text = "a secret key, which does not belong on this machine,";
	return error_wrap(err, "%s is no recipient of age", text);
}

static struct error *plan_encryption(struct planner *planner)
{
	const struct config *config = planner->config;
	const char *where = config_where(config, KEY_ENCRYPT_TO);
	_cleanup_words_ struct words words = {0};
	struct error *err = NULL;

	words_split(&words, config_text(config, KEY_ENCRYPT_TO));
	for (size_t i = 0; i < words.count && !err; i++)
		err = check_recipient(words.list[i]);
	if (!err && words.count > AGE_RECIPIENTS_MAX)
		err = error_new(ERROR_CONFIG, "more than %d recipients", AGE_RECIPIENTS_MAX);
	// What a program writes in place of the copy would lie readable on the target.
	if (!err && words.count && *config_text(config, KEY_TRANSFER))
		err = error_new(ERROR_CONFIG,
		                "what KDUMP_TRANSFER writes cannot be encrypted, only one of both can be used");
	if (err && err->code == ERROR_BAD_DATA)
		err->code = ERROR_CONFIG;
	if (err)
		return error_wrap(err, "%s: KDUMP_ENCRYPT_TO", where);
	err = words_take(&words, &planner->plan->encrypt_to);
	return err ? err : planner_explain_key(planner, "dump.encrypt_to", KEY_ENCRYPT_TO);
}

static uint64_t mib_bytes(const struct config *config, enum config_key key)
{
	return (uint64_t)config_number(config, key) << 20;
}

static struct error *plan_dump(struct planner *planner)
{
	// Order of the words of KDUMP_DUMPFORMAT in config_keys.c.
	static const enum plan_format formats[] = {
		PLAN_FORMAT_AUTO, PLAN_FORMAT_AUTO,   PLAN_FORMAT_ZLIB, PLAN_FORMAT_NONE, PLAN_FORMAT_ELF,
		PLAN_FORMAT_LZO,  PLAN_FORMAT_SNAPPY, PLAN_FORMAT_ZSTD, PLAN_FORMAT_RAW,
	};
	const struct config *config = planner->config;
	struct plan *plan = planner->plan;
	struct error *err;

	plan->dump_level = (unsigned int)config_number(config, KEY_DUMPLEVEL);
	plan->format = formats[config_number(config, KEY_DUMPFORMAT)];
	plan->keep_old_dumps = (int)config_number(config, KEY_KEEP_OLD_DUMPS);
	plan->keep_max_bytes = mib_bytes(config, KEY_KEEP_MAX_SIZE);
	plan->keep_max_s = (uint64_t)config_number(config, KEY_KEEP_MAX_DAYS) * 24 * 3600;
	plan->keep_min_free_bytes = mib_bytes(config, KEY_KEEP_MIN_FREE);
	plan->free_disk_bytes = mib_bytes(config, KEY_FREE_DISK_SIZE);
	plan->verbose = (unsigned int)config_number(config, KEY_VERBOSE);
	err = planner_explain(planner, "dump.level", "%s: KDUMP_DUMPLEVEL%s", config_where(config, KEY_DUMPLEVEL),
	                      plan->format == PLAN_FORMAT_RAW ? ", which a raw dump does not use" : "");
	plan->loop_count = (unsigned int)config_number(config, KEY_CRASH_LOOP_COUNT);
	plan->loop_s = (unsigned int)config_number(config, KEY_CRASH_LOOP_MINUTES) * 60;
	if (!err)
		err = planner_explain_key(planner, "dump.loop_count", KEY_CRASH_LOOP_COUNT);
	if (!err)
		err = planner_explain(planner, "dump.loop_s", "%s: KDUMP_CRASH_LOOP_MINUTES",
		                      config_where(config, KEY_CRASH_LOOP_MINUTES));
	if (!err)
		err = plan_processes(planner);
	if (!err)
		err = plan_encryption(planner);
	if (!err)
		err = planner_explain_key(planner, "dump.format", KEY_DUMPFORMAT);
	if (!err)
		err = planner_explain_key(planner, "target.keep_old_dumps", KEY_KEEP_OLD_DUMPS);
	if (!err)
		err = planner_explain(planner, "target.keep_max_bytes", "%s: KDUMP_KEEP_MAX_SIZE, in MiB; 0: no limit",
		                      config_where(config, KEY_KEEP_MAX_SIZE));
	if (!err)
		err = planner_explain(planner, "target.keep_max_s", "%s: KDUMP_KEEP_MAX_DAYS; 0: no limit",
		                      config_where(config, KEY_KEEP_MAX_DAYS));
	if (!err)
		err = planner_explain(planner, "target.keep_min_free_bytes", "%s: KDUMP_KEEP_MIN_FREE, in MiB",
		                      config_where(config, KEY_KEEP_MIN_FREE));
	if (!err)
		err = planner_explain(planner, "target.free_bytes", "%s: KDUMP_FREE_DISK_SIZE, in MiB",
		                      config_where(config, KEY_FREE_DISK_SIZE));
	if (!err)
		err = planner_explain_key(planner, "verbose", KEY_VERBOSE);
	return err;
}

static struct error *plan_hooks(struct planner *planner)
{
	struct plan *plan = planner->plan;
	_cleanup_hooks_ struct hooks hooks = {0};
	struct error *err = hooks_find(planner->host, planner->config, &hooks);

	plan->hooks_timeout_ms = HOOK_TIMEOUT_MS;
	for (size_t i = 0; i < hooks.reasons.count && !err; i++)
		err = planner_explain(planner, "hooks.files", "%s", hooks.reasons.list[i]);
	if (!err && hooks.pre.count)
		err = planner_explain(planner, "hooks.pre", "%s: KDUMP_PRESCRIPT, and /etc/kdump/pre.d",
		                      config_where(planner->config, KEY_PRESCRIPT));
	if (!err && hooks.transfer.count)
		err = planner_explain_key(planner, "hooks.transfer", KEY_TRANSFER);
	if (!err && hooks.post.count)
		err = planner_explain(planner, "hooks.post", "%s: KDUMP_POSTSCRIPT, and /etc/kdump/post.d",
		                      config_where(planner->config, KEY_POSTSCRIPT));
	if (!err)
		err = words_take(&hooks.pre, &plan->hooks_pre);
	if (!err)
		err = words_take(&hooks.transfer, &plan->hooks_transfer);
	if (!err)
		err = words_take(&hooks.post, &plan->hooks_post);
	if (!err)
		err = words_take(&hooks.emergency, &plan->hooks_emergency);
	return err ? err : words_take(&hooks.files, &plan->hooks_files);
}

static struct error *plan_actions(struct planner *planner)
{
	const struct config *config = planner->config;
	int64_t final = config_number(config, KEY_FINAL_ACTION), failure = config_number(config, KEY_FAILURE_ACTION);
	struct plan *plan = planner->plan;
	bool is_staying = !final && !config_number(config, KEY_IMMEDIATE_REBOOT);
	bool is_asking = !failure && !config_number(config, KEY_CONTINUE_ON_ERROR);
	struct error *err;

	// The empty word is the first one and stands for reboot. With SUSE's older keys a person is waited for: after a dump
	// nothing is left to do there, so the machine stays where it is; where there is none, there may be.
	plan->final_action = (enum plan_action)(final ? final - 1 : is_staying ? PLAN_HALT : PLAN_REBOOT);
	plan->failure_action = (enum plan_action)(failure ? failure - 1 : is_asking ? PLAN_SHELL : PLAN_REBOOT);
	err = final ? planner_explain_key(planner, "action.final", KEY_FINAL_ACTION)
	            : planner_explain(planner, "action.final",
	                              "%s: KDUMP_IMMEDIATE_REBOOT, as KDUMP_FINAL_ACTION is empty",
	                              config_where(config, KEY_IMMEDIATE_REBOOT));
	if (!err)
		err = is_asking ? planner_explain(planner, "action.failure",
		                                  "%s: KDUMP_CONTINUE_ON_ERROR, as KDUMP_FAILURE_ACTION is empty",
		                                  config_where(config, KEY_CONTINUE_ON_ERROR))
		                : planner_explain_key(planner, "action.failure", KEY_FAILURE_ACTION);
	plan->deadline_ms = (uint64_t)config_number(config, KEY_DEADLINE) * 1000;
	plan->target_timeout_ms = plan->deadline_ms < TARGET_TIMEOUT_MS ? plan->deadline_ms : TARGET_TIMEOUT_MS;
	if (!err)
		err = planner_explain(planner, "action.deadline_ms", "%s: KDUMP_DEADLINE, in seconds",
		                      config_where(config, KEY_DEADLINE));
	if (!err)
		err = planner_explain(planner, "target.timeout_ms",
		                      "the disk may be slow to appear; not longer than KDUMP_DEADLINE");
	return err;
}

// A reservation that is too small makes the capture kernel die without a word.
static struct error *check_full_size(struct planner *planner)
{
	uint64_t reserved_bytes = 0;
	struct error *err = crashkernel_read(planner->host, &reserved_bytes);

	// start tells of a reservation that is not there.
	error_free(err);
	if (!reserved_bytes || reserved_bytes >= (uint64_t)PLAN_FULL_MIB << 20)
		return NULL;
	return planner_explain(
		planner, PLAN_WARNING,
		"crashkernel=%dM is known to be enough for the full form of the capture initramfs, reserved are "
		"%" PRIu64 " MiB: the capture may run out of memory",
		PLAN_FULL_MIB, reserved_bytes >> 20);
}

// all: what all targets stand on.
static struct error *plan_form(struct planner *planner)
{
	struct stack *all = &planner->stack;
	const struct config *config = planner->config;
	struct plan *plan = planner->plan;
	bool is_shell = plan->failure_action == PLAN_SHELL;
	// Sessions are those of the first target first.
	bool is_iscsi = *plan->iscsi_sessions && strncmp(*plan->iscsi_sessions, "0 ", 2) == 0;
	enum config_key shell_key =
		config_number(config, KEY_FAILURE_ACTION) ? KEY_FAILURE_ACTION : KEY_CONTINUE_ON_ERROR;
	uint64_t first_ms =
		plan->fallback.devices[0] && plan->deadline_ms ? plan->deadline_ms / 2 : plan->target_timeout_ms;
	struct error *err = words_check(&all->reasons);

	plan->form = is_shell || all->reasons.count ? PLAN_FULL : PLAN_MINIMAL;
	// Nobody has seen whether udev and systemd leave alone there what our program opens.
	if (!err && plan->form == PLAN_FULL && *plan->crypt_volumes)
		err = error_new(ERROR_UNSUPPORTED,
		                "an encrypted target needs the minimal form of the capture initramfs, and %s needs the "
		                "full one; that is not supported together yet",
		                all->reasons.count ? all->reasons.list[0] : "a shell (KDUMP_FAILURE_ACTION)");
	if (!err)
		err = words_take(&all->dracut_modules, &plan->full_modules);
	if (!err)
		err = words_take(&all->devices, &plan->full_devices);
	if (!err && plan->form == PLAN_MINIMAL && !planner->place)
		return planner_explain(planner, "form",
		                       "the target is on a server; the program sets up the network by itself");
	if (!err && plan->form == PLAN_MINIMAL && *plan->iscsi_sessions)
		return planner_explain(planner, "form",
		                       "%s, /dev/%s now%s; the program sets up the network and logs in by itself",
		                       is_iscsi ? "the target is an iSCSI disk" : "the target is a plain disk",
		                       planner->place, is_iscsi ? "" : ", and a fallback is an iSCSI disk");
	if (!err && plan->form == PLAN_MINIMAL && *plan->crypt_volumes)
		return planner_explain(planner, "form",
		                       "the target is /dev/%s now; the program opens encrypted volumes by itself",
		                       planner->place);
	if (!err && plan->form == PLAN_MINIMAL)
		return planner_explain(planner, "form",
		                       "the target is a plain disk, /dev/%s now; nothing is stacked, nothing remote",
		                       planner->place);
	for (size_t i = 0; i < all->reasons.count && !err; i++)
		err = planner_explain(planner, "form", "%s", all->reasons.list[i]);
	if (!err && is_shell)
		err = planner_explain(planner, "form", "%s: %s: a shell", config_where(config, shell_key),
		                      config_key_info(shell_key)->name);
	if (first_ms > plan->target_timeout_ms)
		first_ms = plan->target_timeout_ms;
	plan->full_retry_ms = first_ms / 3;
	if (!err)
		err = planner_explain(planner, "full.dracut_modules", "what the targets stand on, from the disks up");
	if (!err)
		err = planner_explain(planner, "full.retry_ms",
		                      "a third of the time of the first target; then what lacks a disk is started "
		                      "without it, where that is enough");
	return err ? err : check_full_size(planner);
}

struct error *plan_make(const struct host *host, const struct config *config, struct plan *ret)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_planner_ struct planner planner = {.host = host, .config = config, .plan = &plan};
	struct error *err = plan_host(&planner);

	if (!err)
		err = plan_reach_target(&planner);
	if (!err)
		err = plan_reach_fallback(&planner);
	// The form of the image, and with it the number of CPUs, depends on what is done when all fails.
	if (!err)
		err = plan_actions(&planner);
	if (!err)
		err = plan_kernel(&planner);
	if (!err)
		err = plan_loading(&planner);
	if (!err)
		err = plan_reach_modules(&planner);
	if (!err)
		err = plan_watchdogs(&planner);
	if (!err)
		err = plan_reach_network(&planner);
	if (!err)
		err = plan_dump(&planner);
	if (!err)
		err = plan_reach_warn(&planner);
	if (!err)
		err = plan_hooks(&planner);
	if (!err)
		err = plan_form(&planner);
	if (err)
		return err;
	*ret = plan;
	plan = (struct plan){0};
	return NULL;
}

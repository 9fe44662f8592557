// SPDX-License-Identifier: GPL-2.0-or-later
// From configuration and machine to a plan: each function decides one part and explains it.
#include "boot/plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "boot/cmdline.h"
#include "boot/cpus.h"
#include "boot/config.h"
#include "boot/destination.h"
#include "boot/hang.h"
#include "boot/hooks.h"
#include "boot/initrd.h"
#include "boot/modules.h"
#include "boot/notice.h"
#include "boot/text.h"
#include "boot/watchdog.h"
#include "boot/words.h"

// Until the target's disk is there: slow host adapters and spinning disks behind them need more than a minute.
enum { TARGET_TIMEOUT_MS = 120 * 1000 };
// Of each hook: what it waits for must not take the time of the dump.
enum { HOOK_TIMEOUT_MS = 60 * 1000 };

// What the decisions work on.
struct planner {
	const struct host *host;
	const struct config *config;
	struct plan *plan;
};

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the plan");
}

static struct error *explain(struct planner *planner, const char *key, const char *fmt, ...)
	printf_format(3, 4) must_check;

static struct error *explain(struct planner *planner, const char *key, const char *fmt, ...)
{
	struct plan *plan = planner->plan;
	struct plan_reason *grown = realloc(plan->reasons, (plan->reason_count + 1) * sizeof(*grown));
	struct plan_reason reason = {.key = strdup(key)};
	va_list args;
	int size;

	if (grown)
		plan->reasons = grown;
	va_start(args, fmt);
	size = vasprintf(&reason.reason, fmt, args);
	va_end(args);
	if (!grown || !reason.key || size < 0) {
		free(reason.key);
		if (size >= 0)
			free(reason.reason);
		return no_memory();
	}
	grown[plan->reason_count++] = reason;
	return NULL;
}

// The common reason: the line that set the key.
static struct error *explain_key(struct planner *planner, const char *plan_key, enum config_key key)
{
	return explain(planner, plan_key, "%s: %s", config_where(planner->config, key), config_key_info(key)->name);
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

	return err ? err : explain(planner, "hostname", "of this system");
}

// The version in the name of an image: "/boot/vmlinuz-VERSION", "/usr/lib/modules/VERSION/vmlinuz".
static char *version_of_image(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dash = strchr(slash, '-');
	const char *modules = strstr(path, "/lib/modules/");

	if (modules)
		return strndup(modules + 13, strcspn(modules + 13, "/"));
	return strdup(dash ? dash + 1 : "");
}

static struct error *kernel_by_path(struct planner *planner, const char *path)
{
	struct plan *plan = planner->plan;

	plan->kernel_image = strdup(path);
	plan->kernel_version = version_of_image(path);
	if (!plan->kernel_image || !plan->kernel_version)
		return no_memory();
	if (!host_exists(planner->host, path))
		return error_new(ERROR_CONFIG, "there is no kernel %s", path);
	if (!*plan->kernel_version)
		return error_new(ERROR_CONFIG, "no version can be seen in the name %s", path);
	return NULL;
}

static struct error *find_image(struct planner *planner, const char *version)
{
	static const char *const patterns[] = {"/boot/vmlinuz-%", "/usr/lib/modules/%/vmlinuz",
	                                       "/lib/modules/%/vmlinuz", "/boot/Image-%", "/boot/image-%"};

	for (size_t i = 0; i < array_size(patterns); i++) {
		const char *hole = strchr(patterns[i], '%');
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%.*s%s%s", (int)(hole - patterns[i]), patterns[i], version, hole + 1) < 0) {
			path = NULL;
			return no_memory();
		}
		if (host_exists(planner->host, path)) {
			planner->plan->kernel_image = take_ptr(path);
			return NULL;
		}
	}
	return error_new(ERROR_CONFIG,
	                 "there is no image of kernel %s, neither /boot/vmlinuz-%s nor /usr/lib/modules/%s/vmlinuz",
	                 version, version, version);
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
		err = plan->kernel_version ? find_image(planner, asked) : no_memory();
	} else {
		err = read_word(planner->host, "/proc/sys/kernel/osrelease", &plan->kernel_version);
		if (!err)
			err = find_image(planner, plan->kernel_version);
		return err ? err
		           : explain(planner, "kernel.version", "the running kernel, as KDUMP_KERNELVER is empty");
	}
	if (err)
		return error_wrap(err, "%s: KDUMP_KERNELVER", config_where(planner->config, KEY_KERNELVER));
	return explain_key(planner, "kernel.version", KEY_KERNELVER);
}

static struct error *plan_loading(struct planner *planner)
{
	_cleanup_cpus_ struct cpus cpus = {0};
	_cleanup_words_ struct words hangs = {0};
	_cleanup_free_ char *reason = NULL;
	struct plan *plan = planner->plan;
	struct error *err = cpus_choose(planner->host, planner->config, &cpus);

	plan->threads = cpus.count;
	if (!err)
		err = explain(planner, "dump.threads", "%s", cpus.reason);
	if (!err)
		err = cmdline_make(planner->host, planner->config, cpus.parameters, &plan->command_line, &reason);
	if (!err)
		err = explain(planner, "kernel.command_line", "%s", reason);
	if (err)
		return err;
	plan->initrd = strdup(INITRD_PATH);
	plan->kexec_options = strdup(config_text(planner->config, KEY_KEXEC_OPTIONS));
	if (!plan->initrd || !plan->kexec_options)
		return no_memory();
	err = explain_key(planner, "kernel.kexec_options", KEY_KEXEC_OPTIONS);
	plan->has_panic_notifiers = config_number(planner->config, KEY_PANIC_NOTIFIERS);
	if (!err)
		err = explain_key(planner, "kernel.panic_notifiers", KEY_PANIC_NOTIFIERS);
	if (!err)
		err = hang_parse(planner->host, planner->config, &hangs);
	if (!err)
		err = words_take(&hangs, &plan->panic_on);
	return err ? err : explain_key(planner, "kernel.panic_on", KEY_PANIC_ON);
}

static struct error *plan_place(struct planner *planner, struct destination *place)
{
	struct plan_target *target = &planner->plan->target;
	struct error *err = destination_find(planner->host, planner->config, place);

	if (err)
		return err;
	target->device = take_ptr(place->tag);
	target->fstype = take_ptr(place->fstype);
	target->options = take_ptr(place->options);
	target->directory = take_ptr(place->directory);
	planner->plan->form = PLAN_MINIMAL;
	err = explain(planner, "form", "the target is a plain disk, /dev/%s now; nothing is stacked, nothing remote",
	              place->device.name);
	if (!err)
		err = explain(planner, "target.device", "%s", place->tag_reason);
	if (!err && place->options_reason)
		err = explain(planner, "target.options", "%s", place->options_reason);
	if (!err)
		err = explain(planner, "target.directory", "%s", place->directory_reason);
	return err;
}

// A target that is not another one would fail as the first did.
static bool is_known_target(const struct plan *plan, const struct words *devices, const char *tag)
{
	return strcmp(plan->target.device, tag) == 0 || words_has(devices, tag);
}

static struct error *plan_fallback(struct planner *planner, struct words *devices)
{
	const struct config *config = planner->config;
	struct plan_fallback *fallback = &planner->plan->fallback;
	_cleanup_words_ struct words words = {0}, tags = {0}, fstypes = {0}, options = {0}, directories = {0};
	struct error *err = NULL;

	words_split(&words, config_text(config, KEY_FALLBACK));
	for (size_t i = 0; i < words.count && !err; i++) {
		_cleanup_destination_ struct destination place = {0};

		words_unquote(words.list[i]);
		err = destination_find_fallback(planner->host, config, words.list[i], &place);
		if (!err && is_known_target(planner->plan, &tags, place.tag))
			err = error_new(ERROR_CONFIG, "%s: KDUMP_FALLBACK: %s is on %s, which is tried before",
			                config_where(config, KEY_FALLBACK), words.list[i], place.tag);
		if (err)
			return err;
		words_add(&tags, place.tag);
		words_add(&fstypes, place.fstype);
		words_add(&options, place.options);
		words_add(&directories, place.directory);
		words_add(devices, place.device.sysfs);
		err = explain(planner, "fallback.devices", "%s", place.tag_reason);
		if (!err)
			err = explain(planner, "fallback.directories", "%s", place.directory_reason);
	}
	if (!err)
		err = words_take(&tags, &fallback->devices);
	if (!err)
		err = words_take(&fstypes, &fallback->fstypes);
	if (!err)
		err = words_take(&options, &fallback->options);
	return err ? err : words_take(&directories, &fallback->directories);
}

// devices: directories in /sys of the disks behind the first one.
static struct error *plan_modules(struct planner *planner, const struct destination *place, const struct words *devices)
{
	struct plan *plan = planner->plan;
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words ordered = {0}, drivers = {0};
	_cleanup_text_ struct text names = {0};
	struct error *err = modules_open(planner->host, plan->kernel_version, &modules);

	if (!err)
		err = modules_add_device(planner->host, &modules, place->device.sysfs, &ordered, &drivers);
	if (!err)
		err = modules_add_filesystem(&modules, plan->target.fstype, &ordered);
	for (size_t i = 0; i < devices->count && !err; i++) {
		err = modules_add_device(planner->host, &modules, devices->list[i], &ordered, &drivers);
		if (!err)
			err = modules_add_filesystem(&modules, plan->fallback.fstypes[i], &ordered);
	}
	if (!err)
		err = words_take(&ordered, &plan->modules);
	if (err)
		return err;
	for (size_t i = 0; i < drivers.count; i++)
		text_add(&names, "%s, ", drivers.list[i]);
	return explain(
		planner, "kernel.modules", "drivers of the target's disk (%sfrom the bus down) and %s%s, in load order",
		names.buf ? names.buf : "", plan->target.fstype, devices->count ? ", and those of the fallback" : "");
}

// Drivers of some devices, in load order. more: another module, or NULL.
static struct error *list_drivers(struct planner *planner, const struct words *devices, const char *more, char ***ret)
{
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words ordered = {0}, drivers = {0};
	bool is_known;
	struct error *err = modules_open(planner->host, planner->plan->kernel_version, &modules);

	for (size_t i = 0; i < devices->count && !err; i++)
		err = modules_add_device(planner->host, &modules, devices->list[i], &ordered, &drivers);
	if (!err && more)
		err = modules_add(&modules, more, &ordered, &is_known);
	return err ? err : words_take(&ordered, ret);
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
		err = explain(planner, "watchdog.modules", "%s", reasons.list[i]);
	return err ? err : words_take(&ordered, &plan->watchdog_modules);
}

static struct error *plan_notices(struct planner *planner)
{
	const struct config *config = planner->config;
	struct plan *plan = planner->plan;
	_cleanup_notice_ struct notice notice = {0};
	struct error *err = notice_find(planner->host, config, &notice);

	plan->notify_port = (unsigned int)config_number(config, KEY_NOTIFY_PORT);
	plan->notify_interval_ms = (uint64_t)config_number(config, KEY_NOTIFY_INTERVAL) * 1000;
	if (!err)
		err = explain(planner, "notify.routes", "%s: KDUMP_NOTIFY_NODES, all addresses of each",
		              config_where(config, KEY_NOTIFY_NODES));
	for (size_t i = 0; i < notice.reasons.count && !err; i++)
		err = explain(planner, "notify.routes", "%s", notice.reasons.list[i]);
	for (size_t i = 0; i < notice.warnings.count && !err; i++)
		err = explain(planner, PLAN_WARNING, "%s: KDUMP_NOTIFY_NODES: %s; it will not be told of a crash",
		              config_where(config, KEY_NOTIFY_NODES), notice.warnings.list[i]);
	if (!err)
		err = explain_key(planner, "notify.port", KEY_NOTIFY_PORT);
	if (!err)
		err = explain(planner, "notify.interval_ms", "%s: KDUMP_NOTIFY_INTERVAL, in seconds",
		              config_where(config, KEY_NOTIFY_INTERVAL));
	if (!err)
		err = list_drivers(planner, &notice.devices, notice.has_vlan ? "8021q" : NULL, &plan->network_modules);
	// As for a node that cannot be reached.
	if (err && err->code == ERROR_CONFIG) {
		_cleanup_error_ struct error *lacking = err;

		notice_deinit(&notice);
		err = explain(planner, PLAN_WARNING, "%s: KDUMP_NOTIFY_NODES: %s; nobody will be told of a crash",
		              config_where(config, KEY_NOTIFY_NODES), lacking->text);
		if (!err)
			err = list_drivers(planner, &notice.devices, NULL, &plan->network_modules);
	}
	if (!err)
		err = words_take(&notice.links, &plan->network_links);
	if (!err)
		err = words_take(&notice.addresses, &plan->network_addresses);
	return err ? err : words_take(&notice.routes, &plan->notify_routes);
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
	return err ? err : explain_key(planner, "dump.keep_processes", KEY_KEEP_PROCESSES);
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
	err = explain(planner, "dump.level", "%s: KDUMP_DUMPLEVEL%s", config_where(config, KEY_DUMPLEVEL),
	              plan->format == PLAN_FORMAT_RAW ? ", which a raw dump does not use" : "");
	plan->loop_count = (unsigned int)config_number(config, KEY_CRASH_LOOP_COUNT);
	plan->loop_s = (unsigned int)config_number(config, KEY_CRASH_LOOP_MINUTES) * 60;
	if (!err)
		err = explain_key(planner, "dump.loop_count", KEY_CRASH_LOOP_COUNT);
	if (!err)
		err = explain(planner, "dump.loop_s", "%s: KDUMP_CRASH_LOOP_MINUTES",
		              config_where(config, KEY_CRASH_LOOP_MINUTES));
	if (!err)
		err = plan_processes(planner);
	if (!err)
		err = explain_key(planner, "dump.format", KEY_DUMPFORMAT);
	if (!err)
		err = explain_key(planner, "target.keep_old_dumps", KEY_KEEP_OLD_DUMPS);
	if (!err)
		err = explain(planner, "target.keep_max_bytes", "%s: KDUMP_KEEP_MAX_SIZE, in MiB; 0: no limit",
		              config_where(config, KEY_KEEP_MAX_SIZE));
	if (!err)
		err = explain(planner, "target.keep_max_s", "%s: KDUMP_KEEP_MAX_DAYS; 0: no limit",
		              config_where(config, KEY_KEEP_MAX_DAYS));
	if (!err)
		err = explain(planner, "target.keep_min_free_bytes", "%s: KDUMP_KEEP_MIN_FREE, in MiB",
		              config_where(config, KEY_KEEP_MIN_FREE));
	if (!err)
		err = explain(planner, "target.free_bytes", "%s: KDUMP_FREE_DISK_SIZE, in MiB",
		              config_where(config, KEY_FREE_DISK_SIZE));
	if (!err)
		err = explain_key(planner, "verbose", KEY_VERBOSE);
	return err;
}

static struct error *plan_hooks(struct planner *planner)
{
	struct plan *plan = planner->plan;
	_cleanup_hooks_ struct hooks hooks = {0};
	struct error *err = hooks_find(planner->host, planner->config, &hooks);

	plan->hooks_timeout_ms = HOOK_TIMEOUT_MS;
	for (size_t i = 0; i < hooks.reasons.count && !err; i++)
		err = explain(planner, "hooks.files", "%s", hooks.reasons.list[i]);
	if (!err && hooks.pre.count)
		err = explain(planner, "hooks.pre", "%s: KDUMP_PRESCRIPT, and /etc/kdump/pre.d",
		              config_where(planner->config, KEY_PRESCRIPT));
	if (!err && hooks.transfer.count)
		err = explain_key(planner, "hooks.transfer", KEY_TRANSFER);
	if (!err && hooks.post.count)
		err = explain(planner, "hooks.post", "%s: KDUMP_POSTSCRIPT, and /etc/kdump/post.d",
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
	struct error *err;

	// The empty word is the first one and stands for reboot.
	plan->final_action = (enum plan_action)(final ? final - 1 : PLAN_REBOOT);
	plan->failure_action = (enum plan_action)(failure ? failure - 1 : PLAN_REBOOT);
	if (plan->failure_action == PLAN_SHELL)
		return error_new(ERROR_UNSUPPORTED,
		                 "%s: KDUMP_FAILURE_ACTION: a shell needs the full form of the capture initramfs, "
		                 "which is not supported yet",
		                 config_where(config, KEY_FAILURE_ACTION));
	err = final ? explain_key(planner, "action.final", KEY_FINAL_ACTION)
	            : explain(planner, "action.final", "%s: KDUMP_IMMEDIATE_REBOOT, as KDUMP_FINAL_ACTION is empty",
	                      config_where(config, KEY_IMMEDIATE_REBOOT));
	if (!err)
		err = explain_key(planner, "action.failure", KEY_FAILURE_ACTION);
	plan->deadline_ms = (uint64_t)config_number(config, KEY_DEADLINE) * 1000;
	plan->target_timeout_ms = plan->deadline_ms < TARGET_TIMEOUT_MS ? plan->deadline_ms : TARGET_TIMEOUT_MS;
	if (!err)
		err = explain(planner, "action.deadline_ms", "%s: KDUMP_DEADLINE, in seconds",
		              config_where(config, KEY_DEADLINE));
	if (!err)
		err = explain(planner, "target.timeout_ms",
		              "the disk may be slow to appear; not longer than KDUMP_DEADLINE");
	return err;
}

struct error *plan_make(const struct host *host, const struct config *config, struct plan *ret)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_destination_ struct destination place = {0};
	_cleanup_words_ struct words devices = {0};
	struct planner planner = {.host = host, .config = config, .plan = &plan};
	struct error *err = plan_host(&planner);

	if (!err)
		err = plan_place(&planner, &place);
	if (!err)
		err = plan_fallback(&planner, &devices);
	if (!err)
		err = plan_kernel(&planner);
	if (!err)
		err = plan_loading(&planner);
	if (!err)
		err = plan_modules(&planner, &place, &devices);
	if (!err)
		err = plan_watchdogs(&planner);
	if (!err)
		err = plan_notices(&planner);
	if (!err)
		err = plan_dump(&planner);
	if (!err)
		err = plan_hooks(&planner);
	if (!err)
		err = plan_actions(&planner);
	if (err)
		return err;
	*ret = plan;
	plan = (struct plan){0};
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/checkup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>

#include "boot/checkup_image.h"
#include "boot/checkup_kernel.h"
#include "boot/checkup_modules.h"
#include "boot/checkup_reach.h"
#include "boot/crashkernel.h"
#include "boot/device.h"
#include "boot/initrd.h"
#include "boot/kexec.h"
#include "boot/loaded.h"
#include "boot/mounts.h"
#include "boot/reservation.h"

enum { MIB = 1 << 20, MEMINFO_MAX_BYTES = 64 * 1024 };

// What a check could not see. Consumes the error.
static void add_error(struct findings *findings, enum finding_severity severity, const char *name, struct error *err)
{
	if (err)
		findings_add(findings, severity, name, "%s", err->text);
	error_free(err);
}

static void check_warnings(const struct plan *plan, struct findings *findings)
{
	for (size_t i = 0; i < plan->reason_count; i++)
		if (strcmp(plan->reasons[i].key, PLAN_WARNING) == 0)
			findings_add(findings, FINDING_WARNING, "plan", "%s", plan->reasons[i].reason);
}

// A number in a file of the kernel's; 0 if it is not there.
static int64_t number_in(const struct host *host, const char *path)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *err = host_read(host, path, 64, &text, NULL);

	return err ? 0 : strtoimax(text, NULL, 10);
}

static void check_reservation(const struct host *host, const struct config *config, struct findings *findings)
{
	_cleanup_reservation_ struct reservation needed = {0};
	uint64_t reserved_bytes = 0;
	struct error *err = crashkernel_read(host, &reserved_bytes);

	if (!err && !reserved_bytes)
		findings_add(findings, FINDING_ERROR, "reservation",
		             "no memory is reserved for the capture kernel; kdumpctl start says what to do");
	else if (!err)
		err = reservation_estimate(host, config, &needed);
	if (!err && reserved_bytes && reserved_bytes < needed.least_bytes)
		findings_add(findings, FINDING_WARNING, "reservation",
		             "%" PRIu64 " MiB are reserved, and a capture is estimated to need %" PRIu64
		             " MiB: kdumpctl estimate says for what, kdumpctl reset-crashkernel reserves more",
		             reserved_bytes / MIB, (needed.least_bytes + MIB - 1) / MIB);
	add_error(findings, FINDING_ERROR, "reservation", err);
}

// What is loaded may be of an image, a command line or a machine that is no more.
static void check_current(const struct host *host, const struct plan *plan, struct findings *findings)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *err =
		host_exists(host, INITRD_PATH) ? loaded_describe(host, plan, &text) : error_new(ERROR_CONFIG, "none");

	// Without an image there is another finding.
	if (!err && !loaded_is(host, text))
		findings_add(findings, FINDING_WARNING, "loaded",
		             "what is loaded is not what would be loaded now: the kernel, the capture initramfs, the "
		             "command line, the memory or the CPUs have changed since; run kdumpctl reload");
}

static void check_loading(const struct host *host, const struct plan *plan, struct findings *findings)
{
	bool is_loaded = false;
	_cleanup_free_ char *notifiers = NULL;
	struct error *err = kexec_is_loaded(host, &is_loaded);

	if (!err && !is_loaded && number_in(host, "/proc/sys/kernel/kexec_load_disabled"))
		findings_add(findings, FINDING_ERROR, "loaded",
		             "no capture kernel is loaded, and none can be until the next boot: "
		             "kernel.kexec_load_disabled is set; have "
		             "kdump.service started before what sets it");
	else if (!err && !is_loaded)
		findings_add(findings, FINDING_ERROR, "loaded", "no capture kernel is loaded: run kdumpctl start");
	else if (!err && number_in(host, "/proc/sys/kernel/kexec_load_disabled"))
		findings_add(findings, FINDING_WARNING, "loaded",
		             "kernel.kexec_load_disabled is set: what is loaded stays until the next boot, whatever is "
		             "configured");
	if (!err && is_loaded)
		check_current(host, plan, findings);
	add_error(findings, FINDING_ERROR, "loaded", err);
	err = host_read(host, "/sys/module/kernel/parameters/crash_kexec_post_notifiers", 8, &notifiers, NULL);
	if (!err && *notifiers == 'Y' && !plan->has_panic_notifiers)
		findings_add(findings, FINDING_WARNING, "notifiers",
		             "crash_kexec_post_notifiers is set: what the crashed kernel's notifiers hang in costs the "
		             "dump; take it off the "
		             "command line, or set KDUMP_PANIC_NOTIFIERS");
	error_free(err);
}

static uint64_t meminfo(const char *text, const char *key)
{
	size_t size = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, key, size) == 0 && line[size] == ':')
			return strtoull(line + size + 1, NULL, 10) * 1024;
	return 0;
}

// What a dump of this moment would hold, before it is compressed. makedumpfile(8) tells what the levels are.
static uint64_t kept_bytes(const struct plan *plan, const char *text)
{
	uint64_t total = meminfo(text, "MemTotal"), gone = 0;

	if (plan->format == PLAN_FORMAT_RAW)
		return total;
	if (plan->dump_level & 16)
		gone += meminfo(text, "MemFree");
	if (plan->dump_level & 2)
		gone += meminfo(text, "Cached") + meminfo(text, "Buffers") + meminfo(text, "SwapCached");
	if (plan->dump_level & 8)
		gone += meminfo(text, "AnonPages");
	return gone < total ? total - gone : 0;
}

static struct error *find_room(const struct host *host, const struct plan_target *place, uint64_t *bytes_ret)
{
	_cleanup_device_ struct device device = {0};
	_cleanup_mount_ struct mount mount = {0};
	_cleanup_close_ int fd = -1;
	struct statvfs info;
	struct error *err = device_by_name(host, place->device, &device);

	*bytes_ret = UINT64_MAX;
	if (!err)
		err = mounts_find_device(host, device.number, device.name, NULL, &mount);
	if (err || !mount.point)
		return err;
	err = host_open(host, mount.point, O_RDONLY | O_DIRECTORY, 0, &fd);
	if (!err && fstatvfs(fd, &info) < 0)
		err = error_os(errno, "%s", mount.point);
	if (!err)
		*bytes_ret = (uint64_t)info.f_bavail * info.f_frsize;
	return err;
}

// What is not mounted now cannot be asked.
static void check_room(const struct host *host, const struct plan *plan, struct findings *findings)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, "/proc/meminfo", MEMINFO_MAX_BYTES, &text, NULL);
	uint64_t kept = err ? 0 : kept_bytes(plan, text);

	add_error(findings, FINDING_WARNING, "room", err);
	for (size_t i = 0; i < plan_target_count(plan) && kept; i++) {
		struct plan_target place = plan_target_at(plan, i);
		uint64_t room = UINT64_MAX, share = i < plan->parts ? kept / plan->parts : kept;
		// Half of it is what kernels compress to at worst.
		uint64_t needed = plan->format == PLAN_FORMAT_RAW || plan->format == PLAN_FORMAT_NONE ||
		                                  plan->format == PLAN_FORMAT_ELF
		                          ? share
		                          : share / 2;

		// Servers, and partitions without a file system, are not asked.
		if (!strchr(place.device, '=') || plan_target_is_raw(&place))
			continue;
		err = find_room(host, &place, &room);
		if (!err && room < needed)
			findings_add(findings, FINDING_WARNING, "room",
			             "%s has %" PRIu64 " MiB free, and a dump of now would have up to %" PRIu64
			             " MiB: make room there, or raise KDUMP_DUMPLEVEL",
			             place.device, room / MIB, needed / MIB);
		add_error(findings, FINDING_WARNING, "room", err);
	}
}

struct error *checkup_run(const struct host *host, const struct config *config, const struct plan *plan,
                          struct findings *findings)
{
	check_warnings(plan, findings);
	check_reservation(host, config, findings);
	check_loading(host, plan, findings);
	checkup_image(host, plan, findings);
	checkup_modules(plan, findings);
	check_room(host, plan, findings);
	checkup_kernel(host, plan, findings);
	checkup_reach(plan, CHECKUP_REACH_TIMEOUT_MS, findings);
	return findings->is_failed ? error_new(ERROR_NOMEM, "no memory for what was found") : NULL;
}

struct error *checkup_run_quick(const struct host *host, const struct config *config, const struct plan *plan,
                                struct findings *findings)
{
	check_reservation(host, config, findings);
	checkup_modules(plan, findings);
	checkup_kernel(host, plan, findings);
	return findings->is_failed ? error_new(ERROR_NOMEM, "no memory for what was found") : NULL;
}

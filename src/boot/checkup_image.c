// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/checkup_image.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/endian.h"
#include "base/io.h"
#include "boot/checkup_modules.h"
#include "boot/imagelist.h"
#include "boot/initrd.h"
#include "boot/words.h"

#define NO_LEADING_SLASH(path) ((path) + 1)
#define MODULES_DIR "/lib/modules/"

// Where boot_params has the place of the version's text (Documentation/x86/boot.rst, protocol 2.00), less 0x200.
enum { X86_MAGIC_AT = 0x202, X86_VERSION_AT = 0x20e, X86_HEADER_BYTES = 0x210, VERSION_BYTES = 128 };

// What the checks work on.
struct look {
	const struct host *host;
	const struct plan *plan; // Of now.
	struct findings *findings;
	struct imagelist list;
	struct plan inside; // That of the image.
	bool is_stale;
};

static void add(struct look *look, enum finding_severity severity, const char *name, struct error *err)
{
	if (err)
		findings_add(look->findings, severity, name, "%s", err->text);
	error_free(err);
}

// Finds a file by its path; NULL: it is not there.
static const struct imagelist_file *find(struct look *look, const char *path)
{
	const struct imagelist_file *file = NULL;
	struct error *err = imagelist_find(&look->list, path, &file);

	look->findings->is_failed |= err != NULL;
	error_free(err);
	return file;
}

static void require(struct look *look, const char *what, const char *path, bool is_program)
{
	const struct imagelist_file *file = find(look, path);

	if (!file)
		findings_add(look->findings, FINDING_ERROR, "content",
		             "%s %s is not in the capture initramfs: run kdumpctl rebuild, and kdumpctl start", what,
		             path);
	else if (!S_ISREG(file->mode))
		findings_add(look->findings, FINDING_ERROR, "content",
		             "%s %s of the capture initramfs is no file: run kdumpctl rebuild, and kdumpctl start",
		             what, path);
	else if ((!file->size_bytes && file->links < 2) || (is_program && !(file->mode & 0111)))
		findings_add(look->findings, FINDING_ERROR, "content",
		             "%s %s of the capture initramfs is %s: run kdumpctl rebuild, and kdumpctl start", what,
		             path, file->size_bytes ? "no program" : "empty");
}

// By what the plan in the image says, or where there is none, today's.
static void check_files(struct look *look, const struct plan *plan)
{
	char *const *const modules[] = {plan->modules, plan->watchdog_modules, plan->network_modules};

	require(look, "the program", plan->form == PLAN_FULL ? INITRD_CAPTURE_PATH : "/init", true);
	for (size_t i = 0; i < array_size(modules); i++) {
		for (char *const *module = modules[i]; module && *module; module++) {
			_cleanup_free_ char *path = NULL;

			if (asprintf(&path, MODULES_DIR "%s/%s", plan->kernel_version, *module) < 0)
				path = NULL;
			look->findings->is_failed |= !path;
			if (path)
				require(look, "the kernel module", path, false);
		}
	}
	for (char *const *file = plan->target_files; file && *file; file++)
		require(look, "what a target needs,", *file, false);
	for (char *const *file = plan->hooks_files; file && *file; file++)
		require(look, "what a hook needs,", *file, true);
	// What was read has no secrets; which targets have some is known of today's plan.
	for (size_t i = 0; look->plan->secrets && look->plan->secrets[i]; i++) {
		char path[64];

		snprintf(path, sizeof(path), PLAN_SECRETS_PATH "%zu", i);
		if (*look->plan->secrets[i] && !look->is_stale)
			require(look, "the password of a target,", path, false);
	}
}

// Modules of another kernel are refused by this one.
static void check_versions(struct look *look)
{
	static const char *const places[] = {"lib/modules/", "usr/lib/modules/"};
	const char *version = look->plan->kernel_version;
	_cleanup_words_ struct words others = {0};

	for (size_t i = 0; i < look->list.count; i++) {
		for (size_t j = 0; j < array_size(places); j++) {
			const char *name = look->list.files[i].name;
			_cleanup_free_ char *other = NULL;
			int size;

			if (strncmp(name, places[j], strlen(places[j])) != 0)
				continue;
			name += strlen(places[j]);
			size = (int)strcspn(name, "/");
			if (!name[size] || (strncmp(name, version, (size_t)size) == 0 && !version[size]))
				continue;
			other = strndup(name, (size_t)size);
			look->findings->is_failed |= !other;
			if (other && !words_has(&others, other))
				words_add(&others, other);
		}
	}
	look->findings->is_failed |= others.is_failed;
	for (size_t i = 0; i < others.count; i++)
		findings_add(look->findings, FINDING_ERROR, "version",
		             "the capture initramfs has modules of kernel %s, and %s is what is loaded with it: run "
		             "kdumpctl rebuild, and kdumpctl start",
		             others.list[i], version);
}

// What the kernel's image says of itself, on x86; others are compressed, or silent.
static void check_kernel(struct look *look)
{
	const struct plan *plan = look->plan;
	uint8_t header[X86_HEADER_BYTES];
	char version[VERSION_BYTES + 1];
	_cleanup_close_ int fd = -1;
	size_t got = 0, place;
	struct error *err = host_open(look->host, plan->kernel_image, O_RDONLY, 0, &fd);

	if (!err)
		err = io_pread(fd, header, sizeof(header), 0, &got);
	if (err || got < sizeof(header) || memcmp(header + X86_MAGIC_AT, "HdrS", 4) != 0) {
		add(look, FINDING_ERROR, "version", err);
		return;
	}
	place = load_u16(header + X86_VERSION_AT, false);
	err = place ? io_pread(fd, version, VERSION_BYTES, 0x200 + place, &got) : NULL;
	version[place ? got : 0] = '\0';
	version[strcspn(version, " \n")] = '\0';
	for (char *at = version; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	if (!err && *version && strcmp(version, plan->kernel_version) != 0)
		findings_add(
			look->findings, FINDING_ERROR, "version",
			"%s is kernel %s, and the modules of the capture initramfs are those of %s: name the right "
			"one in KDUMP_KERNELVER, or install it anew",
			plan->kernel_image, version, plan->kernel_version);
	add(look, FINDING_ERROR, "version", err);
}

// The next line of a plan's text that says something, without what it is indented by; its length in *size. NULL: there is none.
static const char *next_line(const char **at, size_t *size)
{
	while (**at) {
		const char *line = *at + strspn(*at, " \t");

		*size = strcspn(line, "\n");
		*at = line + *size + (line[*size] == '\n');
		if (*size && *line != '#')
			return line;
	}
	*size = 0;
	return NULL;
}

static void compare_plans(struct look *look, const char *inside)
{
	_cleanup_free_ char *now = NULL;
	struct error *err = plan_format(look->plan, &now);
	const char *left = inside, *right = now ? now : "";
	const char *one = "", *other = "";
	size_t one_size = 0, other_size = 0;

	while (!err && one && other && one_size == other_size && strncmp(one, other, one_size) == 0) {
		one = next_line(&left, &one_size);
		other = next_line(&right, &other_size);
	}
	if (!err && (one || other))
		findings_add(look->findings, FINDING_ERROR, "content",
		             "the plan in the capture initramfs is another one (there: %.*s; now: %.*s): run kdumpctl "
		             "rebuild, and kdumpctl start",
		             (int)one_size, one ? one : "", (int)other_size, other ? other : "");
	add(look, FINDING_ERROR, "content", err);
}

// The plan that the image has. false: it has none that can be read.
static bool take_plan(struct look *look)
{
	const struct imagelist_file *file = find(look, PLAN_PATH);
	struct error *err;

	if (!file || !file->text) {
		findings_add(look->findings, FINDING_ERROR, "content",
		             "there is no plan " PLAN_PATH " in the capture initramfs: run kdumpctl rebuild, and "
		             "kdumpctl start");
		return false;
	}
	err = plan_parse(file->text, INITRD_PATH ": " PLAN_PATH, &look->inside);
	if (!err && !look->is_stale)
		compare_plans(look, file->text);
	add(look, FINDING_ERROR, "content", err);
	return look->inside.target.device;
}

static bool has_address(char *const *routes, const char *route)
{
	size_t size = strcspn(route, " ");

	for (; routes && *routes; routes++)
		if (strncmp(*routes, route, size) == 0 && (*routes)[size] == ' ')
			return true;
	return false;
}

// Names were looked up when the image was made.
static void compare_addresses(struct look *look, const char *what, char *const *now, char *const *inside)
{
	for (char *const *route = now; route && *route; route++)
		if (!has_address(inside, *route))
			findings_add(look->findings, FINDING_ERROR, "addresses",
			             "%s has the address %.*s now, which the capture initramfs does not know: run "
			             "kdumpctl start",
			             what, (int)strcspn(*route, " "), *route);
	for (char *const *route = inside; route && *route; route++)
		if (!has_address(now, *route))
			findings_add(look->findings, FINDING_WARNING, "addresses",
			             "%s had the address %.*s when the capture initramfs was made, and has it no more: "
			             "run kdumpctl start",
			             what, (int)strcspn(*route, " "), *route);
}

static void check_content(struct look *look)
{
	const char *const texts[] = {NO_LEADING_SLASH(PLAN_PATH), "etc/modprobe.d/*.conf", "usr/lib/modprobe.d/*.conf",
	                             "lib/modprobe.d/*.conf",     "run/modprobe.d/*.conf", NULL};
	struct error *err = imagelist_read(look->host, INITRD_PATH, texts, &look->list);
	bool has_plan;

	if (err) {
		bool is_unread = err->code == ERROR_UNSUPPORTED;

		add(look, is_unread ? FINDING_WARNING : FINDING_ERROR, "content", err);
		return;
	}
	has_plan = take_plan(look);
	if (has_plan) {
		compare_addresses(look, "a node that gets notices", look->plan->notify_routes,
		                  look->inside.notify_routes);
		compare_addresses(look, "a server of a target", look->plan->network_routes,
		                  look->inside.network_routes);
	}
	check_files(look, has_plan ? &look->inside : look->plan);
	check_versions(look);
	for (size_t i = 0; i < look->list.count; i++) {
		const struct imagelist_file *file = &look->list.files[i];

		if (file->text && S_ISREG(file->mode) && fnmatch(texts[0], file->name, 0) != 0)
			checkup_modules_file(look->plan, file->name, file->text, look->findings);
	}
}

void checkup_image(const struct host *host, const struct plan *plan, struct findings *findings)
{
	struct look look = {.host = host, .plan = plan, .findings = findings};
	_cleanup_free_ char *cause = NULL;
	struct error *err = NULL;

	check_kernel(&look);
	if (!host_exists(host, INITRD_PATH)) {
		findings_add(findings, FINDING_ERROR, "image",
		             "there is no capture initramfs " INITRD_PATH ": run kdumpctl start");
		return;
	}
	err = initrd_check(host, plan, &cause);
	look.is_stale = cause;
	if (!err && cause)
		findings_add(findings, FINDING_ERROR, "image", "the capture initramfs is stale: %s; run kdumpctl start",
		             cause);
	add(&look, FINDING_ERROR, "image", err);
	check_content(&look);
	plan_deinit(&look.inside);
	imagelist_deinit(&look.list);
}

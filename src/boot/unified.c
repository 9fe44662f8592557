// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/unified.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/endian.h"
#include "base/io.h"
#include "boot/blsentry.h"
#include "boot/text.h"

#define EFIVARS "/sys/firmware/efi/efivars/"
// systemd's own vendor, and that of UEFI's global variables.
#define OF_SYSTEMD "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define OF_UEFI "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define ADDON_END ".addon.efi"

enum {
	// The header of a section has 40 bytes: its name, and where it lies. Linkers make some ten of them.
	SECTION_BYTES = 40,
	SECTIONS_MAX = 96,
	NAME_BYTES = 8,
	PE_BYTES = 24,
	CMDLINE_MAX_BYTES = 64 * 1024,
	VARIABLE_MAX_BYTES = 4096,
	// A variable begins with its attributes.
	ATTRIBUTE_BYTES = 4,
	// EFI_STUB_FEATURE_CMDLINE_ADDONS, systemd's src/fundamental/efivars-fundamental.h.
	READS_ADDONS = 1 << 5,
};

static struct error *read_at(int fd, uint64_t offset, void *buf, size_t size_bytes)
{
	size_t got;
	struct error *err = io_pread(fd, buf, size_bytes, offset, &got);

	return err || got == size_bytes ? err : error_new(ERROR_BAD_DATA, "it ends within its headers");
}

// Where the section lies; *size_ret 0: there is none.
static struct error *find_cmdline(int fd, uint32_t *offset_ret, uint32_t *size_ret)
{
	unsigned char dos[64], pe[PE_BYTES], section[SECTION_BYTES];
	uint64_t at;
	struct error *err = read_at(fd, 0, dos, sizeof(dos));

	*size_ret = 0;
	if (!err && memcmp(dos, "MZ", 2) != 0)
		err = error_new(ERROR_BAD_DATA, "it is no image of EFI");
	if (err)
		return err;
	at = load_u32(dos + 60, false);
	err = read_at(fd, at, pe, sizeof(pe));
	if (!err && (memcmp(pe, "PE\0", 4) != 0 || load_u16(pe + 6, false) > SECTIONS_MAX))
		err = error_new(ERROR_BAD_DATA, "it is no image of EFI");
	if (err)
		return err;
	at += PE_BYTES + load_u16(pe + 20, false);
	for (unsigned int i = 0; i < load_u16(pe + 6, false) && !err; i++) {
		err = read_at(fd, at + (uint64_t)i * SECTION_BYTES, section, sizeof(section));
		if (err || strncmp((const char *)section, ".cmdline", NAME_BYTES) != 0)
			continue;
		// In the file it is filled up to a multiple of some blocks.
		*size_ret = load_u32(section + 8, false);
		if (*size_ret > load_u32(section + 16, false))
			*size_ret = load_u32(section + 16, false);
		*offset_ret = load_u32(section + 20, false);
		return NULL;
	}
	return err;
}

struct error *unified_cmdline(const struct host *host, const char *path, char **ret)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	uint32_t offset = 0, size_bytes = 0;
	struct error *err = host_open(host, path, O_RDONLY, 0, &fd);
	size_t length;

	*ret = NULL;
	if (!err)
		err = error_wrap(find_cmdline(fd, &offset, &size_bytes), "%s", path);
	if (!err && size_bytes > CMDLINE_MAX_BYTES)
		err = error_new(ERROR_BAD_DATA, "%s: a command line of %u bytes", path, size_bytes);
	if (err || !size_bytes)
		return err;
	text = calloc(1, size_bytes + 1);
	if (!text)
		return error_new(ERROR_NOMEM, "no memory for the command line of %s", path);
	err = error_wrap(read_at(fd, offset, text, size_bytes), "%s", path);
	if (err)
		return err;
	length = strlen(text);
	while (length && strchr(" \t\r\n", text[length - 1]))
		text[--length] = '\0';
	*ret = take_ptr(text);
	return NULL;
}

static bool has_end(const char *name, const char *end)
{
	size_t size = strlen(name), end_size = strlen(end);

	return size > end_size && strcmp(name + size - end_size, end) == 0;
}

// Paths of a directory's files whose names have an end; a directory that is not there has none.
static struct error *list_files(const struct host *host, const char *directory, const char *end, struct words *ret)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_list(host, directory, &names);

	for (char **name = names; !err && name && *name; name++)
		if (has_end(*name, end))
			words_addf(ret, "%s/%s", directory, *name);
	return err ? err : words_check(ret);
}

static bool is_ours(const char *path)
{
	return strcmp(strrchr(path, '/') + 1, UNIFIED_ADDON) == 0;
}

// Adds the command lines of a directory's add-ons, in the order of the stub.
static struct error *add_addons(const struct host *host, const char *directory, bool with_ours, struct text *line)
{
	_cleanup_words_ struct words paths = {0};
	struct error *err = list_files(host, directory, ADDON_END, &paths);

	for (size_t i = 0; i < paths.count && !err; i++) {
		_cleanup_free_ char *text = NULL;

		if (!with_ours && is_ours(paths.list[i]))
			continue;
		err = unified_cmdline(host, paths.list[i], &text);
		if (!err && text)
			text_add(line, " %s", text);
		// The stub takes it as little as we do.
		error_catch(&err, ERROR_BAD_DATA);
	}
	return err;
}

// Directories of add-ons: of all images of the partition, and of one.
static void addons_of(const char *mount, const char *image, struct words *ret)
{
	words_addf(ret, "%s/loader/addons", mount);
	words_addf(ret, "%s.extra.d", image);
}

static struct error *list_images(const struct host *host, const char *mount, struct words *ret)
{
	char directory[64];

	snprintf(directory, sizeof(directory), "%s/EFI/Linux", mount);
	return list_files(host, directory, ".efi", ret);
}

static struct error *view_image(const struct host *host, const char *mount, const char *image, const char *const *names,
                                struct bootloader_view *view)
{
	_cleanup_words_ struct words directories = {0};
	_cleanup_text_ struct text all = {0};
	_cleanup_free_ char *inside = NULL, *whole = NULL;
	struct parameters_line line = {0};
	struct error *err = unified_cmdline(host, image, &inside);

	if (error_catch(&err, ERROR_BAD_DATA) || err)
		return err;
	addons_of(mount, image, &directories);
	err = words_check(&directories);
	text_add(&all, "%s", inside ? inside : "");
	for (size_t i = 0; i < directories.count && !err; i++)
		err = add_addons(host, directories.list[i], true, &all);
	if (!err)
		err = text_take(&all, &whole);
	if (err)
		return err;
	line = (struct parameters_line){.text = whole, .size_bytes = strlen(whole)};
	return bootloader_note(view, image, &line, names);
}

struct error *unified_view(const struct host *host, const char *mount, const char *const *names,
                           struct bootloader_view *view)
{
	_cleanup_words_ struct words images = {0};
	struct error *err = list_images(host, mount, &images);

	for (size_t i = 0; i < images.count && !err; i++)
		err = view_image(host, mount, images.list[i], names, view);
	return err;
}

static bool is_half(const char *word)
{
	return has_end(word, ",high") || has_end(word, ",low");
}

// Whether the word that stands behind another one of its name is all that counts: the kernel takes the last one, but a half of
// crashkernel= does not take the place of a whole (kernel/crash_reserve.c: get_last_crashkernel()).
static bool is_overruled(const char *word, const char *const *add)
{
	size_t count = 0;

	for (; add && *add; add++) {
		if (!parameters_is_same(word, *add))
			continue;
		if (strcmp(word, *add) == 0)
			return true;
		count += is_half(*add) ? 2 : 1;
	}
	return count == 1 && !is_half(word);
}

static bool is_in(const char *word, const char *const *list)
{
	for (; list && *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

// Words of the names that a change is about.
static struct error *find_words(const char *text, const struct parameters_change *change, struct words *ret)
{
	struct parameters_line line = {.text = text, .size_bytes = strlen(text)};

	parameters_find(&line, change->remove, ret);
	parameters_find(&line, change->add, ret);
	return words_check(ret);
}

// What others have put before our add-on may only be overruled, and what comes behind it not even that.
static struct error *judge_image(const struct host *host, const char *mount, const char *image, bool is_for_all,
                                 const struct parameters_change *change, bool *has_all)
{
	_cleanup_words_ struct words directories = {0}, before = {0}, behind = {0};
	_cleanup_text_ struct text early = {0}, late = {0};
	_cleanup_free_ char *inside = NULL, *early_text = NULL, *late_text = NULL;
	struct error *err = unified_cmdline(host, image, &inside);

	addons_of(mount, image, &directories);
	if (!err)
		err = words_check(&directories);
	text_add(&early, "%s", inside ? inside : "");
	if (!err)
		err = add_addons(host, directories.list[0], !is_for_all, &early);
	if (!err)
		err = add_addons(host, directories.list[1], false, is_for_all ? &late : &early);
	if (!err)
		err = text_take(&early, &early_text);
	if (!err)
		err = text_take(&late, &late_text);
	if (!err)
		err = find_words(early_text, change, &before);
	if (!err)
		err = find_words(late_text, change, &behind);
	for (size_t i = 0; i < before.count && !err; i++)
		if (!is_overruled(before.list[i], change->add))
			err = error_new(ERROR_UNSUPPORTED,
			                "%s has %s inside, which no add-on can take away: change " BLSENTRY_CMDLINE
			                " and make the image anew (kernel-install(8))",
			                image, before.list[i]);
	for (size_t i = 0; i < behind.count && !err; i++)
		if (!is_in(behind.list[i], change->add))
			err = error_new(ERROR_UNSUPPORTED, "an add-on in %s has %s, which comes last: take it away",
			                directories.list[1], behind.list[i]);
	for (size_t i = 0; i < before.count; i++)
		*has_all &= is_in(before.list[i], change->add);
	for (const char *const *word = change->add; word && *word; word++)
		*has_all &= words_has(&before, *word);
	return err;
}

bool unified_is_started(const struct host *host)
{
	return host_exists(host, EFIVARS "StubInfo" OF_SYSTEMD);
}

// A byte of a variable of the firmware; 0 if it is not there.
static unsigned char variable_byte(const struct host *host, const char *path)
{
	_cleanup_free_ char *value = NULL;
	size_t size_bytes = 0;
	_cleanup_error_ struct error *err = host_read(host, path, VARIABLE_MAX_BYTES, &value, &size_bytes);

	return !err && size_bytes > ATTRIBUTE_BYTES ? (unsigned char)value[ATTRIBUTE_BYTES] : 0;
}

// Its program is in the path since systemd 255.
static const char *find_ukify(const struct host *host)
{
	if (bootloader_has_program(host, "ukify"))
		return "ukify";
	return host_exists(host, "/usr/lib/systemd/ukify") ? "/usr/lib/systemd/ukify" : NULL;
}

static struct error *refuse_addon(const struct host *host, const char *directory, const char *parameters)
{
	static const char features[] = EFIVARS "StubFeatures" OF_SYSTEMD;

	if (host_exists(host, features) && !(variable_byte(host, features) & READS_ADDONS))
		return error_new(
			ERROR_UNSUPPORTED,
			"the unified kernel image that is running reads no add-ons (systemd-stub before 254): put "
			"\"%s\" into " BLSENTRY_CMDLINE " and make the image anew (kernel-install(8))",
			parameters);
	if (variable_byte(host, EFIVARS "SecureBoot" OF_UEFI))
		return error_new(
			ERROR_UNSUPPORTED,
			"Secure Boot is on, an add-on that nobody has signed is not read: make one with your key by "
			"\"ukify build --secureboot-private-key=… --secureboot-certificate=… "
			"--cmdline='%s' --output=%s/" UNIFIED_ADDON "\"",
			parameters, directory);
	if (!find_ukify(host))
		return error_new(
			ERROR_UNSUPPORTED,
			"ukify(1) is not installed (package systemd-ukify), which makes the add-on with \"%s\" for "
			"unified kernel images",
			parameters);
	return NULL;
}

// The add-on gets its name when it is whole.
static struct error *make_addon(const struct host *host, const char *directory, const char *parameters,
                                struct bootloader_task *task)
{
	_cleanup_words_ struct words words = {0};
	struct error *err = refuse_addon(host, directory, parameters);

	if (err)
		return err;
	words_addf(&words, "--cmdline=%s", parameters);
	words_addf(&words, "--output=%s/" UNIFIED_ADDON ".new", directory);
	words_addf(&words, "%s/" UNIFIED_ADDON ".new", directory);
	words_addf(&words, "%s/" UNIFIED_ADDON, directory);
	err = words_check(&words);
	if (err)
		return err;
	bootloader_command(task, (const char *const[]){"mkdir", "-p", directory, NULL});
	bootloader_command(task, (const char *const[]){find_ukify(host), "build", words.list[0], words.list[1], NULL});
	bootloader_command(task, (const char *const[]){"mv", "-T", words.list[2], words.list[3], NULL});
	for (const char *const *word = (const char *const[]){"rm", "-f", words.list[2], "", NULL}; *word; word++)
		words_add(&task->undo, *word);
	return words_check(&task->undo);
}

// What our add-on in a directory holds, and what it is to hold; has_all: the images have it already.
static struct error *plan_addon(const struct host *host, const char *directory, bool has_all,
                                struct bootloader_task *task)
{
	_cleanup_free_ char *path = NULL, *before = NULL, *after = NULL;
	struct parameters_line line = {0};
	struct error *err = NULL;
	bool is_there;

	if (asprintf(&path, "%s/" UNIFIED_ADDON, directory) < 0) {
		path = NULL;
		return error_new(ERROR_NOMEM, "no memory for a path");
	}
	is_there = host_exists(host, path);
	if (is_there)
		err = unified_cmdline(host, path, &before);
	line = (struct parameters_line){.text = before ? before : "", .size_bytes = before ? strlen(before) : 0};
	if (!err)
		err = parameters_edit(&line, &task->change, &after);
	if (err || (!is_there && (has_all || !*after)) || (is_there && before && strcmp(before, after) == 0))
		return err;
	if (*after)
		return make_addon(host, directory, after, task);
	bootloader_command(task, (const char *const[]){"rm", path, NULL});
	return NULL;
}

// One of an image comes behind that of all images.
static struct error *drop_addon(const struct host *host, const char *image, struct bootloader_task *task)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s.extra.d/" UNIFIED_ADDON, image) < 0) {
		path = NULL;
		return error_new(ERROR_NOMEM, "no memory for a path");
	}
	if (host_exists(host, path))
		bootloader_command(task, (const char *const[]){"rm", path, NULL});
	return NULL;
}

struct error *unified_plan(const struct host *host, const char *mount, struct bootloader_task *task, size_t *count,
                           size_t *asked)
{
	_cleanup_words_ struct words images = {0}, meant = {0}, directories = {0};
	bool is_for_all = strcmp(task->kernel, BOOTLOADER_ALL) == 0, has_all = true;
	struct error *err = list_images(host, mount, &images);

	for (size_t i = 0; i < images.count && !err; i++) {
		_cleanup_free_ char *inside = NULL;

		err = unified_cmdline(host, images.list[i], &inside);
		if (err && err->code == ERROR_BAD_DATA)
			words_addf(&task->notes, "%s; it is left alone", err->text);
		if (error_catch(&err, ERROR_BAD_DATA) || err)
			continue;
		(*count)++;
		if (is_for_all || strcmp(images.list[i], task->kernel) == 0)
			words_add(&meant, images.list[i]);
	}
	if (!err)
		err = words_check(&meant);
	*asked += meant.count;
	for (size_t i = 0; i < meant.count && !err; i++)
		err = judge_image(host, mount, meant.list[i], is_for_all, &task->change, &has_all);
	if (err || !meant.count)
		return err;
	addons_of(mount, meant.list[0], &directories);
	err = words_check(&directories);
	if (!err)
		err = plan_addon(host, directories.list[is_for_all ? 0 : 1], has_all, task);
	for (size_t i = 0; i < meant.count && is_for_all && !err; i++)
		err = drop_addon(host, meant.list[i], task);
	return err;
}

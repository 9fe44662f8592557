// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/modules.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

// modules.alias of a distribution's kernel has 1 to 2 MiB.
enum { LIST_MAX_BYTES = 32 * 1024 * 1024 };
// Longest name of a module with its NUL: the kernel's MODULE_NAME_LEN is 56 on 64-bit machines, aliases are longer.
enum { NAME_MAX_BYTES = 256 };
// A modalias in sysfs; input devices have the longest ones, with some 500 characters.
enum { MODALIAS_MAX_BYTES = 4096 };
// Deepest chain of dependencies. Real ones have fewer than 12; a circle of soft dependencies would never end.
enum { DEPTH_MAX = 64 };

struct modules_entry {
	char name[64]; // With '_' for '-'.
	const char *path; // Relative to the directory, in dep_text.
	const char *deps; // Paths separated by blanks, in dep_text.
};

static void normalise(char *name)
{
	for (; *name; name++)
		*name = *name == '-' ? '_' : *name;
}

// "kernel/fs/ext4/ext4.ko.xz" → "ext4"
static void name_of_path(const char *path, size_t path_bytes, char *name, size_t room_bytes)
{
	size_t start = path_bytes, end;

	while (start && path[start - 1] != '/')
		start--;
	end = start;
	while (end < path_bytes && path[end] != '.')
		end++;
	snprintf(name, room_bytes, "%.*s", (int)(end - start), path + start);
	normalise(name);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct modules_entry *)a)->name, ((const struct modules_entry *)b)->name);
}

// Cuts modules.dep into "path" and "deps". Lines are "PATH: PATH…".
static struct error *index_dep(struct modules *modules)
{
	size_t lines = 1;
	char *rest = modules->dep_text, *line;

	for (const char *at = modules->dep_text; *at; at++)
		lines += *at == '\n';
	modules->entries = calloc(lines, sizeof(*modules->entries));
	if (!modules->entries)
		return error_new(ERROR_NOMEM, "no memory for the list of modules");
	while ((line = strsep(&rest, "\n"))) {
		struct modules_entry *entry = &modules->entries[modules->entry_count];
		char *colon = strchr(line, ':');

		if (!colon)
			continue;
		*colon = '\0';
		name_of_path(line, strlen(line), entry->name, sizeof(entry->name));
		entry->path = line;
		entry->deps = colon + 1;
		modules->entry_count++;
	}
	qsort(modules->entries, modules->entry_count, sizeof(*modules->entries), compare_entries);
	return NULL;
}

// A list that not every kernel has.
static struct error *read_list(const struct host *host, const struct modules *modules, const char *name, char **ret)
{
	_cleanup_free_ char *path = NULL;
	struct error *err;

	if (asprintf(&path, "%s/%s", modules->dir, name) < 0) {
		path = NULL;
		return error_new(ERROR_NOMEM, "no memory for a path");
	}
	err = host_read(host, path, LIST_MAX_BYTES, ret, NULL);
	if (error_catch_os(&err, ENOENT)) {
		*ret = strdup("");
		return *ret ? NULL : error_new(ERROR_NOMEM, "no memory for a list of modules");
	}
	return err;
}

struct error *modules_open(const struct host *host, const char *version, struct modules *ret)
{
	_cleanup_modules_ struct modules modules = {.version = strdup(version)};
	struct error *err;

	if (!modules.version || asprintf(&modules.dir, "/lib/modules/%s", version) < 0) {
		modules.dir = NULL;
		return error_new(ERROR_NOMEM, "no memory for the list of modules");
	}
	err = read_list(host, &modules, "modules.dep", &modules.dep_text);
	if (!err && !*modules.dep_text)
		err = error_new(ERROR_CONFIG, "there is no %s/modules.dep, so the modules of kernel %s are not known",
		                modules.dir, version);
	if (!err)
		err = read_list(host, &modules, "modules.builtin", &modules.builtin_text);
	if (!err)
		err = read_list(host, &modules, "modules.alias", &modules.alias_text);
	if (!err)
		err = read_list(host, &modules, "modules.softdep", &modules.softdep_text);
	if (!err)
		err = index_dep(&modules);
	if (err)
		return err;
	*ret = modules;
	modules = (struct modules){0};
	return NULL;
}

void modules_close(struct modules *modules)
{
	free(modules->dir);
	free(modules->version);
	free(modules->dep_text);
	free(modules->builtin_text);
	free(modules->alias_text);
	free(modules->softdep_text);
	free(modules->entries);
	*modules = (struct modules){0};
}

static const struct modules_entry *find_entry(const struct modules *modules, const char *name)
{
	struct modules_entry key = {.path = NULL};

	snprintf(key.name, sizeof(key.name), "%s", name);
	normalise(key.name);
	return bsearch(&key, modules->entries, modules->entry_count, sizeof(key), compare_entries);
}

static bool is_builtin(const struct modules *modules, const char *name)
{
	char wanted[NAME_MAX_BYTES], found[NAME_MAX_BYTES];
	const char *end;

	snprintf(wanted, sizeof(wanted), "%s", name);
	normalise(wanted);
	for (const char *at = modules->builtin_text; *at; at = *end ? end + 1 : end) {
		end = at + strcspn(at, "\n");
		name_of_path(at, (size_t)(end - at), found, sizeof(found));
		if (strcmp(found, wanted) == 0)
			return true;
	}
	return false;
}

// Next line "KEYWORD FIRST REST" of a list. Gives FIRST and REST; false at the end.
static bool next_line(const char **at, const char *keyword, char *first, size_t room_bytes, char *rest,
                      size_t rest_bytes)
{
	size_t keyword_bytes = strlen(keyword);

	while (**at) {
		const char *line = *at, *end = line + strcspn(line, "\n"), *blank;

		*at = *end ? end + 1 : end;
		if (strncmp(line, keyword, keyword_bytes) != 0 || line[keyword_bytes] != ' ')
			continue;
		line += keyword_bytes + 1;
		blank = line + strcspn(line, " \n");
		if (*blank != ' ')
			continue;
		snprintf(first, room_bytes, "%.*s", (int)(blank - line), line);
		snprintf(rest, rest_bytes, "%.*s", (int)(end - blank - 1), blank + 1);
		return true;
	}
	return false;
}

// What one modules_add() works on.
struct adding {
	const struct modules *modules;
	struct words *ordered;
	unsigned int depth;
};

static struct error *add_name(struct adding *adding, const char *name, bool *is_known_ret);
static struct error *add_module(struct adding *adding, const char *name, bool *is_known_ret);

// Whether a name matches the pattern of an alias. '-' and '_' are the same in names, but not inside of patterns'
// brackets.
static bool alias_matches(const char *pattern, const char *name)
{
	if (fnmatch(pattern, name, 0) == 0)
		return true;
	if (strpbrk(pattern, "[*?"))
		return false;
	for (; *pattern && *name; pattern++, name++) {
		if ((*pattern == '-' ? '_' : *pattern) != (*name == '-' ? '_' : *name))
			return false;
	}
	return *pattern == *name;
}

static struct error *add_alias(struct adding *adding, const char *alias, bool *is_known_ret)
{
	char pattern[1024], target[NAME_MAX_BYTES];
	const char *at = adding->modules->alias_text;
	struct error *err = NULL;

	while (!err && next_line(&at, "alias", pattern, sizeof(pattern), target, sizeof(target))) {
		bool is_known = false;

		if (!alias_matches(pattern, alias))
			continue;
		// An alias leads to a module, never to another alias (kmod's lookup too): they could go in a circle.
		err = add_module(adding, target, &is_known);
		*is_known_ret |= is_known;
	}
	return err;
}

// Words behind "pre:" or "post:" of each line for this module. What is missing is missing: the dependency is soft.
static struct error *add_soft(struct adding *adding, const char *name, const char *part)
{
	char first[NAME_MAX_BYTES], rest[2048];
	const char *at = adding->modules->softdep_text;
	struct error *err = NULL;

	while (!err && next_line(&at, "softdep", first, sizeof(first), rest, sizeof(rest))) {
		bool is_part = false, is_known = false;
		char *words = rest, *word;

		normalise(first);
		while (!err && strcmp(first, name) == 0 && (word = strsep(&words, " \t"))) {
			size_t size = strlen(word);

			if (size && word[size - 1] == ':')
				is_part = strcmp(word, part) == 0;
			else if (size && is_part)
				err = add_name(adding, word, &is_known);
		}
	}
	return err;
}

// depmod lists what must be loaded first last.
static struct error *add_hard(struct adding *adding, const char *deps)
{
	const char *end = deps + strlen(deps);
	struct error *err = NULL;

	while (!err && end > deps) {
		const char *start = end;
		char name[NAME_MAX_BYTES];
		bool is_known;

		while (start > deps && start[-1] != ' ')
			start--;
		name_of_path(start, (size_t)(end - start), name, sizeof(name));
		if (*name)
			err = add_name(adding, name, &is_known);
		end = start > deps ? start - 1 : deps;
	}
	return err;
}

// The path under which the image holds the module: uncompressed.
static void plain_path(const char *path, char *ret, size_t room_bytes)
{
	const char *suffix = strstr(path, ".ko");

	snprintf(ret, room_bytes, "%.*s", (int)(suffix ? (size_t)(suffix + 3 - path) : strlen(path)), path);
}

static struct error *add_entry(struct adding *adding, const struct modules_entry *entry)
{
	char path[4096];
	struct error *err;

	plain_path(entry->path, path, sizeof(path));
	if (words_has(adding->ordered, path))
		return NULL;
	// A soft dependency may lead back to a module on the way; then the chain grows until the limit.
	if (++adding->depth > DEPTH_MAX)
		return error_new(ERROR_BAD_DATA, "%s: dependencies of %s go in a circle", adding->modules->dir,
		                 entry->name);
	err = add_soft(adding, entry->name, "pre:");
	if (!err)
		err = add_hard(adding, entry->deps);
	if (!err && !words_has(adding->ordered, path))
		words_add(adding->ordered, path);
	if (!err)
		err = add_soft(adding, entry->name, "post:");
	adding->depth--;
	return err;
}

static struct error *add_module(struct adding *adding, const char *name, bool *is_known_ret)
{
	const struct modules_entry *entry = find_entry(adding->modules, name);

	*is_known_ret = entry || is_builtin(adding->modules, name);
	return entry ? add_entry(adding, entry) : NULL;
}

static struct error *add_name(struct adding *adding, const char *name, bool *is_known_ret)
{
	struct error *err = add_module(adding, name, is_known_ret);

	return err || *is_known_ret ? err : add_alias(adding, name, is_known_ret);
}

const char *modules_path(const struct modules *modules, const char *name)
{
	const struct modules_entry *entry = find_entry(modules, name);

	return entry ? entry->path : NULL;
}

struct error *modules_add(const struct modules *modules, const char *name, struct words *ordered, bool *is_known_ret)
{
	struct adding adding = {.modules = modules, .ordered = ordered};
	struct error *err = add_name(&adding, name, is_known_ret);

	return err ? err : words_check(ordered);
}

static struct error *add_required(const struct modules *modules, const char *name, const char *what,
                                  struct words *ordered)
{
	bool is_known;
	struct error *err = modules_add(modules, name, ordered, &is_known);

	if (!err && !is_known)
		err = error_new(ERROR_CONFIG, "kernel %s has no module %s, which %s needs", modules->version, name,
		                what);
	return err;
}

// The driver of one device on the way to the disk.
static struct error *add_bound_driver(const struct host *host, const struct modules *modules, const char *dir,
                                      bool is_other, struct words *ordered, struct words *drivers)
{
	_cleanup_free_ char *link = NULL, *module_path = NULL, *alias_path = NULL, *alias = NULL;
	struct error *err;
	bool is_known;

	if (asprintf(&module_path, "%s/driver/module", dir) < 0 || asprintf(&alias_path, "%s/modalias", dir) < 0)
		return error_new(ERROR_NOMEM, "no memory for a path");
	err = host_readlink(host, module_path, &link);
	if (!err) {
		const char *name = strrchr(link, '/') ? strrchr(link, '/') + 1 : link;

		if (!words_has(drivers, name))
			words_add(drivers, name);
		return add_required(modules, name, dir, ordered);
	}
	error_free(err);
	// Without a module the driver is built in. Another kernel may have it as a module.
	err = is_other ? host_read(host, alias_path, MODALIAS_MAX_BYTES, &alias, NULL) : NULL;
	if (err) {
		error_free(err);
		return NULL;
	}
	if (!alias)
		return NULL;
	alias[strcspn(alias, "\n")] = '\0';
	return *alias ? modules_add(modules, alias, ordered, &is_known) : NULL;
}

// The driver of the disk itself, for kernels whose sysfs does not name it.
static struct error *add_disk_driver(const struct modules *modules, const char *sysfs, struct words *ordered)
{
	static const struct {
		const char *part;
		const char *module;
	} disks[] = {
		{"/block/sd", "sd_mod"},        {"/block/vd", "virtio_blk"},    {"/block/nvme", "nvme"},
		{"/block/xvd", "xen_blkfront"}, {"/block/mmcblk", "mmc_block"},
	};
	bool is_known;

	for (size_t i = 0; i < array_size(disks); i++) {
		if (strstr(sysfs, disks[i].part))
			return modules_add(modules, disks[i].module, ordered, &is_known);
	}
	return NULL;
}

static bool is_running_kernel(const struct host *host, const char *version)
{
	_cleanup_free_ char *running = NULL;
	_cleanup_error_ struct error *err =
		host_read(host, "/proc/sys/kernel/osrelease", NAME_MAX_BYTES, &running, NULL);

	return !err && strncmp(running, version, strlen(version)) == 0 && running[strlen(version)] <= '\n';
}

struct error *modules_add_device(const struct host *host, const struct modules *modules, const char *sysfs,
                                 struct words *ordered, struct words *drivers)
{
	bool is_other = !is_running_kernel(host, modules->version);
	_cleanup_free_ char *dir = strdup(sysfs);
	struct error *err = NULL;

	if (!dir)
		return error_new(ERROR_NOMEM, "no memory for a path");
	// From the bus down: "/sys/devices/pci0000:00", "/sys/devices/pci0000:00/0000:00:04.0" …
	for (char *slash = strchr(dir + 1, '/'); !err && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		err = add_bound_driver(host, modules, dir, is_other, ordered, drivers);
		*slash = '/';
	}
	if (!err)
		err = add_disk_driver(modules, sysfs, ordered);
	if (!err)
		err = words_check(drivers);
	return err;
}

struct error *modules_add_iscsi(const struct modules *modules, struct words *ordered)
{
	bool is_known;
	// Asked for by its name when a connection is made, with or without digests (iscsi_sw_tcp_conn_create(), before v6.15).
	struct error *err = modules_add(modules, "crc32c", ordered, &is_known);

	return err ? err : add_required(modules, "iscsi_tcp", "an iSCSI disk", ordered);
}

// Whether a name of an algorithm, "xts(ecb(aes))", is made of words of a cipher, "aes-xts-plain64"; xts needs ecb.
static bool is_made_of(const char *name, const char *cipher)
{
	static const char ends[] = "()-:,_";

	for (const char *at = name + strspn(name, ends); *at; at += strspn(at, ends)) {
		size_t size = strcspn(at, ends);
		bool is_there = size == 3 && strncmp(at, "ecb", 3) == 0;

		for (const char *word = cipher; *word && !is_there; word += strspn(word, ends)) {
			size_t word_size = strcspn(word, ends);

			is_there = word_size == size && strncmp(word, at, size) == 0;
			word += word_size;
		}
		if (!is_there)
			return false;
		at += size;
	}
	return true;
}

// Modules of algorithms that this kernel has in use: "name : …" and "module : …" of each block.
static struct error *add_algorithms(const struct modules *modules, const char *list, const char *cipher,
                                    struct words *ordered)
{
	struct error *err = NULL;
	bool is_wanted = false, is_known;

	for (const char *line = list; *line && !err; line += strcspn(line, "\n"), line += *line == '\n') {
		char key[32] = "", value[NAME_MAX_BYTES] = "";

		if (sscanf(line, "%31[a-z] : %255[^\n]", key, value) != 2)
			continue;
		if (strcmp(key, "name") == 0)
			is_wanted = is_made_of(value, cipher);
		else if (strcmp(key, "module") == 0 && is_wanted && strcmp(value, "kernel") != 0)
			err = modules_add(modules, value, ordered, &is_known);
	}
	return err;
}

struct error *modules_add_crypt(const struct host *host, const struct modules *modules, const char *cipher,
                                struct words *ordered)
{
	static const char *const templates[] = {"ecb", "xts", "cbc", "essiv", "aes"};
	_cleanup_free_ char *list = NULL;
	struct error *err = host_read(host, "/proc/crypto", LIST_MAX_BYTES, &list, NULL);
	bool is_known;

	error_free(err);
	err = list ? add_algorithms(modules, list, cipher, ordered) : NULL;
	// Of another kernel what this one has built in may be modules.
	for (size_t i = 0; i < array_size(templates) && !err; i++)
		if (is_made_of(templates[i], cipher))
			err = modules_add(modules, templates[i], ordered, &is_known);
	return err ? err : add_required(modules, "dm-crypt", "an encrypted volume", ordered);
}

// The kernel asks for the tables of names by theirs when it mounts a file system that has some, and nobody would answer.
static struct error *add_nls(const struct modules *modules, struct words *ordered)
{
	static const char *const tables[] = {"nls_cp437", "nls_iso8859-1", "nls_ascii", "nls_utf8"};
	struct error *err = NULL;
	bool is_known;

	for (size_t i = 0; i < array_size(tables) && !err; i++)
		err = modules_add(modules, tables[i], ordered, &is_known);
	return err;
}

struct error *modules_add_filesystem(const struct modules *modules, const char *fstype, struct words *ordered)
{
	// What the kernel asks for when it mounts, and would not get: versions of NFS; signatures and ciphers of SMB, which cifs
	// names in lines without "pre:", that readers of depmod's lists pass over (fs/smb/client/cifsfs.c).
	static const struct {
		const char *fstype, *module;
	} asked[] = {{"nfs", "nfsv4"}, {"nfs", "nfsv3"},   {"cifs", "cmac"},  {"cifs", "ccm"}, {"cifs", "gcm"},
	             {"cifs", "ctr"},  {"cifs", "ghash"},  {"cifs", "ecb"},   {"cifs", "aes"}, {"cifs", "md5"},
	             {"cifs", "hmac"}, {"cifs", "sha256"}, {"cifs", "sha512"}};
	bool is_extended = strcmp(fstype, "ext2") == 0 || strcmp(fstype, "ext3") == 0;
	bool is_known;
	struct error *err = modules_add(modules, fstype, ordered, &is_known);

	// ext4 mounts its predecessors (CONFIG_EXT4_USE_FOR_EXT2).
	if (!err && !is_known && is_extended)
		return add_required(modules, "ext4", "the file system of the target", ordered);
	if (!err && !is_known)
		return error_new(ERROR_CONFIG, "kernel %s has no module for the file system %s", modules->version,
		                 fstype);
	if (!err && (strcmp(fstype, "vfat") == 0 || strcmp(fstype, "cifs") == 0))
		err = add_nls(modules, ordered);
	for (size_t i = 0; i < array_size(asked) && !err; i++)
		if (strcmp(asked[i].fstype, fstype) == 0)
			err = modules_add(modules, asked[i].module, ordered, &is_known);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/inspect_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/workers.h"
#include "capture/save.h"
#include "core/foreign.h"
#include "dump/presence.h"

// Files of a dump directory, the first of which is there. A split dump has vmcore.1, vmcore.2 …
static const char *const dump_names[] = {"vmcore", "vmcore.1", "vmcore.flat"};

struct error *inspect_dump_number(const char *word, const char *what, uint64_t most, uint64_t *ret)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(word, &end, 0);
	if (errno || end == word || *end || word[0] == '-' || number > most)
		return error_new(ERROR_USAGE, "%s: \"%s\" is no number from 0 to %" PRIu64, what, word, most);
	*ret = number;
	return NULL;
}

static bool is_option(const char *word, const char *short_name, const char *long_name)
{
	return strcmp(word, short_name) == 0 || strcmp(word, long_name) == 0;
}

static struct error *take_word(struct inspect_dump *dump, const char *word, size_t most_words)
{
	if (!dump->path) {
		dump->path = word;
		return NULL;
	}
	if (dump->word_count >= most_words || dump->word_count >= INSPECT_DUMP_WORDS)
		return error_new(ERROR_USAGE, "%s: one word too many", word);
	dump->words[dump->word_count++] = word;
	return NULL;
}

// An option, and its value where it has one. Those without one have further letters behind them: -au is not taken.
static struct error *take_option(struct inspect_dump *dump, const char *word, const char *value, unsigned int options,
                                 int *used_ret)
{
	uint64_t cpu;
	struct error *err;

	*used_ret = 1;
	if (strcmp(word, "--json") == 0) {
		dump->is_json = true;
	} else if (options & INSPECT_DUMP_ALL && is_option(word, "-a", "--all")) {
		dump->given |= INSPECT_DUMP_ALL;
	} else if (options & INSPECT_DUMP_USER && is_option(word, "-u", "--user")) {
		dump->given |= INSPECT_DUMP_USER;
	} else if (options & INSPECT_DUMP_SLAB && strcmp(word, "--slab") == 0) {
		dump->given |= INSPECT_DUMP_SLAB;
	} else if (options & INSPECT_DUMP_PROCESSES && strcmp(word, "--processes") == 0) {
		dump->given |= INSPECT_DUMP_PROCESSES;
	} else if (options & INSPECT_DUMP_AFFINITY && is_option(word, "-a", "--affinity")) {
		dump->given |= INSPECT_DUMP_AFFINITY;
	} else if (options & INSPECT_DUMP_CPU && is_option(word, "-c", "--cpu")) {
		if (!value)
			return error_new(ERROR_USAGE, "%s: the number of a CPU is missing", word);
		err = inspect_dump_number(value, word, KERNEL_CPUS_MAX - 1, &cpu);
		if (err)
			return err;
		dump->given |= INSPECT_DUMP_CPU;
		dump->cpu = (uint32_t)cpu;
		*used_ret = 2;
	} else if (options & INSPECT_DUMP_RANGES && strcmp(word, "--ranges") == 0) {
		dump->given |= INSPECT_DUMP_RANGES;
	} else if (options & INSPECT_DUMP_MAP && strcmp(word, "--map") == 0) {
		if (!value)
			return error_new(ERROR_USAGE, "--map: a file is missing");
		dump->map_path = value;
		*used_ret = 2;
	} else if (options & INSPECT_DUMP_THREADS && strcmp(word, "--threads") == 0) {
		if (!value)
			return error_new(ERROR_USAGE, "--threads: a number is missing");
		err = inspect_dump_number(value, word, WORKERS_MAX, &cpu);
		if (err)
			return err;
		dump->threads = (unsigned int)cpu;
		*used_ret = 2;
	} else if (options & INSPECT_DUMP_OUTPUT && is_option(word, "-o", "--output")) {
		if (!value)
			return error_new(ERROR_USAGE, "%s: a file is missing", word);
		dump->output = value;
		*used_ret = 2;
	} else if (options & INSPECT_DUMP_OUTPUT && strcmp(word, "--force") == 0) {
		dump->given |= INSPECT_DUMP_FORCE;
	} else if (strcmp(word, "--part") == 0) {
		if (!value || dump->part_count >= INSPECT_DUMP_WORDS - 1)
			return error_new(ERROR_USAGE, "--part: %s", value ? "too many files" : "a file is missing");
		dump->parts[dump->part_count++] = value;
		*used_ret = 2;
	} else {
		return error_new(ERROR_USAGE, "unknown option %s", word);
	}
	return NULL;
}

static struct error *parse(int argc, char **argv, unsigned int options, size_t most_words, struct inspect_dump *dump)
{
	struct error *err = NULL;
	bool is_end = false;
	int used = 1;

	for (int i = 1; i < argc && !err; i += used) {
		used = 1;
		if (!is_end && strcmp(argv[i], "--") == 0)
			is_end = true;
		else if (!is_end && argv[i][0] == '-' && argv[i][1])
			err = take_option(dump, argv[i], i + 1 < argc ? argv[i + 1] : NULL, options, &used);
		else
			err = take_word(dump, argv[i], most_words);
	}
	if (!err && !dump->path)
		err = error_new(ERROR_USAGE, "%s: a dump is missing", argv[0]);
	return err;
}

static bool exists(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0;
}

// Names live as long as the dump, which tells of them in its errors.
static struct error *add_file(struct inspect_dump *dump, char *path)
{
	if (!path)
		return error_new(ERROR_NOMEM, "out of memory");
	if (dump->file_count == INSPECT_DUMP_WORDS) {
		free(path);
		return error_new(ERROR_USAGE, "more than %d files", INSPECT_DUMP_WORDS);
	}
	dump->files[dump->file_count++] = path;
	return NULL;
}

static struct error *open_files(struct inspect_dump *dump)
{
	const char *first = dump->file_count == 1 ? dump->files[0] : dump->path;
	struct error *err = NULL;

	for (size_t i = 0; i < dump->part_count && !err; i++)
		err = add_file(dump, strdup(dump->parts[i]));
	if (!err)
		err = foreign_open_set((const char *const *)dump->files, dump->file_count, &dump->core);
	return error_wrap(err, "%s", first);
}

static struct error *say_encrypted(const char *path)
{
	return error_new(ERROR_UNSUPPORTED, "%s is encrypted: kdump-inspect decrypt -i KEY-FILE %s", path, path);
}

static struct error *open_file(struct inspect_dump *dump, const char *path)
{
	static const char suffix[] = ".age";
	size_t size = strlen(path);
	struct error *err = add_file(dump, strdup(path));

	if (!err)
		err = open_files(dump);
	if (err && err->code == ERROR_UNSUPPORTED && size >= strlen(suffix) &&
	    strcmp(path + size - strlen(suffix), suffix) == 0) {
		error_free(err);
		return say_encrypted(path);
	}
	return err;
}

static char *name_in(const struct inspect_dump *dump, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dump->path, name) < 0 ? NULL : path;
}

// All parts that are there, by their numbers.
static struct error *open_parts(struct inspect_dump *dump)
{
	struct error *err = NULL;

	for (size_t number = 1; number <= INSPECT_DUMP_WORDS && !err; number++) {
		char name[32], *path;

		snprintf(name, sizeof(name), "vmcore.%zu", number);
		path = name_in(dump, name);
		if (path && !exists(path)) {
			free(path);
			break;
		}
		err = add_file(dump, path);
	}
	return err ? err : open_files(dump);
}

static struct error *open_directory(struct inspect_dump *dump)
{
	_cleanup_free_ char *encrypted = name_in(dump, "vmcore.flat.age");

	for (size_t i = 0; i < array_size(dump_names); i++) {
		_cleanup_free_ char *path = name_in(dump, dump_names[i]);

		if (!path)
			return error_new(ERROR_NOMEM, "out of memory");
		if (exists(path))
			return strcmp(dump_names[i], "vmcore.1") == 0 ? open_parts(dump) : open_file(dump, path);
	}
	if (!encrypted)
		return error_new(ERROR_NOMEM, "out of memory");
	if (exists(encrypted))
		return say_encrypted(dump->path);
	return error_new(ERROR_BAD_DATA, "%s: there is no vmcore in this directory", dump->path);
}

// The dump that a process runs commands on.
static const struct inspect_dump *adopted;

void inspect_dump_adopt(const struct inspect_dump *dump)
{
	adopted = dump;
}

struct error *inspect_dump_parse(int argc, char **argv, unsigned int options, size_t most_words,
                                 struct inspect_dump *ret)
{
	*ret = (struct inspect_dump){0};
	return parse(argc, argv, options, most_words, ret);
}

struct error *inspect_dump_open_files(struct inspect_dump *dump)
{
	struct stat info;

	if (adopted) {
		dump->core = adopted->core;
		return NULL;
	}
	if (stat(dump->path, &info) == 0 && S_ISDIR(info.st_mode))
		return open_directory(dump);
	return open_file(dump, dump->path);
}

struct error *inspect_dump_open(int argc, char **argv, unsigned int options, size_t most_words,
                                struct inspect_dump *ret)
{
	struct error *err = inspect_dump_parse(argc, argv, options, most_words, ret);

	return err ? err : inspect_dump_open_files(ret);
}

// Where the map of a dump may be: in its directory, behind its name, beside it.
static struct error *find_map(const struct inspect_dump *dump, char **path_ret)
{
	const char *slash = strrchr(dump->path, '/');
	int folder = slash ? (int)(slash - dump->path) + 1 : 0;
	char *path = NULL;
	struct stat info;

	if (stat(dump->path, &info) == 0 && S_ISDIR(info.st_mode)) {
		if (asprintf(&path, "%s/" SAVE_MAP_NAME, dump->path) < 0)
			return error_new(ERROR_NOMEM, "out of memory");
	} else {
		if (asprintf(&path, "%s.pagemap", dump->path) < 0)
			return error_new(ERROR_NOMEM, "out of memory");
		if (!exists(path)) {
			free(path);
			if (asprintf(&path, "%.*s" SAVE_MAP_NAME, folder, dump->path) < 0)
				return error_new(ERROR_NOMEM, "out of memory");
		}
	}
	*path_ret = path;
	return NULL;
}

struct error *inspect_dump_map(const struct inspect_dump *dump, int *fd_ret, struct pagemap_reader **ret)
{
	_cleanup_free_ char *found = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_(pagemap_reader_destroyp) struct pagemap_reader *map = NULL;
	const char *path = dump->map_path;
	struct error *err = NULL;

	*ret = NULL;
	if (path && strcmp(path, "-") == 0)
		return NULL;
	if (!path)
		err = find_map(dump, &found);
	if (err)
		return err;
	path = path ? path : found;
	// What lies there may be anything: a pipe would wait without end.
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT && !dump->map_path)
		return NULL;
	if (fd < 0)
		return error_os(errno, "%s", path);
	err = pagemap_reader_create(fd, &map);
	if (!err)
		err = presence_check_map(dump->core, map);
	if (err)
		return error_wrap(err, "%s (--map - goes without it)", path);
	*fd_ret = take_fd(&fd);
	*ret = take_ptr(map);
	return NULL;
}

struct error *inspect_dump_machine(struct inspect_dump *dump)
{
	if (adopted) {
		dump->machine = adopted->machine;
		return NULL;
	}
	return error_wrap(machine_open(dump->core, MACHINE_TASKS, &dump->machine), "%s", dump->path);
}

void inspect_dump_deinit(struct inspect_dump *dump)
{
	if (!adopted) {
		machine_close(dump->machine);
		vmcore_close(dump->core);
	}
	for (size_t i = 0; i < dump->file_count; i++)
		free(dump->files[i]);
}

// The first symbol of a name is taken.
static void take_symbol(void *context, const struct symbols_place *place)
{
	uint64_t *vaddr = context;

	if (!*vaddr)
		*vaddr = place->vaddr;
}

struct error *inspect_dump_address(const struct inspect_dump *dump, const char *word, uint64_t *ret)
{
	const char *plus = strchr(word, '+');
	_cleanup_free_ char *name = plus ? strndup(word, (size_t)(plus - word)) : strdup(word);
	uint64_t offset = 0, vaddr = 0;
	struct error *err = plus ? inspect_dump_number(plus + 1, word, UINT64_MAX, &offset) : NULL;
	char *end;

	if (!name)
		return error_new(ERROR_NOMEM, "out of memory");
	if (err)
		return err;
	errno = 0;
	vaddr = strtoull(name, &end, 16);
	// Some symbols look like hexadecimal numbers: those of the kernel's addresses have 16 digits.
	if (errno || *end || end == name) {
		vaddr = 0;
		err = symbols_each(dump->machine->symbols, name, take_symbol, &vaddr);
		if (!err && !vaddr)
			err = error_new(ERROR_BAD_DATA, "there is no symbol %s", name);
	}
	if (!err)
		*ret = vaddr + offset;
	return err;
}

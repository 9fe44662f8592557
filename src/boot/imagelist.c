// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/imagelist.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "boot/cpio_reader.h"

enum {
	TEXT_MAX_BYTES = 1 << 20,
	// As the kernel: MAXSYMLINKS.
	LINKS_MAX = 40,
};

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the list of an initramfs");
}

static bool is_wanted(const struct cpio_reader_entry *entry, const char *const *texts)
{
	if (S_ISLNK(entry->mode))
		return entry->size_bytes < PATH_MAX;
	if (!S_ISREG(entry->mode) || entry->size_bytes >= TEXT_MAX_BYTES)
		return false;
	for (; *texts; texts++)
		if (fnmatch(*texts, entry->name, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static struct error *add(struct imagelist *list, size_t *room, const struct cpio_reader_entry *entry)
{
	if (list->count == *room) {
		size_t more = *room ? 2 * *room : 256;
		struct imagelist_file *grown = realloc(list->files, more * sizeof(*grown));

		if (!grown)
			return no_memory();
		list->files = grown;
		*room = more;
	}
	list->files[list->count] = (struct imagelist_file){
		.name = strdup(entry->name),
		.mode = entry->mode,
		.size_bytes = entry->size_bytes,
		.links = entry->links,
		.number = (unsigned int)list->count,
	};
	return list->files[list->count++].name ? NULL : no_memory();
}

static int compare_names(const void *one, const void *other)
{
	const struct imagelist_file *left = one, *right = other;

	return strcmp(left->name, right->name);
}

// Those of one name in the order in which they were read.
static int compare(const void *one, const void *other)
{
	const struct imagelist_file *left = one, *right = other;
	int order = compare_names(one, other);

	return order ? order : left->number < right->number ? -1 : left->number > right->number;
}

static void file_deinit(struct imagelist_file *file)
{
	free(file->name);
	free(file->text);
}

static void drop_first_ones(struct imagelist *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (i + 1 < list->count && strcmp(list->files[i].name, list->files[i + 1].name) == 0)
			file_deinit(&list->files[i]);
		else
			list->files[kept++] = list->files[i];
	}
	list->count = kept;
}

static struct error *read_entries(int fd, const char *const *texts, struct imagelist *list)
{
	_cleanup_(cpio_reader_closep) struct cpio_reader *reader = NULL;
	const struct cpio_reader_entry *entry = NULL;
	size_t room = 0;
	struct error *err = cpio_reader_open(fd, &reader);

	if (!err)
		err = cpio_reader_next(reader, &entry);
	while (!err && entry) {
		err = add(list, &room, entry);
		if (!err && is_wanted(entry, texts))
			err = cpio_reader_content(reader, TEXT_MAX_BYTES, &list->files[list->count - 1].text);
		if (!err)
			err = cpio_reader_next(reader, &entry);
	}
	return err;
}

struct error *imagelist_read(const struct host *host, const char *path, const char *const *texts, struct imagelist *ret)
{
	_cleanup_imagelist_ struct imagelist list = {0};
	_cleanup_close_ int fd = -1;
	struct error *err = host_open(host, path, O_RDONLY, 0, &fd);

	if (!err)
		err = error_wrap(read_entries(fd, texts, &list), "%s", path);
	if (err)
		return err;
	if (list.count) {
		qsort(list.files, list.count, sizeof(*list.files), compare);
		drop_first_ones(&list);
	}
	*ret = list;
	list = (struct imagelist){0};
	return NULL;
}

static const struct imagelist_file *find_name(const struct imagelist *list, const char *name)
{
	struct imagelist_file key = {.name = (char *)name};

	return list->count ? bsearch(&key, list->files, list->count, sizeof(key), compare_names) : NULL;
}

// The path with the first link in it replaced; the file where there is none. Both NULL: it leads nowhere.
static struct error *step(const struct imagelist *list, const char *path, char **next_ret,
                          const struct imagelist_file **ret)
{
	_cleanup_free_ char *name = calloc(1, strlen(path) + 1);
	char *end = name;

	*next_ret = NULL;
	*ret = NULL;
	if (!name)
		return no_memory();
	// "." and nothing are skipped, ".." takes a word away.
	for (const char *at = path; *at;) {
		const char *word = at + strspn(at, "/");
		size_t size = strcspn(word, "/");
		char *before = end;

		at = word + size;
		if (!size || (size == 1 && *word == '.'))
			continue;
		if (size == 2 && strncmp(word, "..", 2) == 0) {
			char *slash = strrchr(name, '/');

			end = slash ? slash : name;
			*end = '\0';
			continue;
		}
		if (end != name)
			*end++ = '/';
		memcpy(end, word, size);
		end += size;
		*end = '\0';
		*ret = find_name(list, name);
		if (*ret && S_ISLNK((*ret)->mode)) {
			const char *target = (*ret)->text ? (*ret)->text : "";
			int bytes;

			*before = '\0';
			bytes = asprintf(next_ret, "%s/%s%s", *target == '/' ? "" : name, target, at);
			*ret = NULL;
			if (bytes < 0)
				*next_ret = NULL;
			return bytes < 0 ? no_memory() : NULL;
		}
	}
	*ret = find_name(list, name);
	// The root cannot be one.
	if (*ret && S_ISLNK((*ret)->mode))
		*ret = NULL;
	return NULL;
}

struct error *imagelist_find(const struct imagelist *list, const char *path, const struct imagelist_file **ret)
{
	_cleanup_free_ char *now = strdup(path);
	struct error *err = now ? NULL : no_memory();

	*ret = NULL;
	for (int i = 0; i < LINKS_MAX && !err && now && strlen(now) < PATH_MAX; i++) {
		char *next = NULL;

		err = step(list, now, &next, ret);
		free(now);
		now = next;
	}
	if (err || now)
		*ret = NULL;
	return err;
}

void imagelist_deinit(struct imagelist *list)
{
	for (size_t i = 0; i < list->count; i++)
		file_deinit(&list->files[i]);
	free(list->files);
	*list = (struct imagelist){0};
}

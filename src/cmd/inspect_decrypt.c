// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/inspect_decrypt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/host.h"
#include "base/io.h"
#include "boot/words.h"
#include "cmd/inspect_output.h"
#include "core/flatfile.h"
#include "dump/age.h"
#include "dump/age_reader.h"
#include "dump/rearrange.h"
#include "dump/sink.h"

enum { IDENTITY_MAX_BYTES = 1 << 20, PIECE_BYTES = 256 << 10 };

static const char age_end[] = ".age", flat_end[] = ".flat";

struct decrypt {
	const char *identity_path, *input, *output;
	bool is_partial; // What could be saved of a file that is cut is kept.
	struct age_identity *identities;
	size_t identity_count;
};

static bool has_end(const char *name, const char *end)
{
	size_t size = strlen(name), end_size = strlen(end);

	return size > end_size && strcmp(name + size - end_size, end) == 0;
}

static struct error *copy_plain(struct age_reader *reader, struct sink *sink, uint64_t *bytes_ret)
{
	_cleanup_free_ char *piece = malloc(PIECE_BYTES);
	struct error *err = NULL, *cut = NULL;
	size_t got = PIECE_BYTES;

	*bytes_ret = 0;
	if (!piece)
		return error_new(ERROR_NOMEM, "no memory to decrypt");
	while (!err && !cut && got == PIECE_BYTES) {
		cut = age_reader_read(reader, piece, PIECE_BYTES, &got);
		err = got ? sink_write(sink, *bytes_ret, piece, got) : NULL;
		*bytes_ret += got;
	}
	if (!err)
		err = sink_finish(sink, *bytes_ret);
	if (!cut)
		return err;
	error_free(err);
	return cut;
}

static struct error *check_end(struct age_reader *reader)
{
	const uint8_t *bytes;
	size_t size;
	struct error *err = age_reader_peek(reader, &bytes, &size);

	return err || !size ? err : error_new(ERROR_BAD_DATA, "there is more behind the end of the flattened stream");
}

// What is in a file. bytes_ret: of the output, on error too.
static struct error *write_content(struct age_reader *reader, bool is_flat, int fd, uint64_t *bytes_ret)
{
	_cleanup_(sink_destroyp) struct sink *sink = NULL;
	struct rearrange_stats stats = {0};
	struct error *err = sink_file_create(fd, &sink);

	if (!err && !is_flat)
		return copy_plain(reader, sink, bytes_ret);
	if (!err)
		err = rearrange_run_from(age_reader_read, reader, sink, &stats);
	*bytes_ret = stats.file_bytes;
	// The mark of the end is not that of the file: all of it must be authentic.
	return err ? err : check_end(reader);
}

static struct error *open_input(int dir_fd, const char *path, int *fd_ret)
{
	_cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat info;

	if (fd < 0 || fstat(fd, &info) < 0)
		return error_os(errno, "%s", path);
	if (!S_ISREG(info.st_mode))
		return error_new(ERROR_USAGE, "%s is no file", path);
	*fd_ret = take_fd(&fd);
	return NULL;
}

// Name of the output: without the ends that say how the bytes are packed.
static char *output_name(const char *input, bool is_flat)
{
	char *name = strdup(input);

	if (name && has_end(name, age_end))
		name[strlen(name) - strlen(age_end)] = '\0';
	if (name && is_flat && has_end(name, flat_end))
		name[strlen(name) - strlen(flat_end)] = '\0';
	return name;
}

// output: NULL: beside the input.
static struct error *decrypt_to(const struct decrypt *job, struct age_reader *reader, const char *input,
                                const char *output)
{
	_cleanup_inspect_output_ struct inspect_output made = INSPECT_OUTPUT_NONE;
	_cleanup_free_ char *name = NULL;
	const uint8_t *head;
	uint64_t bytes = 0;
	size_t size = 0;
	struct error *late, *err = age_reader_peek(reader, &head, &size);
	bool is_flat = !err && flatfile_probe(head, size);

	if (err)
		return err;
	name = output ? strdup(output) : output_name(input, is_flat);
	if (!name)
		return error_new(ERROR_NOMEM, "no memory for a name");
	if (!output && strcmp(name, input) == 0)
		return error_new(ERROR_USAGE, "its name does not end in %s: say -o OUTPUT", age_end);
	err = inspect_output_open(name, false, &made);
	if (err)
		return err;
	err = write_content(reader, is_flat, made.fd, &bytes);
	if (err && !(job->is_partial && err->code == ERROR_BAD_DATA && bytes))
		return err;
	late = inspect_output_finish(&made);
	if (err && !late)
		fprintf(stderr, "kdump-inspect: %s: a part, of %ju bytes, is kept\n", name, (uintmax_t)bytes);
	else if (!late)
		printf("%s: %ju bytes%s\n", name, (uintmax_t)bytes, is_flat ? ", rearranged" : "");
	if (err)
		error_free(late);
	return err ? err : late;
}

static struct error *decrypt_file(const struct decrypt *job, const char *input, const char *output)
{
	_cleanup_(age_reader_closep) struct age_reader *reader = NULL;
	_cleanup_close_ int fd = -1;
	struct error *err = open_input(AT_FDCWD, input, &fd);

	if (!err)
		err = age_reader_open(fd, job->identities, job->identity_count, &reader);
	if (!err)
		err = decrypt_to(job, reader, input, output);
	return error_wrap(err, "%s", input);
}

// "DIR/NAME" of what is made of an input, in another directory.
static char *path_in(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s%s%s", dir, has_end(dir, "/") ? "" : "/", name) < 0 ? NULL : path;
}

static struct error *list_encrypted(const char *dir, struct words *ret)
{
	_cleanup_closedir_ DIR *stream = opendir(dir);

	if (!stream)
		return error_os(errno, "%s", dir);
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream))
		if (*entry->d_name != '.' && has_end(entry->d_name, age_end))
			words_add(ret, entry->d_name);
	return words_check(ret);
}

// All that is encrypted in a dump. What cannot be decrypted does not keep the rest back; the first error is told at the end.
static struct error *decrypt_directory(const struct decrypt *job)
{
	_cleanup_words_ struct words names = {0};
	struct error *first = NULL, *err = list_encrypted(job->input, &names);

	if (!err && !names.count)
		err = error_new(ERROR_USAGE, "nothing in %s is encrypted: no name ends in %s", job->input, age_end);
	if (err)
		return err;
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_free_ char *input = path_in(job->input, names.list[i]), *output = NULL;
		char *name = output_name(names.list[i], true);

		if (name && job->output)
			output = path_in(job->output, name);
		if (!input || !name || (job->output && !output))
			err = error_new(ERROR_NOMEM, "no memory for a path");
		else
			err = decrypt_file(job, input, output);
		free(name);
		if (first && err)
			fprintf(stderr, "kdump-inspect: %s\n", err->text);
		if (first)
			error_free(err);
		else
			first = err;
	}
	return first;
}

static struct error *read_identities(struct decrypt *job)
{
	_cleanup_close_ int fd = open(job->identity_path, O_RDONLY | O_CLOEXEC);
	struct error *err;
	char *text = NULL;
	size_t size = 0;

	if (fd < 0)
		return error_os(errno, "%s", job->identity_path);
	err = io_read_all(fd, IDENTITY_MAX_BYTES, &text, &size);
	if (!err)
		err = age_identities_parse(text, &job->identities, &job->identity_count);
	if (text)
		explicit_bzero(text, size);
	free(text);
	return error_wrap(err, "%s", job->identity_path);
}

static struct error *parse(int argc, char **argv, struct decrypt *job)
{
	enum { OPTION_PARTIAL = 256 };
	static const struct option longs[] = {
		{"identity", required_argument, NULL, 'i'},
		{"output", required_argument, NULL, 'o'},
		{"partial", no_argument, NULL, OPTION_PARTIAL},
		{NULL, 0, NULL, 0},
	};
	int option;

	// The words of a command are numbered anew.
	optind = 0;
	while ((option = getopt_long(argc, argv, "i:o:", longs, NULL)) >= 0) {
		switch (option) {
		case 'i':
			job->identity_path = optarg;
			break;
		case 'o':
			job->output = optarg;
			break;
		case OPTION_PARTIAL:
			job->is_partial = true;
			break;
		default:
			return error_new(ERROR_USAGE, "decrypt " INSPECT_DECRYPT_USAGE);
		}
	}
	if (optind + 1 != argc || !job->identity_path)
		return error_new(ERROR_USAGE, "decrypt " INSPECT_DECRYPT_USAGE);
	job->input = argv[optind];
	return NULL;
}

struct error *inspect_decrypt(int argc, char **argv)
{
	struct decrypt job = {0};
	struct stat info;
	struct error *err = parse(argc, argv, &job);

	if (!err && !age_is_there())
		err = age_missing();
	if (!err && stat(job.input, &info) < 0)
		err = error_os(errno, "%s", job.input);
	if (!err)
		err = read_identities(&job);
	if (!err)
		err = S_ISDIR(info.st_mode) ? decrypt_directory(&job) : decrypt_file(&job, job.input, job.output);
	age_identities_free(job.identities, job.identity_count);
	return err;
}

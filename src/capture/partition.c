// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/partition.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

enum {
	PIECE_BYTES = 1 << 20,
	// What a power cut may cost of a dump that could be written on its own time.
	TELL_BYTES = 64 << 20,
	// Of the room that a large file finds, so much is left for the page map, which has some bytes for each page, and the log.
	KEPT_SHARE = 64,
	KEPT_MIN_BYTES = 1 << 20,
	KEPT_MAX_BYTES = 256 << 20,
};

static_assert(PIECE_BYTES % PARTITION_BLOCK_BYTES == 0 && TELL_BYTES % PIECE_BYTES == 0, "pieces hold whole blocks");

static uint64_t align_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

struct error *partition_open(const char *path, int *fd_ret)
{
	int fd = open(path, O_RDWR | O_EXCL | O_DIRECT | O_CLOEXEC);

	if (fd < 0 && errno == EINVAL)
		fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		return error_os(errno, "open %s", path);
	*fd_ret = fd;
	return NULL;
}

struct error *partition_init(int fd, struct partition *ret)
{
	off_t size = lseek(fd, 0, SEEK_END);
	void *piece = NULL;

	if (size < 0)
		return error_os(errno, "size of the partition");
	if (size < PARTITION_HEAD_BYTES + PARTITION_TAIL_BYTES + PARTITION_ALIGN_BYTES)
		return error_new(ERROR_NOSPC, "the partition has %ju bytes, in which no dump has room",
		                 (uintmax_t)size);
	if (posix_memalign(&piece, PARTITION_BLOCK_BYTES, PIECE_BYTES))
		return error_new(ERROR_NOMEM, "no memory to access the partition");
	*ret = (struct partition){
		.fd = fd,
		.limit_bytes = ((uint64_t)size - PARTITION_TAIL_BYTES) / PARTITION_BLOCK_BYTES * PARTITION_BLOCK_BYTES,
		.piece = piece,
	};
	return NULL;
}

void partition_deinit(struct partition *partition)
{
	free(partition->piece);
	*partition = (struct partition){0};
}

// Into the piece.
static struct error *load(struct partition *partition, uint64_t offset_bytes, size_t size_bytes)
{
	size_t got = 0;
	struct error *err = io_pread(partition->fd, partition->piece, size_bytes, offset_bytes, &got);

	if (!err && got < size_bytes)
		err = error_new(ERROR_BAD_DATA, "it ends");
	return error_wrap(err, "read the partition at offset %ju", (uintmax_t)offset_bytes);
}

// From the piece.
static struct error *store(struct partition *partition, uint64_t offset_bytes, size_t size_bytes)
{
	return error_wrap(io_pwrite(partition->fd, partition->piece, size_bytes, offset_bytes),
	                  "write to the partition at offset %ju", (uintmax_t)offset_bytes);
}

static struct error *sync_data(const struct partition *partition)
{
	return fdatasync(partition->fd) < 0 ? error_os(errno, "fdatasync of the partition") : NULL;
}

static struct error *read_record(struct partition *partition, uint64_t offset_bytes, const uint8_t *chain,
                                 struct partition_record *ret, bool *is_found_ret)
{
	struct partition_record records[2];
	struct error *err;
	int best = -1;

	*is_found_ret = false;
	if (offset_bytes > partition->limit_bytes || partition->limit_bytes - offset_bytes < PARTITION_HEADERS_BYTES)
		return NULL;
	err = load(partition, offset_bytes, PARTITION_HEADERS_BYTES);
	if (err)
		return err;
	for (int i = 0; i < 2; i++) {
		if (!partition_parse(partition->piece + i * PARTITION_BLOCK_BYTES, offset_bytes, partition->limit_bytes,
		                     &records[i]))
			continue;
		if (chain && memcmp(records[i].chain, chain, PARTITION_CHAIN_BYTES) != 0)
			continue;
		if (best < 0 || records[i].generation > records[best].generation)
			best = i;
	}
	if (best < 0)
		return NULL;
	*ret = records[best];
	*is_found_ret = true;
	return NULL;
}

// Nothing but a header that was written into this chain is believed: any bytes may lie behind its end, among them those of the
// memory of a kernel that crashed before.
struct error *partition_next(struct partition *partition, const struct partition_record *previous,
                             struct partition_record *ret, bool *is_found_ret)
{
	uint8_t chain[PARTITION_CHAIN_BYTES];

	if (!previous)
		return read_record(partition, 0, NULL, ret, is_found_ret);
	memcpy(chain, previous->chain, sizeof(chain));
	return read_record(partition, align_up(partition_next_place(previous), PARTITION_ALIGN_BYTES), chain, ret,
	                   is_found_ret);
}

struct error *partition_find(struct partition *partition, const char *name, struct partition_record *ret)
{
	struct partition_record record;
	bool is_there, is_found = false;
	struct error *err = partition_next(partition, NULL, &record, &is_there);

	while (!err && is_there) {
		if (strcmp(record.name, name) == 0) {
			*ret = record;
			is_found = true;
		}
		err = partition_next(partition, &record, &record, &is_there);
	}
	return err || is_found ? err : error_new(ERROR_BAD_DATA, "%s is not on the partition", name);
}

// No secret: what was in memory before the crash must not know it.
static void make_chain(const char *name, uint8_t ret[PARTITION_CHAIN_BYTES])
{
	uint8_t random[32] = {0}, digest[SHA256_DIGEST_BYTES];
	uint64_t now_ms = clock_now_ms();
	struct sha256 sha;

	// A kernel that has no good ones yet has some.
	if (getrandom(random, sizeof(random), GRND_NONBLOCK) < 0)
		(void)!getrandom(random, sizeof(random), GRND_INSECURE);
	sha256_init(&sha);
	sha256_update(&sha, random, sizeof(random));
	sha256_update(&sha, &now_ms, sizeof(now_ms));
	sha256_update(&sha, name, strlen(name));
	sha256_final(&sha, digest);
	memcpy(ret, digest, PARTITION_CHAIN_BYTES);
}

static struct error *erase_headers(struct partition *partition, uint64_t offset_bytes)
{
	struct error *err;

	memset(partition->piece, 0, PARTITION_HEADERS_BYTES);
	err = store(partition, offset_bytes, PARTITION_HEADERS_BYTES);
	return err ? err : sync_data(partition);
}

struct error *partition_create(struct partition *partition, const char *name, struct partition_record *ret)
{
	struct partition_record record = {.state = PARTITION_INCOMPLETE}, last;
	bool is_found;
	size_t count = 0;
	struct error *err = partition_next(partition, NULL, &last, &is_found);

	if (snprintf(record.name, sizeof(record.name), "%s", name) >= (int)sizeof(record.name) ||
	    !partition_is_dump_name(record.name))
		err = err ? err : error_new(ERROR_BAD_DATA, "\"%s\" is no name of a dump", name);
	make_chain(name, record.chain);
	while (!err && is_found) {
		count++;
		memcpy(record.chain, last.chain, sizeof(record.chain));
		record.offset_bytes = align_up(partition_next_place(&last), PARTITION_ALIGN_BYTES);
		err = partition_next(partition, &last, &last, &is_found);
	}
	if (!err && partition_first_place(record.offset_bytes) + KEPT_MIN_BYTES > partition->limit_bytes)
		err = error_new(
			ERROR_NOSPC,
			"no room is left on the partition behind %zu dump%s that kdumpctl start has not taken out yet",
			count, count == 1 ? "" : "s");
	if (!err)
		err = partition_write(partition, &record);
	if (!err)
		*ret = record;
	return err;
}

struct error *partition_write(struct partition *partition, struct partition_record *record)
{
	struct error *err = sync_data(partition);

	if (err)
		return err;
	// A write that failed may have torn its block: the next one goes to the same, since the other holds the last good header.
	record->generation++;
	partition_format(record, partition->piece);
	err = store(partition, record->offset_bytes + record->generation % 2 * PARTITION_BLOCK_BYTES,
	            PARTITION_BLOCK_BYTES);
	if (!err)
		err = sync_data(partition);
	if (err)
		record->generation--;
	return err;
}

uint64_t partition_room(const struct partition *partition, const struct partition_record *record)
{
	uint64_t place = partition_next_place(record), room, kept;

	if (place >= partition->limit_bytes)
		return 0;
	room = partition->limit_bytes - place;
	kept = room / KEPT_SHARE;
	kept = kept < KEPT_MIN_BYTES ? KEPT_MIN_BYTES : kept > KEPT_MAX_BYTES ? KEPT_MAX_BYTES : kept;
	return room > kept ? (room - kept) / PARTITION_BLOCK_BYTES * PARTITION_BLOCK_BYTES : 0;
}

// In memory only.
static bool forget_file(struct partition_record *record, const char *name)
{
	const struct partition_file *file = partition_file(record, name);
	size_t index = file ? (size_t)(file - record->files) : 0;

	if (!file)
		return false;
	memmove(&record->files[index], &record->files[index + 1],
	        (record->count - index - 1) * sizeof(record->files[0]));
	record->count--;
	return true;
}

struct error *partition_remove(struct partition *partition, struct partition_record *record, const char *name)
{
	return forget_file(record, name) ? partition_write(partition, record) : NULL;
}

// A file behind the others, without its content.
static struct error *add_file(struct partition_record *record, const char *name, struct partition_file *ret)
{
	*ret = (struct partition_file){.offset_bytes = partition_next_place(record)};
	if (snprintf(ret->name, sizeof(ret->name), "%s", name) >= (int)sizeof(ret->name) ||
	    !partition_is_file_name(ret->name))
		return error_new(ERROR_UNSUPPORTED, "a file on a raw partition cannot have the name \"%s\"", name);
	if (record->count == PARTITION_FILES_MAX)
		return error_new(ERROR_UNSUPPORTED, "%s: a dump on a raw partition has %d files at most", name,
		                 PARTITION_FILES_MAX);
	return NULL;
}

// The next bytes of a file, from the piece.
static struct error *append(struct partition *partition, struct partition_file *file, uint64_t limit_bytes,
                            size_t size_bytes)
{
	size_t whole = align_up(size_bytes, PARTITION_BLOCK_BYTES);
	uint64_t place = file->offset_bytes + file->size_bytes;
	struct error *err;

	if (place > limit_bytes || whole > limit_bytes - place)
		return error_new(ERROR_NOSPC, "%s: no room is left on the partition", file->name);
	memset(partition->piece + size_bytes, 0, whole - size_bytes);
	err = store(partition, place, whole);
	if (!err)
		file->size_bytes += size_bytes;
	return err;
}

struct error *partition_put(struct partition *partition, struct partition_record *record, int fd, const char *name)
{
	const struct partition_file *same = partition_file(record, name);
	struct partition_record next = *record;
	struct partition_file file;
	struct error *err;
	struct sha256 sha;
	size_t got = 0;

	forget_file(&next, name);
	err = add_file(&next, name, &file);
	// Behind the one that it replaces, which is there until the header says otherwise.
	file.offset_bytes = partition_next_place(record);
	sha256_init(&sha);
	do {
		if (!err)
			err = io_pread(fd, partition->piece, PIECE_BYTES, file.size_bytes, &got);
		if (!err)
			sha256_update(&sha, partition->piece, got);
		if (!err && got)
			err = append(partition, &file, partition->limit_bytes, got);
	} while (!err && got == PIECE_BYTES);
	if (err)
		return err;
	sha256_final(&sha, file.sum);
	file.has_sum = true;
	if (same && same->has_sum && same->size_bytes == file.size_bytes &&
	    memcmp(same->sum, file.sum, sizeof(file.sum)) == 0)
		return NULL;
	next.files[next.count++] = file;
	err = partition_write(partition, &next);
	if (!err)
		*record = next;
	return err;
}

struct error *partition_trim(struct partition *partition)
{
	for (;;) {
		struct partition_record record, last = {.taken = PARTITION_KEPT};
		bool is_found;
		struct error *err = partition_next(partition, NULL, &record, &is_found);

		while (!err && is_found) {
			last = record;
			err = partition_next(partition, &record, &record, &is_found);
		}
		if (err || last.taken != PARTITION_TAKEN)
			return err;
		err = erase_headers(partition, last.offset_bytes);
		if (err)
			return err;
	}
}

struct partition_sink {
	struct sink sink;
	struct partition *partition;
	struct partition_record *record; // Its last file is this one.
	uint64_t limit_bytes;
	uint64_t next_bytes; // Where the next write must be.
	uint64_t told_bytes; // Of the header.
	size_t held_bytes; // In the piece.
	struct sha256 sha;
	bool is_finished;
	bool is_broken;
};

static struct partition_file *sink_file(const struct partition_sink *sink)
{
	return &sink->record->files[sink->record->count - 1];
}

static struct error *flush(struct partition_sink *sink)
{
	struct error *err;

	if (!sink->held_bytes)
		return NULL;
	sha256_update(&sink->sha, sink->partition->piece, sink->held_bytes);
	err = append(sink->partition, sink_file(sink), sink->limit_bytes, sink->held_bytes);
	sink->held_bytes = 0;
	sink->is_broken = err != NULL;
	return err;
}

static struct error *take_part(struct partition_sink *sink, const uint8_t *bytes, size_t size_bytes)
{
	while (size_bytes) {
		size_t room = PIECE_BYTES - sink->held_bytes, part = size_bytes < room ? size_bytes : room;
		struct error *err = NULL;

		memcpy(sink->partition->piece + sink->held_bytes, bytes, part);
		sink->held_bytes += part;
		bytes += part;
		size_bytes -= part;
		if (sink->held_bytes == PIECE_BYTES)
			err = flush(sink);
		if (!err && !sink->held_bytes && sink_file(sink)->size_bytes - sink->told_bytes >= TELL_BYTES) {
			sink->told_bytes = sink_file(sink)->size_bytes;
			err = partition_write(sink->partition, sink->record);
			sink->is_broken = err != NULL;
		}
		if (err)
			return err;
	}
	return NULL;
}

static struct error *partition_sink_write(struct sink *base, uint64_t offset_bytes, const struct iovec *parts,
                                          size_t count)
{
	struct partition_sink *sink = (struct partition_sink *)base;
	struct error *err = NULL;

	if (sink->is_broken)
		return error_new(ERROR_CANCELED, "what was to be written before is missing");
	if (offset_bytes != sink->next_bytes)
		return error_new(ERROR_UNSUPPORTED, "a raw partition is written in order, not at %ju after %ju",
		                 (uintmax_t)offset_bytes, (uintmax_t)sink->next_bytes);
	for (size_t i = 0; !err && i < count; i++) {
		err = take_part(sink, parts[i].iov_base, parts[i].iov_len);
		sink->next_bytes += parts[i].iov_len;
	}
	return err;
}

static struct error *partition_sink_finish(struct sink *base, uint64_t file_bytes)
{
	struct partition_sink *sink = (struct partition_sink *)base;
	struct partition_file *file = sink_file(sink);
	struct error *err;

	if (sink->is_broken || file_bytes != sink->next_bytes)
		return error_new(ERROR_CANCELED, "what was to be written before is missing");
	err = flush(sink);
	if (err)
		return err;
	sha256_final(&sink->sha, file->sum);
	file->has_sum = true;
	sink->is_finished = true;
	return partition_write(sink->partition, sink->record);
}

static void partition_sink_destroy(struct sink *base)
{
	struct partition_sink *sink = (struct partition_sink *)base;
	struct error *err = NULL;

	if (!sink->is_finished) {
		if (!sink->is_broken)
			err = flush(sink);
		error_free(err);
		error_free(partition_write(sink->partition, sink->record));
	}
	free(sink);
}

static const struct sink_ops partition_ops = {
	.write = partition_sink_write,
	.finish = partition_sink_finish,
	.destroy = partition_sink_destroy,
};

struct error *partition_sink_create(struct partition *partition, struct partition_record *record, const char *name,
                                    struct sink **ret)
{
	struct partition_sink *sink = calloc(1, sizeof(*sink));
	struct partition_file file;
	struct error *err = sink ? NULL : error_new(ERROR_NOMEM, "no memory to write to the partition");

	if (!err) {
		forget_file(record, name);
		err = add_file(record, name, &file);
	}
	if (!err) {
		*sink = (struct partition_sink){
			.sink = {.ops = &partition_ops},
			.partition = partition,
			.record = record,
			.limit_bytes = partition_next_place(record) + partition_room(partition, record),
		};
		sha256_init(&sink->sha);
		record->files[record->count++] = file;
		err = partition_write(partition, record);
	}
	if (err) {
		free(sink);
		return err;
	}
	*ret = &sink->sink;
	return NULL;
}

void partition_reader_init(struct partition_reader *ret, struct partition *partition, const struct partition_file *file)
{
	*ret = (struct partition_reader){.partition = partition, .file = file};
	sha256_init(&ret->sha);
}

// A block that cannot be read is zeros: what is behind it is worth having, and the checksum tells.
static struct error *load_blocks(struct partition_reader *reader, uint64_t offset_bytes, size_t size_bytes)
{
	_cleanup_free_ uint8_t *whole = calloc(1, size_bytes);

	if (!whole)
		return error_new(ERROR_NOMEM, "no memory for %zu bytes", size_bytes);
	for (size_t at = 0; at < size_bytes; at += PARTITION_BLOCK_BYTES) {
		_cleanup_error_ struct error *err = load(reader->partition, offset_bytes + at, PARTITION_BLOCK_BYTES);

		if (err)
			reader->unreadable_bytes += PARTITION_BLOCK_BYTES;
		else
			memcpy(whole + at, reader->partition->piece, PARTITION_BLOCK_BYTES);
	}
	memcpy(reader->partition->piece, whole, size_bytes);
	return NULL;
}

static struct error *load_next(struct partition_reader *reader)
{
	uint64_t left = reader->file->size_bytes - reader->place_bytes,
		 offset_bytes = reader->file->offset_bytes + reader->place_bytes;
	size_t part = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES,
	       size_bytes = align_up(part, PARTITION_BLOCK_BYTES);
	struct error *err = load(reader->partition, offset_bytes, size_bytes);

	reader->held_bytes = reader->used_bytes = 0;
	if (err) {
		error_free(err);
		err = load_blocks(reader, offset_bytes, size_bytes);
	}
	if (err)
		return err;
	sha256_update(&reader->sha, reader->partition->piece, part);
	reader->held_bytes = part;
	reader->place_bytes += part;
	return NULL;
}

struct error *partition_reader_read(void *context, void *buf, size_t size_bytes, size_t *got_ret)
{
	struct partition_reader *reader = context;
	uint8_t *to = buf;

	*got_ret = 0;
	while (*got_ret < size_bytes) {
		size_t there = reader->held_bytes - reader->used_bytes, wanted = size_bytes - *got_ret,
		       part = there < wanted ? there : wanted;

		if (!there && reader->place_bytes >= reader->file->size_bytes)
			return NULL;
		if (!there) {
			struct error *err = load_next(reader);

			if (err)
				return err;
			continue;
		}
		memcpy(to + *got_ret, reader->partition->piece + reader->used_bytes, part);
		reader->used_bytes += part;
		*got_ret += part;
	}
	return NULL;
}

struct error *partition_reader_check(struct partition_reader *reader)
{
	uint8_t digest[SHA256_DIGEST_BYTES];

	while (reader->place_bytes < reader->file->size_bytes) {
		struct error *err = load_next(reader);

		if (err)
			return err;
	}
	sha256_final(&reader->sha, digest);
	if (reader->unreadable_bytes)
		return error_new(ERROR_BAD_DATA, "%ju bytes could not be read and are zeros",
		                 (uintmax_t)reader->unreadable_bytes);
	if (reader->file->has_sum && memcmp(digest, reader->file->sum, sizeof(digest)) != 0)
		return error_new(ERROR_BAD_DATA, "its checksum is wrong");
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/inspect_lttng.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "cmd/inspect_folder.h"
#include "cmd/inspect_ondisk.h"
#include "report/lttng.h"
#include "report/lttng_reader.h"

// Of a trace that is on a disk already: its own packets, and those of the memory.
#define DISK_NAME "disk"
#define CRASH_NAME "crash"
enum { UUID_TEXT_BYTES = 2 * CTF_UUID_BYTES + 5 };

// What was written of a session.
struct written {
	char folder[INSPECT_FOLDER_NAME_BYTES]; // "": nothing.
	uint64_t channels; // That have packets.
	uint64_t streams, packets, unfinished, bytes;
	uint64_t on_disk; // Packets that were on the disk already.
	uint64_t lost; // Packets that are neither there nor in the memory.
	uint64_t damaged; // Packets, and what else could not be read.
	char why[KERNEL_WHY_BYTES]; // The first of these.
};

// All that is written.
struct job {
	struct lttng *lttng;
	struct inspect_folder folder;
	struct inspect_ondisk ondisk;
	const struct lttng_session *continued; // The session whose trace is on the disk; NULL: none.
	struct written *written; // Of each session.
};

static void job_deinit(struct job *job)
{
	inspect_folder_deinit(&job->folder);
	inspect_ondisk_deinit(&job->ondisk);
	free(job->written);
}

static void print_uuid(const uint8_t uuid[CTF_UUID_BYTES], char text[UUID_TEXT_BYTES])
{
	char *at = text;

	for (size_t i = 0; i < CTF_UUID_BYTES; i++)
		at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

static void note(struct written *written, const char *why)
{
	if (!written->damaged++)
		snprintf(written->why, sizeof(written->why), "%s", why);
}

static void note_error(struct written *written, struct error *err)
{
	char why[KERNEL_WHY_BYTES];

	kernel_explain(why, err);
	note(written, why);
}

static bool is_taken(const struct job *job, const char *name)
{
	if (job->continued && (strcmp(name, DISK_NAME) == 0 || strcmp(name, CRASH_NAME) == 0))
		return true;
	for (size_t i = 0; i < job->lttng->session_count; i++)
		if (strcmp(job->written[i].folder, name) == 0)
			return true;
	return false;
}

// Names of sessions need not differ, and are anything.
static void name_folder(const struct job *job, size_t number, char name[INSPECT_FOLDER_NAME_BYTES])
{
	const struct lttng_session *session = &job->lttng->sessions[number];
	char base[INSPECT_FOLDER_NAME_BYTES];

	if (session == job->continued) {
		snprintf(name, INSPECT_FOLDER_NAME_BYTES, CRASH_NAME);
		return;
	}
	inspect_folder_clean(*session->name ? session->name : "session", base);
	snprintf(name, INSPECT_FOLDER_NAME_BYTES, "%s", base);
	for (unsigned int i = 2; is_taken(job, name); i++)
		snprintf(name, INSPECT_FOLDER_NAME_BYTES, "%.60s-%u", base, i);
}

static struct error *write_metadata(int dir_fd, const char *text, size_t size)
{
	_cleanup_close_ int fd = -1;
	struct error *err = inspect_folder_create(dir_fd, "metadata", &fd);

	if (!err)
		err = io_write(fd, text, size);
	if (!err && fsync(fd) < 0)
		err = error_os(errno, "fsync");
	return error_wrap(err, "metadata");
}

// Whether a packet is wanted, and what is missing before it.
static bool is_new(const struct job *job, const struct lttng_session *session, const struct ctf_packet *packet,
                   bool is_first, struct written *written)
{
	uint64_t last = 0;

	if (session != job->continued || !inspect_ondisk_last(&job->ondisk, packet->stream, packet->instance, &last))
		return true;
	if (packet->sequence <= last) {
		written->on_disk++;
		return false;
	}
	if (is_first)
		written->lost += packet->sequence - last - 1;
	return true;
}

// The file is made for the first packet that comes into it.
static struct error *write_packets(const struct job *job, const struct lttng_session *session,
                                   struct lttng_reader *reader, int dir_fd, struct written *written, bool *is_any)
{
	_cleanup_close_ int fd = -1;
	struct lttng_reader_packet packet;
	struct error *err = NULL;

	while (!err && lttng_reader_next(reader, &packet)) {
		if (!is_new(job, session, &packet.header, fd < 0, written))
			continue;
		if (fd < 0) {
			char name[INSPECT_FOLDER_NAME_BYTES];

			snprintf(name, sizeof(name), "channel%" PRIu32 "_%" PRIu32, packet.header.stream,
			         packet.header.cpu);
			err = inspect_folder_create(dir_fd, name, &fd);
			written->streams++;
			*is_any = true;
		}
		if (!err)
			err = io_write(fd, packet.bytes, packet.size_bytes);
		written->packets++;
		written->unfinished += packet.is_unfinished;
		written->bytes += packet.size_bytes;
	}
	if (!err && fd >= 0 && fsync(fd) < 0)
		err = error_os(errno, "fsync");
	return err;
}

static struct error *write_channel(const struct job *job, const struct lttng_session *session,
                                   const struct lttng_channel *channel, int dir_fd, struct written *written)
{
	struct kernel *kernel = job->lttng->kernel;
	struct error *err = NULL;
	bool is_any = false;

	if (channel->why[0])
		note(written, channel->why);
	for (uint32_t cpu = 0; cpu < kernel->cpu_count && !channel->why[0] && !err; cpu++) {
		_cleanup_(lttng_reader_destroyp) struct lttng_reader *reader = NULL;
		char why[KERNEL_WHY_BYTES];
		uint64_t damaged;

		if (!kernel_cpu_is_in(kernel, KERNEL_CPU_POSSIBLE_MASK, cpu))
			continue;
		err = lttng_reader_create(job->lttng, session, channel, cpu, &reader);
		if (err) {
			note_error(written, error_wrap(take_ptr(err), "channel %u, CPU %u", channel->id, cpu));
			continue;
		}
		if (!reader)
			continue;
		err = write_packets(job, session, reader, dir_fd, written, &is_any);
		damaged = lttng_reader_damaged(reader, why);
		if (damaged)
			note(written, why);
		written->damaged += damaged ? damaged - 1 : 0;
	}
	written->channels += is_any;
	return err;
}

static struct error *write_disk_part(const struct job *job, const char *text, size_t size)
{
	_cleanup_close_ int dir_fd = -1;
	struct error *err = inspect_folder_make(&job->folder, DISK_NAME, &dir_fd);

	// That of the memory has all that is in the file on the disk, which may end anywhere.
	if (!err)
		err = write_metadata(dir_fd, text, size);
	if (!err)
		err = inspect_ondisk_copy(&job->ondisk, dir_fd);
	if (!err && fsync(dir_fd) < 0)
		err = error_os(errno, "fsync");
	return error_wrap(err, DISK_NAME);
}

static struct error *write_session(const struct job *job, size_t number)
{
	const struct lttng_session *session = &job->lttng->sessions[number];
	struct written *written = &job->written[number];
	char name[INSPECT_FOLDER_NAME_BYTES];
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int dir_fd = -1;
	size_t size = 0;
	struct error *err = lttng_metadata(job->lttng, session, &text, &size);

	if (session->why[0])
		note(written, session->why);
	if (err) {
		// Without it nothing can be read.
		note_error(written, err);
		return NULL;
	}
	name_folder(job, number, name);
	err = inspect_folder_make(&job->folder, name, &dir_fd);
	snprintf(written->folder, sizeof(written->folder), "%s", name);
	if (!err)
		err = write_metadata(dir_fd, text, size);
	for (size_t i = 0; i < session->channel_count && !err; i++)
		err = write_channel(job, session, &session->channels[i], dir_fd, written);
	if (!err && fsync(dir_fd) < 0)
		err = error_os(errno, "fsync");
	if (!err && session == job->continued)
		err = write_disk_part(job, text, size);
	return error_wrap(err, "%s", name);
}

static struct error *find_continued(struct job *job, const struct inspect_dump *dump, const char *partial)
{
	char text[UUID_TEXT_BYTES];
	struct error *err = inspect_ondisk_open(partial, dump->core->is_big_endian, &job->ondisk);

	if (err)
		return err;
	for (size_t i = 0; i < job->lttng->session_count; i++)
		if (memcmp(job->lttng->sessions[i].uuid, job->ondisk.uuid, CTF_UUID_BYTES) == 0)
			job->continued = &job->lttng->sessions[i];
	if (job->continued)
		return NULL;
	print_uuid(job->ondisk.uuid, text);
	return error_new(ERROR_USAGE, "%s: the trace %s is of no session of the dump", partial, text);
}

static void print_session(const struct lttng_session *session, const struct written *written)
{
	if (!*written->folder) {
		printf("session \"%s\": nothing can be written: %s\n", session->name, written->why);
		return;
	}
	printf("session \"%s\": %s/: %" PRIu64 " packets, %" PRIu64 " of them unfinished, %" PRIu64
	       " bytes, of %" PRIu64 " buffers of %" PRIu64 " channels",
	       session->name, written->folder, written->packets, written->unfinished, written->bytes, written->streams,
	       written->channels);
	if (written->on_disk)
		printf("; %" PRIu64 " more were on the disk", written->on_disk);
	if (written->lost)
		printf("; %" PRIu64 " packets before them are lost", written->lost);
	putchar('\n');
}

static void print_text(const struct job *job, const char *output)
{
	printf("%s: %zu sessions of LTTng-modules (%s)\n", output, job->lttng->session_count, job->lttng->types.from);
	for (size_t i = 0; i < job->lttng->session_count; i++)
		print_session(&job->lttng->sessions[i], &job->written[i]);
	if (job->continued)
		printf("trace on the disk: " DISK_NAME "/: %" PRIu64 " packets, %" PRIu64 " bytes; %" PRIu64
		       " bytes of %" PRIu64 " files are no whole packets and were left out\n",
		       job->ondisk.packets, job->ondisk.bytes, job->ondisk.cut_bytes, job->ondisk.cut_files);
}

static struct error *print_json(const struct job *job, const char *output)
{
	struct json json;

	json_init(&json, stdout);
	json_open_object(&json, NULL);
	json_text(&json, "directory", output);
	json_text(&json, "types", job->lttng->types.from);
	json_text(&json, "version", job->lttng->types.version[0] ? job->lttng->types.version : NULL);
	json_open_array(&json, "sessions");
	for (size_t i = 0; i < job->lttng->session_count; i++) {
		const struct lttng_session *session = &job->lttng->sessions[i];
		const struct written *written = &job->written[i];
		char uuid[UUID_TEXT_BYTES];

		print_uuid(session->uuid, uuid);
		json_open_object(&json, NULL);
		json_text(&json, "name", session->name);
		json_text(&json, "uuid", uuid);
		json_text(&json, "directory", written->folder[0] ? written->folder : NULL);
		json_number(&json, "channels", written->channels);
		json_number(&json, "streams", written->streams);
		json_number(&json, "packets", written->packets);
		json_number(&json, "unfinished_packets", written->unfinished);
		json_number(&json, "bytes", written->bytes);
		json_number(&json, "packets_on_disk", written->on_disk);
		json_number(&json, "lost_packets", written->lost);
		json_number(&json, "damaged", written->damaged);
		json_text(&json, "problem", written->damaged ? written->why : NULL);
		json_close(&json);
	}
	json_close(&json);
	if (job->continued) {
		json_open_object(&json, "disk");
		json_number(&json, "packets", job->ondisk.packets);
		json_number(&json, "bytes", job->ondisk.bytes);
		json_number(&json, "cut_bytes", job->ondisk.cut_bytes);
		json_number(&json, "cut_files", job->ondisk.cut_files);
		json_close(&json);
	}
	json_text(&json, "problem", job->lttng->why[0] ? job->lttng->why : NULL);
	json_close(&json);
	return json_finish(&json);
}

static struct error *tell_problems(const struct job *job)
{
	uint64_t damaged = 0;

	if (job->ondisk.other_files)
		fprintf(stderr,
		        "kdump-inspect: %" PRIu64 " files beside the trace on the disk have no whole packet of it\n",
		        job->ondisk.other_files);
	for (size_t i = 0; i < job->lttng->session_count; i++) {
		if (job->written[i].damaged)
			fprintf(stderr, "kdump-inspect: session \"%s\": %s\n", job->lttng->sessions[i].name,
			        job->written[i].why);
		damaged += job->written[i].damaged;
	}
	if (job->lttng->why[0])
		return error_new(ERROR_BAD_DATA, "there may be more sessions: %s", job->lttng->why);
	return damaged ? error_new(ERROR_BAD_DATA, "%" PRIu64 " packets or buffers could not be read", damaged) : NULL;
}

static struct error *write_all(struct job *job, const struct inspect_dump *dump, const char *output,
                               const char *partial)
{
	struct error *err = NULL;

	if (!job->lttng->session_count)
		return job->lttng->why[0]
		               ? error_new(ERROR_BAD_DATA, "no session of LTTng's can be read: %s", job->lttng->why)
		               : error_new(ERROR_BAD_DATA, "LTTng was loaded, and had no session");
	job->written = calloc(job->lttng->session_count, sizeof(*job->written));
	if (!job->written)
		return error_new(ERROR_NOMEM, "no memory for sessions");
	if (partial)
		err = find_continued(job, dump, partial);
	if (!err)
		err = inspect_folder_open(output, &job->folder);
	for (size_t i = 0; i < job->lttng->session_count && !err; i++)
		err = write_session(job, i);
	if (!err && fsync(job->folder.fd) < 0)
		err = error_os(errno, "fsync");
	if (!err)
		err = inspect_folder_finish(&job->folder);
	return err;
}

struct error *inspect_lttng_write(const struct inspect_dump *dump, const char *output, const char *partial)
{
	_cleanup_(lttng_closep) struct lttng *lttng = NULL;
	_cleanup_(job_deinit) struct job job = {.folder = INSPECT_FOLDER_NONE, .ondisk = INSPECT_ONDISK_NONE};
	struct error *err = lttng_open(dump->machine, &lttng);

	if (err)
		return error_wrap(err, "%s", dump->path);
	job.lttng = lttng;
	err = write_all(&job, dump, output, partial);
	if (err)
		return error_wrap(err, "%s", output);
	if (dump->is_json)
		err = print_json(&job, output);
	else
		print_text(&job, output);
	return err ? err : tell_problems(&job);
}

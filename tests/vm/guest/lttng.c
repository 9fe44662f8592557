// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lttng: the first and only program of a guest whose kernel is traced by LTTng-modules, of which it is session daemon and consumer.
 *
 * Three sessions: "lab" has a channel that is overwritten and never read, and one of which a consumer has read a part into a trace on
 * the disk, which ends in a packet that is not whole; "full" has one that discards events; the third one has a name that is no name of a
 * directory, and goes on until the panic. "@ready" is said when the first two record nothing more. Then the host gives one of two
 * orders: "read" has the tracer itself give out all that is in the buffers, which changes them; "crash" panics. From the same saved
 * state of the machine both see the same buffers. With the word "loads" it only tells where memory is, for lttng-session.
 *
 * The numbers are those of the ABI of LTTng-modules 2.13 (include/lttng/abi.h, include/ringbuffer/vfs.h).
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest.h"

#define NAME_BYTES 256
#define CPUS_MAX 8
#define CHANNELS_MAX 2

struct channel_order {
	uint64_t subbuf_size, num_subbuf;
	uint32_t switch_timer, read_timer, output;
	int32_t overwrite;
	char padding[NAME_BYTES + 32];
} __attribute__((packed));

struct event_order {
	char name[NAME_BYTES];
	uint32_t instrumentation;
	uint64_t token;
	char padding1[8], padding2[NAME_BYTES + 32];
} __attribute__((packed));

struct context_order {
	uint32_t context;
	char padding1[16], padding2[NAME_BYTES + 32];
} __attribute__((packed));

struct name_order {
	char name[NAME_BYTES];
} __attribute__((packed));

struct time_order {
	char iso8601[26];
} __attribute__((packed));

enum { IS_MMAP = 1, IS_TRACEPOINT = 0, IS_SYSCALL = 5, CONTEXT_PROCNAME = 2, CONTEXT_TID = 6 };

#define MAKE_SESSION _IO(0xF6, 0x45)
#define MAKE_METADATA _IOW(0xF6, 0x54, struct channel_order)
#define MAKE_CHANNEL _IOW(0xF6, 0x55, struct channel_order)
#define SESSION_START _IO(0xF6, 0x56)
#define SET_NAME _IOW(0xF6, 0x5D, struct name_order)
#define SET_TIME _IOW(0xF6, 0x5E, struct time_order)
#define MAKE_STREAM _IO(0xF6, 0x62)
#define MAKE_EVENT _IOW(0xF6, 0x63, struct event_order)
#define ADD_CONTEXT _IOW(0xF6, 0x71, struct context_order)
#define ENABLE _IO(0xF6, 0x82)
#define DISABLE _IO(0xF6, 0x83)
#define SNAPSHOT _IO(0xF6, 0x00)
#define GET_CONSUMED _IOR(0xF6, 0x01, unsigned long)
#define GET_PRODUCED _IOR(0xF6, 0x02, unsigned long)
#define GET_SUBBUF _IOW(0xF6, 0x03, unsigned long)
#define PUT_SUBBUF _IO(0xF6, 0x04)
#define GET_NEXT _IO(0xF6, 0x05)
#define PUT_NEXT _IO(0xF6, 0x06)
#define GET_PADDED_SIZE _IOR(0xF6, 0x08, unsigned long)
#define GET_MAX_SIZE _IOR(0xF6, 0x09, unsigned long)
#define GET_MMAP_LEN _IOR(0xF6, 0x0A, unsigned long)
#define GET_MMAP_OFFSET _IOR(0xF6, 0x0B, unsigned long)
#define FLUSH _IO(0xF6, 0x0C)
#define METADATA_CACHE_DUMP _IO(0xF6, 0x10)

struct stream {
	int fd;
	char *map;
};

struct channel {
	const char *name;
	uint64_t subbuf_size, num_subbuf;
	int is_overwritten;
	int fd;
	struct stream streams[CPUS_MAX];
	int stream_count;
};

struct session {
	const char *folder, *name;
	const char *const *events; /* "@": system calls. */
	struct channel channels[CHANNELS_MAX];
	int fd;
	struct stream metadata;
};

static const char *const all_events[] = {"sched_*", "irq_*", "signal_*", "lttng_logger", "@", NULL};
static const char *const some_events[] = {"sched_switch", "lttng_logger", NULL};

static struct session sessions[] = {
	{.folder = "lab",
         .name = "lab",
         .events = all_events,
         .channels = {{.name = "ring", .subbuf_size = 16384, .num_subbuf = 4, .is_overwritten = 1},
                      {.name = "kept", .subbuf_size = 65536, .num_subbuf = 32}}},
	{.folder = "full",
         .name = "full",
         .events = all_events,
         .channels = {{.name = "small", .subbuf_size = 4096, .num_subbuf = 4}}},
	{.name = "live/../\033[2Jone",
         .events = some_events,
         .channels = {{.name = "last", .subbuf_size = 8192, .num_subbuf = 8, .is_overwritten = 1}}},
};

enum { SESSIONS = sizeof(sessions) / sizeof(*sessions), LAB = 0, STOPPED = 2, KEPT = 1 };

static void start_system(void)
{
	mount_at("proc", "/proc", "proc");
	mount_at("sys", "/sys", "sysfs");
	mount_at("dev", "/dev", "devtmpfs");
	load_modules();
	for (unsigned tries = 0; access("/dev/vda", F_OK) < 0; tries++) {
		if (tries == 1000)
			die("/dev/vda");
		usleep(20000);
	}
	mount_at("/dev/vda", "/disk", "ext4");
	tell_loads();
}

static void map_stream(struct stream *stream)
{
	unsigned long size = 0;

	if (ioctl(stream->fd, GET_MMAP_LEN, &size) < 0)
		die("GET_MMAP_LEN");
	stream->map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, stream->fd, 0);
	if (stream->map == MAP_FAILED)
		die("mmap");
}

static void make_events(struct channel *channel, const char *const *names)
{
	for (; *names; names++) {
		struct event_order order = {.instrumentation = IS_TRACEPOINT};
		int fd;

		snprintf(order.name, sizeof(order.name), "%s", *names);
		if ((*names)[0] == '@') {
			order.instrumentation = IS_SYSCALL;
			snprintf(order.name, sizeof(order.name), "*");
		}
		fd = ioctl(channel->fd, MAKE_EVENT, &order);
		if (fd < 0 || ioctl(fd, ENABLE) < 0)
			die(*names);
	}
}

static void make_channel(struct session *session, struct channel *channel)
{
	static const uint32_t contexts[] = {CONTEXT_TID, CONTEXT_PROCNAME};
	struct channel_order order = {.subbuf_size = channel->subbuf_size,
	                              .num_subbuf = channel->num_subbuf,
	                              .output = IS_MMAP,
	                              .overwrite = channel->is_overwritten};

	channel->fd = ioctl(session->fd, MAKE_CHANNEL, &order);
	if (channel->fd < 0)
		die(channel->name);
	for (size_t i = 0; i < 2; i++) {
		struct context_order context = {.context = contexts[i]};

		if (ioctl(channel->fd, ADD_CONTEXT, &context) < 0)
			die("ADD_CONTEXT");
	}
	for (int fd; channel->stream_count < CPUS_MAX && (fd = ioctl(channel->fd, MAKE_STREAM)) >= 0;) {
		struct stream *stream = &channel->streams[channel->stream_count++];

		stream->fd = fd;
		map_stream(stream);
	}
	if (!channel->stream_count)
		die("MAKE_STREAM");
	make_events(channel, session->events);
}

static void make_session(struct session *session)
{
	struct channel_order order = {.subbuf_size = 4096, .num_subbuf = 2, .output = IS_MMAP};
	struct name_order name = {0};
	struct time_order when = {"20261122T120000+0000"};
	int control = open("/proc/lttng", O_RDWR | O_CLOEXEC), fd;

	session->fd = control < 0 ? -1 : ioctl(control, MAKE_SESSION);
	snprintf(name.name, sizeof(name.name), "%s", session->name);
	if (session->fd < 0 || ioctl(session->fd, SET_NAME, &name) < 0 || ioctl(session->fd, SET_TIME, &when) < 0)
		die("MAKE_SESSION");
	fd = ioctl(session->fd, MAKE_METADATA, &order);
	session->metadata.fd = fd < 0 ? -1 : ioctl(fd, MAKE_STREAM);
	if (session->metadata.fd < 0)
		die("MAKE_METADATA");
	map_stream(&session->metadata);
	for (int i = 0; i < CHANNELS_MAX && session->channels[i].name; i++)
		make_channel(session, &session->channels[i]);
	if (ioctl(session->fd, SESSION_START) < 0)
		die("SESSION_START");
}

static FILE *open_part(const char *place, const char *folder, const char *name, int cpu)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "/disk/%s", place);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "/disk/%s/%s", place, folder);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), cpu < 0 ? "/disk/%s/%s/%s" : "/disk/%s/%s/%s_%d", place, folder, name, cpu);
	file = fopen(path, "a");
	if (!file)
		die(path);
	return file;
}

static void close_part(FILE *file)
{
	if (fclose(file))
		die("write");
}

/* Of the sub-buffer that a stream has given out. */
static void write_packet(struct stream *stream, FILE *file, unsigned long most)
{
	unsigned long size = 0, offset = 0;

	if (ioctl(stream->fd, GET_PADDED_SIZE, &size) < 0 || ioctl(stream->fd, GET_MMAP_OFFSET, &offset) < 0)
		die("GET_PADDED_SIZE");
	if (fwrite(stream->map + offset, 1, size < most ? size : most, file) == 0)
		die("write");
}

/* At most so many packets; returns whether there were so many. */
static int consume(struct stream *stream, FILE *file, int most)
{
	for (; most; most--) {
		if (ioctl(stream->fd, GET_NEXT) < 0)
			return 0;
		write_packet(stream, file, ~0ul);
		if (ioctl(stream->fd, PUT_NEXT) < 0)
			die("PUT_NEXT");
	}
	return 1;
}

static void read_metadata(const char *place, struct session *session)
{
	FILE *file = open_part(place, session->folder, "metadata", -1);

	consume(&session->metadata, file, -1);
	close_part(file);
}

/* What a consumer has read until then. The last packet it was just writing. */
static void read_some(void)
{
	struct channel *channel = &sessions[LAB].channels[KEPT];

	for (int cpu = 0; cpu < channel->stream_count; cpu++) {
		FILE *file = open_part("part", sessions[LAB].folder, channel->name, cpu);
		struct stream *stream = &channel->streams[cpu];

		if (consume(stream, file, 2) && ioctl(stream->fd, GET_NEXT) == 0) {
			write_packet(stream, file, 5000);
			printf("@torn %d\n", cpu);
			if (ioctl(stream->fd, PUT_SUBBUF) < 0)
				die("PUT_SUBBUF");
		}
		close_part(file);
	}
	read_metadata("part", &sessions[LAB]);
}

static void read_ring(struct stream *stream, FILE *file)
{
	unsigned long first = 0, end = 0, size = 0;

	if (ioctl(stream->fd, FLUSH) < 0 || ioctl(stream->fd, SNAPSHOT) < 0 ||
	    ioctl(stream->fd, GET_CONSUMED, &first) < 0 || ioctl(stream->fd, GET_PRODUCED, &end) < 0 ||
	    ioctl(stream->fd, GET_MAX_SIZE, &size) < 0)
		die("SNAPSHOT");
	for (; (long)(end - first) > 0; first += size) {
		if (ioctl(stream->fd, GET_SUBBUF, &first) < 0)
			die("GET_SUBBUF");
		write_packet(stream, file, ~0ul);
		if (ioctl(stream->fd, PUT_SUBBUF) < 0)
			die("PUT_SUBBUF");
	}
}

/* All that the tracer has, by its own words. */
static void read_all(void)
{
	for (int i = 0; i < STOPPED; i++) {
		struct session *session = &sessions[i];

		for (int k = 0; k < CHANNELS_MAX && session->channels[k].name; k++) {
			struct channel *channel = &session->channels[k];

			for (int cpu = 0; cpu < channel->stream_count; cpu++) {
				FILE *file = open_part("all", session->folder, channel->name, cpu);

				read_ring(&channel->streams[cpu], file);
				close_part(file);
			}
		}
		/* Of the metadata a consumer may have had some: to its end, and then again from its beginning. */
		read_metadata("rest", session);
		if (ioctl(session->metadata.fd, METADATA_CACHE_DUMP) < 0)
			die("METADATA_CACHE_DUMP");
		read_metadata("all", session);
	}
	sync();
	if (umount("/disk") < 0)
		die("umount");
}

static void mark(int number)
{
	static int fd = -1;
	char text[40];
	int size = snprintf(text, sizeof(text), "marker %d", number);

	if (fd < 0)
		fd = open("/proc/lttng-logger", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)size) != size)
		die("/proc/lttng-logger");
}

static void work(int number)
{
	char name[16];

	snprintf(name, sizeof(name), "odd-%d \"%d\\ x", number, number);
	odd_work(name, 150);
}

static void run_workload(int first)
{
	for (int i = 0; i < 6; i++) {
		pid_t pid = fork();

		if (pid == 0)
			work(i);
		for (int k = 0; k < 20; k++)
			mark(first + i * 20 + k);
		if (i % 2)
			waitpid(pid, NULL, 0);
	}
	while (wait(NULL) > 0)
		;
}

int main(int argc, char **argv)
{
	char line[16];
	int trigger;

	if (argc > 1 && strcmp(argv[1], "loads") == 0) {
		tell_loads();
		return 0;
	}
	start_system();
	for (int i = 0; i < SESSIONS; i++)
		make_session(&sessions[i]);
	run_workload(0);
	read_some();
	run_workload(120);
	for (int i = 0; i < STOPPED; i++)
		for (int k = 0; k < CHANNELS_MAX && sessions[i].channels[k].name; k++)
			if (ioctl(sessions[i].channels[k].fd, DISABLE) < 0)
				die("DISABLE");
	sync();
	printf("@ready\n");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		die("console");
	if (line[0] == 'r') {
		read_all();
		printf("@read\n");
		fflush(stdout);
		for (;;)
			pause();
	}
	for (int i = 240; i < 300; i++)
		mark(i);
	trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	if (trigger < 0 || write(trigger, "c", 1) < 0)
		die("sysrq-trigger");
	return 1;
}

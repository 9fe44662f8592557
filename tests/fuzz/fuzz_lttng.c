// SPDX-License-Identifier: GPL-2.0-or-later
// A machine that LTTng-modules traced, with words of its memory overwritten, the types of the modules among them: its packets are read,
// and lie in their sub-buffers, and that ends. What an input is of one packet or more is also a file of a trace, of which whole packets
// are found.
//
// An input is changes: 3 bytes where, 8 bytes what.
#include <unistd.h>

#include "fakelttng.h"
#include "fuzz.h"
#include "report/ctf.h"
#include "report/lttng.h"
#include "report/lttng_reader.h"
#include "report/machine.h"

enum {
	CHANGE_BYTES = 11,
	CHANGES_MAX = 64,
	FILE_MEMORY = 1 << 20, // Of the file; fakecore.h.
	CHANGED = FAKECRASH_MODULE, // What there is to change: from the module with its version to the types.
	CHANGED_BYTES = FAKELTTNG_BTF_MODULE + 0x1000 - CHANGED,
	SESSIONS_TOLD = 4,
};

// The dump, made once; changes are taken back.
struct lttng_file {
	struct fakecore fake;
	uint8_t *memory;
	int trace_fd;
};

static struct lttng_file *get_file(void)
{
	static struct lttng_file file;
	uint8_t *map;

	if (file.memory)
		return &file;
	fakelttng_make(&file.fake, "2.13.9");
	fakelttng_types(&file.fake);
	fakecore_open(&file.fake);
	map = mmap(NULL, FILE_MEMORY + FAKECRASH_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file.fake.fd, 0);
	fuzz_require(map != MAP_FAILED);
	file.memory = map + FILE_MEMORY;
	file.trace_fd = memfd_create("trace", MFD_CLOEXEC);
	fuzz_require(file.trace_fd >= 0);
	return &file;
}

static void tell_channel(struct lttng *lttng, const struct lttng_session *session, const struct lttng_channel *channel)
{
	struct lttng_reader *reader = NULL;
	struct lttng_reader_packet packet;
	char why[KERNEL_WHY_BYTES];

	if (channel->why[0])
		return;
	fuzz_end(lttng_reader_create(lttng, session, channel, 0, &reader),
	         FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_UNSUPPORTED) | FUZZ_CODE(ERROR_FAULT));
	if (!reader)
		return;
	while (lttng_reader_next(reader, &packet)) {
		struct ctf_packet header;
		uint8_t sum = 0;

		fuzz_require(packet.size_bytes >= CTF_HEADER_BYTES && packet.size_bytes <= channel->subbuf_bytes);
		for (size_t i = 0; i < packet.size_bytes; i++)
			sum ^= packet.bytes[i];
		fuzz_require(sum <= UINT8_MAX && ctf_get(packet.bytes, false, &header));
		fuzz_require(ctf_is_whole(&header, packet.size_bytes) && header.stream == channel->id);
	}
	lttng_reader_damaged(reader, why);
	lttng_reader_destroy(reader);
}

static void tell(struct lttng *lttng)
{
	for (size_t i = 0; i < lttng->session_count && i < SESSIONS_TOLD; i++) {
		const struct lttng_session *session = &lttng->sessions[i];
		char *text = NULL;
		size_t size = 0;

		fuzz_end(lttng_metadata(lttng, session, &text, &size),
		         FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_FAULT));
		free(text);
		for (size_t k = 0; session->channels && k < session->channel_count; k++)
			tell_channel(lttng, session, &session->channels[k]);
	}
}

static void look_at_file(int fd, const uint8_t *data, size_t size_bytes)
{
	struct ctf_packet packet;
	struct ctf_file found;

	if (size_bytes < CTF_HEADER_BYTES || !ctf_get(data, false, &packet))
		return;
	fuzz_require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size_bytes, 0) == (ssize_t)size_bytes);
	fuzz_end(ctf_look(fd, false, packet.uuid, &found), 0);
	fuzz_require(found.whole_bytes <= size_bytes && found.size_bytes == size_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct lttng_file *file = get_file();
	uint64_t places[CHANGES_MAX];
	struct machine *machine = NULL;
	struct lttng *lttng = NULL;
	size_t count = 0;

	look_at_file(file->trace_fd, data, size_bytes);
	for (; count < CHANGES_MAX && (count + 1) * CHANGE_BYTES <= size_bytes; count++) {
		const uint8_t *at = data + count * CHANGE_BYTES;

		places[count] = CHANGED + ((uint64_t)at[0] << 16 | (uint64_t)at[1] << 8 | at[2]) % (CHANGED_BYTES - 8);
		memcpy(file->memory + places[count], at + 3, 8);
	}
	fuzz_end(machine_open(file->fake.core, 1000, &machine), 0);
	fuzz_end(lttng_open(machine, &lttng),
	         FUZZ_CODE(ERROR_UNSUPPORTED) | FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_FAULT));
	if (lttng)
		tell(lttng);
	lttng_close(lttng);
	machine_close(machine);
	for (size_t i = 0; i < count; i++)
		memcpy(file->memory + places[i], file->fake.memory + places[i], 8);
	return 0;
}

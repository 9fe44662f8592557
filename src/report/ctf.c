// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ctf.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/endian.h"
#include "base/io.h"

// Places in a header. The fields have their natural alignment.
enum {
	AT_MAGIC = 0,
	AT_UUID = 4,
	AT_STREAM = 20,
	AT_INSTANCE = 24,
	AT_BEGIN = 32,
	AT_END = 40,
	AT_CONTENT = 48,
	AT_PACKET = 56,
	AT_SEQUENCE = 64,
	AT_DISCARDED = 72,
	AT_CPU = 80,
	// Of one stream's file: as many of 4 KiB have 1 PiB, which nobody writes.
	PACKETS_MAX = 1 << 28,
};

static const uint32_t magic = 0xC1FC1FC1;

bool ctf_get(const uint8_t *raw, bool is_big, struct ctf_packet *ret)
{
	if (load_u32(raw + AT_MAGIC, is_big) != magic)
		return false;
	memcpy(ret->uuid, raw + AT_UUID, CTF_UUID_BYTES);
	ret->stream = load_u32(raw + AT_STREAM, is_big);
	ret->instance = load_u64(raw + AT_INSTANCE, is_big);
	ret->begin = load_u64(raw + AT_BEGIN, is_big);
	ret->end = load_u64(raw + AT_END, is_big);
	ret->content_bits = load_u64(raw + AT_CONTENT, is_big);
	ret->packet_bits = load_u64(raw + AT_PACKET, is_big);
	ret->sequence = load_u64(raw + AT_SEQUENCE, is_big);
	ret->discarded = load_u64(raw + AT_DISCARDED, is_big);
	ret->cpu = load_u32(raw + AT_CPU, is_big);
	return true;
}

static void put(uint8_t *raw, bool is_big, uint64_t number)
{
	for (size_t i = 0; i < 8; i++)
		raw[is_big ? 7 - i : i] = (uint8_t)(number >> 8 * i);
}

void ctf_put_end(uint8_t *raw, bool is_big, const struct ctf_packet *packet)
{
	put(raw + AT_END, is_big, packet->end);
	put(raw + AT_CONTENT, is_big, packet->content_bits);
	put(raw + AT_PACKET, is_big, packet->packet_bits);
	put(raw + AT_DISCARDED, is_big, packet->discarded);
}

bool ctf_is_whole(const struct ctf_packet *packet, uint64_t room_bytes)
{
	// Sizes are in bits, and of whole bytes.
	return packet->packet_bits % 8 == 0 && packet->packet_bits / 8 <= room_bytes &&
	       packet->packet_bits / 8 <= CTF_PACKET_MAX_BYTES && packet->content_bits <= packet->packet_bits &&
	       packet->content_bits / 8 >= CTF_HEADER_BYTES && packet->begin <= packet->end;
}

static bool follows(const struct ctf_file *file, const struct ctf_packet *packet)
{
	return !file->packets || (packet->stream == file->last.stream && packet->instance == file->last.instance &&
	                          packet->sequence > file->last.sequence && packet->begin >= file->last.begin);
}

struct error *ctf_look(int fd, bool is_big, const uint8_t uuid[CTF_UUID_BYTES], struct ctf_file *ret)
{
	struct ctf_file file = {0};
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_os(errno, "stat");
	file.size_bytes = (uint64_t)status.st_size;
	while (file.packets < PACKETS_MAX && file.size_bytes - file.whole_bytes >= CTF_HEADER_BYTES) {
		uint8_t raw[CTF_HEADER_BYTES];
		struct ctf_packet packet;
		size_t got = 0;
		struct error *err = io_pread(fd, raw, sizeof(raw), file.whole_bytes, &got);

		if (err)
			return err;
		if (got != sizeof(raw) || !ctf_get(raw, is_big, &packet) ||
		    memcmp(packet.uuid, uuid, CTF_UUID_BYTES) != 0 ||
		    !ctf_is_whole(&packet, file.size_bytes - file.whole_bytes) || !follows(&file, &packet))
			break;
		if (!file.packets)
			file.first = packet;
		file.last = packet;
		file.whole_bytes += packet.packet_bits / 8;
		file.packets++;
	}
	*ret = file;
	return NULL;
}

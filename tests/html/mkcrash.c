// SPDX-License-Identifier: GPL-2.0-or-later
// Writes the dump of a small machine that crashed, with a log, and with markup wherever the crashed machine chooses the text.
//
// Usage: mkcrash FILE [LINES]     LINES: so many further lines of the log
#include <fcntl.h>
#include <stdlib.h>

#include "fakecrash.h"

enum {
	LOG = 0x200000,
	LOG_BYTES = 1 << 20,
	VARIABLES = 0x3f1000,
	HEADER_BYTES = 16,
	NAME_BYTES = 65,
};

struct log {
	uint8_t *at;
	size_t used;
};

// struct printk_log, Linux v3.11 to v5.9: ts_nsec, len, text_len, dict_len, facility, flags:5, level:3.
static void put_line(struct log *log, uint64_t time_us, unsigned int level, const char *text)
{
	size_t size = strlen(text), len = (HEADER_BYTES + size + 7) / 8 * 8;
	uint8_t *at = log->at + log->used;
	uint64_t ns = time_us * 1000;
	uint16_t sizes[3] = {(uint16_t)len, (uint16_t)size, 0};

	check(log->used + len < LOG_BYTES);
	memcpy(at, &ns, sizeof(ns));
	memcpy(at + 8, sizes, sizeof(sizes));
	at[15] = (uint8_t)(level << 5);
	memcpy(at + HEADER_BYTES, text, size);
	log->used += len;
}

static void make_log(struct fakecore *fake, unsigned long lines)
{
	struct log log = {.at = fake->memory + LOG};
	uint64_t at = fakecore_image + VARIABLES;

	put_line(&log, 0, 5, "Linux version 6.1.0 (somebody@somewhere) #1 SMP");
	put_line(&log, 1000, 6, "</pre></script><script>window.hostile=1</script>");
	put_line(&log, 2000, 4, "<img src=x onerror=window.hostile=2> & \"quotes\" 'too' &lt;");
	put_line(&log, 3000, 3, "disk: I/O error, sector 8");
	put_line(&log, 4000, 6, "two lines:\n<!-- the second");
	for (unsigned long i = 0; i < lines; i++) {
		char text[64];

		snprintf(text, sizeof(text), "line %lu of many, needle%lu", i, i % 7);
		put_line(&log, 5000 + i, 6, text);
	}
	put_line(&log, 900000000, 6, "sysrq: Trigger a crash");
	put_line(&log, 900000100, 0, "Kernel panic - not syncing: sysrq triggered crash");
	put_line(&log, 900000200, 4, "CPU: 0 PID: 77 Comm: crasher Tainted: G        W  OE");
	fakecrash_put(fake, at, fakecore_image + LOG, 8);
	fakecrash_put(fake, at + 8, LOG_BYTES, 4);
	fakecrash_put(fake, at + 16, 0, 4);
	fakecrash_put(fake, at + 24, log.used, 4);
	fakecore_info(
		fake,
		"SYMBOL(log_buf)=%jx\nSYMBOL(log_buf_len)=%jx\nSYMBOL(log_first_idx)=%jx\nSYMBOL(log_next_idx)=%jx\n",
		(uintmax_t)at, (uintmax_t)at + 8, (uintmax_t)at + 16, (uintmax_t)at + 24);
	fakecore_info(fake,
	              "SIZE(printk_log)=%d\nOFFSET(printk_log.ts_nsec)=0\nOFFSET(printk_log.len)=8\n"
	              "OFFSET(printk_log.text_len)=10\nOFFSET(printk_log.dict_len)=12\n",
	              HEADER_BYTES);
}

static void make_hostile(struct fakecore *fake)
{
	char *name = (char *)fake->memory + FAKECRASH_NAMES;

	// comm has eight bytes here.
	strcpy((char *)fake->memory + (fakecrash_task(FAKECRASH_WAITING) - fakecore_image) + 128, "<b>\"x'&");
	strcpy((char *)fake->memory + (fakecrash_task(FAKECRASH_ENDED) - fakecore_image) + 128, "\x1b[2J<i>");
	strcpy((char *)fake->memory + FAKECRASH_MODULE + 24, "<svg/on");
	strcpy((char *)fake->memory + (fakecrash_variable(FAKECRASH_COMMAND_TEXT) - fakecore_image),
	       "quiet <script>alert(1)</script> a=\"b\"");
	strcpy(name + NAME_BYTES, "</title><x>host");
	strcpy(name + (size_t)2 * NAME_BYTES, "6.1.0-test");
	strcpy(name + (size_t)3 * NAME_BYTES, "#1 SMP <now>");
	strcpy(name + (size_t)4 * NAME_BYTES, "x86_64");
}

int main(int argc, char **argv)
{
	static struct fakecore fake;
	char text[1 << 16];
	ssize_t got;
	int out;

	if (argc < 2)
		return 2;
	fakecrash_make(&fake, 2);
	make_log(&fake, argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
	make_hostile(&fake);
	fakecore_open(&fake);
	out = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(out >= 0 && lseek(fake.fd, 0, SEEK_SET) == 0);
	while ((got = read(fake.fd, text, sizeof(text))) > 0)
		check_ok(io_write(out, text, (size_t)got));
	check(got == 0 && close(out) == 0);
	fakecore_deinit(&fake);
	return 0;
}

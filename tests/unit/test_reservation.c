// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/reservation.h"

#include "boot/initrd.h"
#include "boot/plan.h"
#include "fake.h"
#include "test.h"

#define MIB ((uint64_t)1 << 20)

// A machine whose plan can be made but for its disk: KDUMP_TARGET names none.
static void make_machine(struct fake *fake, struct config *config)
{
	fake_init(fake);
	fake_file(fake, "/proc/meminfo", "MemTotal:         524288 kB\nMemFree: 1 kB\n");
	fake_file(fake, "/proc/sys/kernel/osrelease", "6.1\n");
	fake_file(fake, "/proc/sys/kernel/hostname", "n\n");
	fake_file(fake, "/proc/cmdline", "quiet\n");
	fake_file(fake, "/sys/kernel/kexec_crash_size", "0\n");
	check_ok(config_parse("KDUMP_TARGET=\"UUID=1\"", "f", config));
	check_ok(config_check(config));
}

static void put(uint8_t *at, uint64_t value, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void check_kernel(const uint8_t *header, size_t size_bytes, uint64_t wanted)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_config_ struct config config = {0};
	_cleanup_reservation_ struct reservation reservation = {0};

	make_machine(&fake, &config);
	check_ok(host_replace(&fake.host, "/boot/vmlinuz-6.1", header, size_bytes, 0644));
	check_ok(reservation_estimate(&fake.host, &config, &reservation));
	check(reservation.bytes[RESERVATION_KERNEL] == wanted);
}

static void kernels_say_how_large_they_are(void)
{
	uint8_t x86[0x300] = {0}, arm64[64] = {0};

	memcpy(x86 + 0x202, "HdrS", 4);
	put(x86 + 0x206, 0x20f, 2);
	put(x86 + 0x260, 50 * MIB, 4);
	check_kernel(x86, sizeof(x86), 50 * MIB);
	put(x86 + 0x206, 0x209, 2);
	check_kernel(x86, sizeof(x86), 64 * MIB);
	put(x86 + 0x206, 0x20f, 2);
	check_kernel(x86, 0x262, 64 * MIB);
	put(x86 + 0x260, 0xffffffff, 4);
	check_kernel(x86, sizeof(x86), 64 * MIB);
	memcpy(arm64 + 56, "ARM\x64", 4);
	put(arm64 + 16, 40 * MIB, 8);
	check_kernel(arm64, sizeof(arm64), 40 * MIB);
	check_kernel(arm64, 0, 64 * MIB);
}

static void parts_make_the_sum(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_config_ struct config config = {0};
	_cleanup_reservation_ struct reservation reservation = {0};
	char path[256];
	uint64_t sum = 0;

	make_machine(&fake, &config);
	fake_file(&fake, "/boot/vmlinuz-6.1", "x");
	fake_file(&fake, INITRD_PATH, "");
	snprintf(path, sizeof(path), "%s" INITRD_PATH, fake.root);
	check(truncate(path, (off_t)(40 * MIB)) == 0);
	check_ok(reservation_estimate(&fake.host, &config, &reservation));
	check(reservation.bytes[RESERVATION_IMAGE] == 40 * MIB);
	check(reservation.bytes[RESERVATION_UNPACKED] == 120 * MIB);
	// tests/vm/README.md: 4.0 MiB with one thread, in a guest of 512 MiB.
	check(reservation.bytes[RESERVATION_COPIER] > 3 * MIB && reservation.bytes[RESERVATION_COPIER] < 5 * MIB);
	for (int i = 0; i < RESERVATION_PARTS; i++) {
		sum += reservation.bytes[i];
		check(reservation.why[i] && *reservation_part_name(i));
	}
	check(reservation.need_bytes == sum);
	check(reservation.least_bytes == sum);
	check(reservation.total_mib == 512);
	// A large image needs more than the usual; a quarter more than the need, in steps of 16.
	check(reservation.proposed_mib * MIB >= sum * 5 / 4 && reservation.proposed_mib * MIB < sum * 5 / 4 + 16 * MIB);
	check(reservation.proposed_mib % 16 == 0);
	check(reservation.problem && strstr(reservation.problem, "KDUMP_TARGET"));
}

static void a_usual_machine(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_reservation_ struct reservation reservation = {0}, none = {0};

	fake_init(&fake);
	check_error(reservation_estimate(&fake.host, NULL, &none), ERROR_OS, "/proc/meminfo");
	fake_file(&fake, "/proc/meminfo", "MemFree: 1 kB\n");
	check_error(reservation_estimate(&fake.host, NULL, &none), ERROR_BAD_DATA, "no MemTotal");
	fake_file(&fake, "/proc/meminfo", "MemTotal: 524288 kB\n");
	check_ok(reservation_estimate(&fake.host, NULL, &reservation));
	// No plan can be made: the full form may be needed.
	check(reservation.proposed_mib == PLAN_FULL_MIB);
}

// Smallest reservations that captured with one CPU, Debian's cloud kernels 6.1 and 6.12, and the kernels' own sizes.
static void measured_ones_are_met(void)
{
	static const struct {
		unsigned int init_kib, image_kib, measured_mib;
	} rows[] = {{52704, 1690, 64}, {57200, 1631, 68}};

	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_fake_ struct fake fake;
		_cleanup_config_ struct config config = {0};
		_cleanup_reservation_ struct reservation reservation = {0};
		uint8_t header[0x300] = {0};
		char path[256];

		make_machine(&fake, &config);
		memcpy(header + 0x202, "HdrS", 4);
		put(header + 0x206, 0x20f, 2);
		put(header + 0x260, (uint64_t)rows[i].init_kib << 10, 4);
		check_ok(host_replace(&fake.host, "/boot/vmlinuz-6.1", header, sizeof(header), 0644));
		fake_file(&fake, INITRD_PATH, "");
		snprintf(path, sizeof(path), "%s" INITRD_PATH, fake.root);
		check(truncate(path, (off_t)rows[i].image_kib << 10) == 0);
		check_ok(reservation_estimate(&fake.host, &config, &reservation));
		// Measured in steps of 4 MiB.
		check(reservation.need_bytes > (rows[i].measured_mib - 4) * MIB);
		check(reservation.need_bytes < (rows[i].measured_mib + 4) * MIB);
	}
}

static const struct test tests[] = {
	TEST(kernels_say_how_large_they_are),
	TEST(parts_make_the_sum),
	TEST(a_usual_machine),
	TEST(measured_ones_are_met),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}

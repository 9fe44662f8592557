// SPDX-License-Identifier: GPL-2.0-or-later
// The size of the reservation, the command line it may stand on, and what is configured.
#include "boot/crashkernel.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static const char *const directories[] = {"/sys/kernel", "/proc", "/etc/default", NULL};
	struct fuzz_input input = {data, size_bytes};
	_cleanup_free_ char *size = fuzz_text(&input), *running = fuzz_text(&input), *configured = fuzz_line(&input);
	_cleanup_config_ struct config config = {0};
	struct host *host = fuzz_host();
	uint64_t reserved = 0;
	struct error *err;

	fuzz_directories(host, directories);
	fuzz_file(host, "/sys/kernel/kexec_crash_size", size);
	fuzz_file(host, "/proc/cmdline", running);
	fuzz_file(host, "/etc/default/grub", "");
	fuzz_end(config_check(&config), 0);
	free(config.values[KEY_CRASHKERNEL].text);
	config.values[KEY_CRASHKERNEL].text = take_ptr(configured);
	fuzz_end(crashkernel_read(host, &reserved), FUZZ_CODE(ERROR_BAD_DATA));
	err = crashkernel_missing(host, &config, 128);
	fuzz_require(err);
	fuzz_end(err, FUZZ_CODE(ERROR_CONFIG) | FUZZ_CODE(ERROR_BAD_DATA));
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The running kernel's command line, what the configuration puts in its place and adds, and the architecture.
#include "boot/cmdline.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static const char *const directories[] = {"/proc/sys/kernel", NULL};
	struct fuzz_input input = {data, size_bytes};
	_cleanup_free_ char *running = fuzz_text(&input), *replacement = fuzz_line(&input), *more = fuzz_line(&input);
	_cleanup_free_ char *arch = fuzz_text(&input), *line = NULL, *reason = NULL, *value = NULL;
	_cleanup_config_ struct config config = {0};
	struct host *host = fuzz_host();
	struct error *err;

	fuzz_directories(host, directories);
	fuzz_file(host, "/proc/cmdline", running);
	fuzz_file(host, "/proc/sys/kernel/arch", arch);
	fuzz_end(config_check(&config), 0);
	free(config.values[KEY_COMMANDLINE].text);
	free(config.values[KEY_COMMANDLINE_APPEND].text);
	config.values[KEY_COMMANDLINE].text = take_ptr(replacement);
	config.values[KEY_COMMANDLINE_APPEND].text = take_ptr(more);
	err = cmdline_make(host, &config, "nr_cpus=1", &line, &reason);
	fuzz_require(err || (strlen(line) < 2048 && *reason));
	fuzz_end(err, FUZZ_CODE(ERROR_CONFIG) | FUZZ_CODE(ERROR_BAD_DATA));
	fuzz_end(cmdline_running(host, "crashkernel", &value), FUZZ_CODE(ERROR_BAD_DATA));
	return 0;
}

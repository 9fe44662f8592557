// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration: one or two files, the second as a drop-in.
#include "boot/config.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct fuzz_input input = {data, size_bytes};
	_cleanup_config_ struct config config = {0};
	_cleanup_free_ char *first = fuzz_text(&input), *second = fuzz_text(&input);
	struct error *err = config_parse(first, "kdump", &config);

	if (!err)
		err = config_parse(second, "kdump.d/x.conf", &config);
	if (!err)
		err = config_check(&config);
	for (int i = 0; !err && i < KEY_COUNT; i++) {
		const struct config_key_info *info = config_key_info(i);
		int64_t number = config_number(&config, i);

		fuzz_require(config_text(&config, i) && config_where(&config, i));
		fuzz_require(info->type != CONFIG_INT || (number >= info->first && number <= info->last));
		fuzz_require(!strchr(config_text(&config, i), '\n'));
	}
	fuzz_end(err, FUZZ_CODE(ERROR_CONFIG) | FUZZ_CODE(ERROR_UNSUPPORTED));
	return 0;
}

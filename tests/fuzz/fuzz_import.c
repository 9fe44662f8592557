// SPDX-License-Identifier: GPL-2.0-or-later
// Configurations of RHEL and of Debian: what is made of them must be one that we read.
#include "boot/import.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct fuzz_input input = {data, size_bytes};
	_cleanup_imported_ struct imported import = {0};
	_cleanup_config_ struct config config = {0};
	_cleanup_free_ char *text = fuzz_text(&input), *ours = NULL;
	enum import_from from = *text == '\t' ? IMPORT_DEBIAN : IMPORT_RHEL;
	struct error *err = import_read(from, text, "f", &import);

	if (!err) {
		fuzz_require(import_format(&import, &ours) == NULL);
		fuzz_require(config_parse(ours, "f", &config) == NULL);
		fuzz_require(config_check(&config) == NULL);
		for (int i = 0; i < KEY_COUNT; i++)
			fuzz_require(!import.values[i].text ||
			             strcmp(config_text(&config, i), import.values[i].text) == 0);
	}
	fuzz_end(err, FUZZ_CODE(ERROR_CONFIG) | FUZZ_CODE(ERROR_UNSUPPORTED));
	return 0;
}

/*
 * release_options - from settings to what txn/images and bundle/render take.
 */
#ifndef CMD_RELEASE_OPTIONS_H
#define CMD_RELEASE_OPTIONS_H

#include "cmd/connect.h"
#include "cmd/settings.h"
#include "txn/images.h"

/* Pointers into `settings`, which must outlive them. */
void render_options_set(struct render_options *render,
			const struct settings *settings);
void images_options_set(struct images_options *images,
			const struct release *release,
			const struct render_options *render,
			struct registry *registry, const struct site_ca *ca,
			const struct settings *settings,
			struct progress *progress);

/* ERR_USAGE for a name that is no image of the release. */
int images_check_names(const struct release *release, const struct strs *names,
		       struct err *err) must_check;

#endif

#include "cmd/release_options.h"

#include <string.h>

#include "base/mem.h"

void render_options_set(struct render_options *render,
			const struct settings *settings)
{
	memset(render, 0, sizeof(*render));
	render->overlays = &settings->overlays;
	render->registry = settings->registry;
	render->replicas = settings->replicas;
}

void images_options_set(struct images_options *images,
			const struct release *release,
			const struct render_options *render,
			struct registry *registry, const struct site_ca *ca,
			const struct settings *settings,
			struct progress *progress)
{
	memset(images, 0, sizeof(*images));
	images->release = release;
	images->render = render;
	images->registry = registry;
	images->from = &settings->from;
	images->authfile = settings->authfile;
	images->ca_pem = site_ca_pem(ca);
	images->ca_name = ca->name;
	images->platform = settings->platform;
	images->all_platforms = settings->all_platforms;
	images->dry_run = settings->dry_run;
	images->jobs = (unsigned int)settings->jobs;
	images->progress = progress;
}

int images_check_names(const struct release *release, const struct strs *names,
		       struct err *err)
{
	for (size_t i = 0; i < names->nr; i++) {
		bool known = false;

		for (size_t k = 0; k < release->nr_images; k++)
			known |= str_eq(names->item[i], release->image[k].name);
		if (!known)
			return err_set(err, ERR_USAGE,
				       "DWS %s has no image '%s'; 'dws-csm "
				       "images list' names them",
				       release->version, names->item[i]);
	}
	return 0;
}
